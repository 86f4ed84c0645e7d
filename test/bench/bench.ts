/**
 * Measures the index and the search on both dialects against SQLite FTS5 with pairs of characters, all on the same
 * passages and the same machine in one run, through the service's own write path. Only the ratios mean something.
 * The material is CMRC in EVAL_DATA, or the project's own texts (see generate.ts); sizes are set by BENCH_PASSAGES
 * (100,000), BENCH_SMALL_PASSAGES, BENCH_QUESTIONS, BENCH_LONG_QUESTIONS and BENCH_OTHER_BASES.
 * Ends with 1 when a gate is missed; those of search are for 100,000 and 10,000 passages, and for no less.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { dialects } from '../support/databases.ts';
import { copyBase } from './copy-base.ts';
import { fillBase } from './fill.ts';
import { createFts5, type Fts5 } from './fts5.ts';
import { type BenchDocument, generateDocuments } from './generate.ts';
import { loadMaterial } from './material.ts';
import { watchMemory } from './memory.ts';
import { chooseQuestions, longQuestions } from './questions.ts';
import { printReport, type Report } from './report.ts';
import { readSettings } from './settings.ts';
import { indexBytes } from './sizes.ts';
import { watchStalls } from './stalls.ts';
import { timeQueries } from './time-queries.ts';

const large = 1_000_001;
const small = 2_000_001;

const settings = readSettings(process.env);
const material = loadMaterial(settings.data);
const questions = chooseQuestions(material, settings.questions);
const long = longQuestions(material, settings.longQuestions);
const say = (line: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
say(`${settings.passages} passages from ${material.origin}; ${questions.length} and ${long.length} questions`);

const folder = mkdtempSync(join(tmpdir(), 'wxmp-bench-'));
const report: Report = { settings, times: [], engines: [] };
const databases = new Map<string, Database>();
const drops: (() => Promise<void>)[] = [];

try {
  const largeFts = fillFts5('large', settings.passages);
  const smallFts = fillFts5('small', settings.smallPassages);
  for (const { name, create } of dialects) {
    const { url, drop } = await create();
    const database = openDatabase({ url, poolSize: 4, queryTimeoutMs: 60_000 });
    databases.set(name, database);
    drops.push(drop);
    await migrate(database, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
    report.engines.push(await fill(name, database, largeFts.bytes()));
  }
  // In smaller bases neither takes long, and the round trips to the database weigh more.
  const [gate, longGate] = settings.passages >= 100_000 ? [0.5, 0.3] : [];
  const smallGate = settings.smallPassages >= 10_000 ? 1 : undefined;
  await compare(`${settings.passages} passages`, large, largeFts, gate, longGate);
  await compare(`${settings.smallPassages} passages`, small, smallFts, smallGate);
  for (const [name, database] of databases) {
    say(`${name}: copying the small base ${settings.otherBases} times`);
    await copyBase(database, small, settings.otherBases);
  }
  await compare(`the same beside ${settings.otherBases} other bases`, small, smallFts, smallGate);
} finally {
  for (const database of databases.values()) await database.close();
  for (const drop of drops) await drop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = printReport(report) === 0 ? 0 : 1;

function fillFts5(name: string, passages: number): Fts5 {
  const fts5 = createFts5(join(folder, `${name}.db`));
  let texts: string[] = [];
  let tookMs = 0;
  for (const { content } of generateDocuments(material, passages)) {
    texts.push(...content.passages.map(({ text }) => `${content.title}\n${text}`));
    if (texts.length < 100) continue;
    tookMs += fts5.add(texts);
    texts = [];
  }
  tookMs += fts5.add(texts);
  const perSecond = passages / (tookMs / 1000);
  say(`FTS5: ${passages} passages, ${perSecond.toFixed(0)} a second, ${(fts5.bytes() / 2 ** 20).toFixed(1)} MB`);
  return fts5;
}

/** The small base first, so that everything is warm. */
async function fill(name: string, database: Database, fts5Bytes: number): Promise<Report['engines'][number]> {
  await fillBase(database, small, generate(settings.smallPassages));
  const before = await indexBytes(database);
  const memory = watchMemory(settings.passages);
  const filled = await fillBase(database, large, generate(settings.passages), (passages) => memory.look(passages));
  const bytes = (await indexBytes(database)) - before;
  const perSecond = settings.passages / filled.seconds;
  say(`${name}: ${perSecond.toFixed(0)} passages a second, ${(bytes / 2 ** 20).toFixed(1)} MB`);
  const stalls = await watchStalls(async () => {
    for (const query of long) await search(database, large, query);
  });
  return { name, bytes, fts5Bytes, perSecond, longestMs: filled.longestMs, stalls, memory: memory.stretches() };
}

function generate(passages: number): Iterable<BenchDocument> {
  return generateDocuments(material, passages);
}

async function compare(what: string, baseNo: number, fts5: Fts5, gate?: number, longGate?: number): Promise<void> {
  const optimised = fts5.optimise(join(folder, `${baseNo}-${report.times.length}.db`));
  const engines = {
    [fts5.name]: fts5.search,
    [optimised.name]: optimised.search,
    ...Object.fromEntries(
      [...databases].map(([name, database]) => [name, (query: string) => search(database, baseNo, query)]),
    ),
  };
  for (const [kind, queries, limit] of [
    [what, questions, gate],
    [`${what}, 120 terms`, long, longGate],
  ] as const) {
    const times = await timeQueries(engines, queries);
    say(
      `${kind}: p95 ${Object.entries(times)
        .map(([name, { p95 }]) => `${name} ${p95.toFixed(2)}`)
        .join(', ')} ms`,
    );
    report.times.push({ what: kind, gate: limit, times });
  }
}

function search(database: Database, baseNo: number, query: string): Promise<unknown> {
  return searchPassages(database, { baseNos: [baseNo], query, limit: 10 });
}
