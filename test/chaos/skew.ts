/**
 * Skew: one replica's clock is an hour ahead, or behind. What is due is the database's to say, so the figures are those
 * of a storm without skew.
 */
import { provideFaketime } from '../support/faketime.ts';
import { createRandom } from '../support/random.ts';
import { runCronSkew } from './cron.ts';
import { onMariadb } from './field.ts';
import type { PartResult } from './report.ts';
import { runStorm } from './storm.ts';

const size = {
  questions: Number(process.env.CHAOS_QUESTIONS ?? 900),
  conversations: Number(process.env.CHAOS_CONVERSATIONS ?? 30),
  kills: Number(process.env.CHAOS_KILLS ?? 15),
  databaseKills: 0,
};

/** The part `skew`: replies and scheduled jobs, with one replica an hour ahead, then behind. */
export async function* skew(seed: number): AsyncGenerator<PartResult> {
  const offsets = process.env.CHAOS_ROUNDS === '1' ? [3600] : [3600, -3600];
  for (const offset of offsets) yield await runSkew(seed, offset);
  for (const offset of offsets) yield await runCronSkew(seed, offset, requireFaketime());
}

/** A storm with the clock of the first replica off by so many seconds. */
export async function runSkew(
  seed: number,
  offsetSeconds: number,
  { mutant, ...smaller }: { mutant?: string; questions?: number; kills?: number } = {},
): Promise<PartResult> {
  const faketime = requireFaketime();
  return runStorm({
    seed,
    ground: await onMariadb(createRandom(seed)),
    title: `with replica-0 off by ${offsetSeconds} s${mutant === undefined ? '' : `, mutant ${mutant}`}`,
    ...size,
    ...smaller,
    ...(mutant !== undefined && { env: { MUTANT: mutant } }),
    envOf: (index) => (index === 0 ? faketime(offsetSeconds) : {}),
  });
}

function requireFaketime() {
  const faketime = provideFaketime((line) => process.stderr.write(`${line}\n`));
  if (faketime === undefined) throw new Error('NOT RUN: there is no faketime here, and none can be installed');
  return faketime;
}
