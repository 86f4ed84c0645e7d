/**
 * Measures retrieval, answers and refusal on data in the form of SQuAD, on both dialects.
 * EVAL_DATA is a folder with cmrc2018/{trial,dev}.json and xquad/zh.json, or what EVAL_ANSWERABLE, EVAL_UNANSWERABLE
 * (comma separated paths in it) and EVAL_GATED (the one of the answerable that the gates are for) name.
 * Ends with 1 when a gate is missed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { dialects } from '../support/databases.ts';
import { askAll, askWithoutGold, learnAll } from './ask-all.ts';
import { auroc, type Figures, refusalAt, shareOf, summarise } from './figures.ts';
import { type QuestionSet, readSquad } from './squad.ts';

const folder = process.env.EVAL_DATA ?? join(import.meta.dirname, '../../../shared/data');
const list = (value: string | undefined, standard: string) => (value ?? standard).split(',').map((path) => path.trim());
const answerable = list(process.env.EVAL_ANSWERABLE, 'cmrc2018/trial.json,cmrc2018/dev.json');
const unanswerable = list(process.env.EVAL_UNANSWERABLE, 'xquad/zh.json');
const gated = process.env.EVAL_GATED ?? 'cmrc2018/dev.json';
/** Every so many questions are asked with their passage hidden. */
const leaveOutEvery = 5;

const gates: [string, (row: Row) => boolean][] = [
  ['R@1 ≥ 0.965', ({ recallAt1 }) => recallAt1 >= 0.965],
  ['R@5 ≥ 0.995', ({ recallAt5 }) => recallAt5 >= 0.995],
  ['gold in the reply ≥ 0.80 of the answered', ({ goldInReply }) => goldInReply >= 0.8],
  ['replies of at most 120 characters on average', ({ meanLength }) => meanLength <= 120],
  ['AUROC ≥ 0.98', (row) => row.auroc >= 0.98],
  ['≥ 0.93 refused with 95 % kept', ({ refusedAt95 }) => refusedAt95 >= 0.93],
];

interface Row extends Figures {
  auroc: number;
  /** With 95 % of the answerable kept: what is refused of the unanswerable, and from which support on. */
  refusedAt95: number;
  thresholdAt95: number;
  /** With the gold passage hidden. */
  refusedWithoutGold: number;
  citedWrongly: number;
}

if (!existsSync(folder)) {
  process.stderr.write(`EVAL_DATA: expected a folder, and ${folder} is none\n`);
  process.exit(2);
}

const sets = new Map(answerable.map((path) => [path, readSquad(join(folder, path))]));
const strangers = unanswerable.flatMap((path) => readSquad(join(folder, path)).questions);
let missed = 0;
for (const { name, create } of dialects) {
  const { url, drop } = await create();
  const database = openDatabase({ url, poolSize: 4, queryTimeoutMs: 30_000 });
  await migrate(database, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
  await learnAll(
    database,
    [...sets.values()].flatMap(({ contexts }) => contexts),
  );
  const supportOfStrangers = (await askAll(database, strangers)).map(({ support }) => support);
  for (const [path, set] of sets) {
    const row = await measure(database, set, supportOfStrangers);
    print(name, path, row);
    if (path === gated) missed += printGates(row);
  }
  await database.close();
  await drop();
}
process.exitCode = missed === 0 ? 0 : 1;

async function measure(
  database: Parameters<typeof askAll>[0],
  { questions }: QuestionSet,
  supportOfStrangers: readonly number[],
): Promise<Row> {
  const outcomes = await askAll(database, questions);
  const supports = outcomes.map(({ support }) => support);
  const leftOut = await askWithoutGold(
    database,
    questions.filter((_, at) => at % leaveOutEvery === 0),
  );
  const { threshold, refused } = refusalAt(0.95, supports, supportOfStrangers);
  return {
    ...summarise(outcomes),
    auroc: auroc(supports, supportOfStrangers),
    refusedAt95: refused,
    thresholdAt95: threshold,
    refusedWithoutGold: shareOf(leftOut, (outcome) => outcome.refused),
    citedWrongly: shareOf(leftOut, ({ citesOther }) => citesOther),
  };
}

function print(dialect: string, path: string, row: Row): void {
  process.stdout.write(`\n${path} on ${dialect}\n`);
  for (const [key, value] of Object.entries(row)) {
    const shown = Number.isInteger(value) ? String(value) : value.toFixed(key === 'meanLength' ? 1 : 4);
    process.stdout.write(`  ${key.padEnd(20)} ${shown}\n`);
  }
}

function printGates(row: Row): number {
  let misses = 0;
  for (const [name, holds] of gates) {
    const isHeld = holds(row);
    if (!isHeld) misses++;
    process.stdout.write(`  ${isHeld ? 'ok  ' : 'MISS'} ${name}\n`);
  }
  return misses;
}
