/** A receiver that is slow for one conversation: the others are answered as fast as before. */
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { onMariadb, openField } from './field.ts';
import { reckon, startLoad } from './load.ts';
import type { PartResult } from './report.ts';
import { brokenPromises } from './tally.ts';

/** What is promised of a quiet machine; one that others use, too, may be off by as much again. */
const promisedRatio = 2;
const boundRatio = 2 * promisedRatio;

const slowUser = 'user-0';

/** The part `slow`: phases with and without the slowness take turns, so that both have the same machine. */
export async function* slow(seed: number): AsyncGenerator<PartResult> {
  const random = createRandom(seed);
  const rounds = Number(process.env.CHAOS_ROUNDS ?? 3);
  const perPhase = Number(process.env.CHAOS_QUESTIONS ?? 250);
  const field = await openField({ random, ground: await onMariadb(random), replicas: 2 });
  const { receiver } = field;
  let isSlow = false;
  receiver.delayMs = ({ openid }) => (isSlow && openid === slowUser ? 2000 : 20);
  try {
    const load = startLoad({ field, random, conversations: 10, unanswered: 2 });
    const phases: { isSlow: boolean; fromMs: number; toMs: number }[] = [];
    for (let phase = 0; phase < 2 * rounds; phase++) {
      isSlow = phase % 2 === 1;
      const from = receiver.arrivals.length;
      const fromMs = performance.now();
      await until('enough have arrived', () => receiver.arrivals.length - from > perPhase, 600_000);
      phases.push({ isSlow, fromMs, toMs: performance.now() });
    }
    await load.stop();
    const { tally, broken } = await reckon(field, load.asked);
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const askedAt = new Map(load.asked.map(({ msgid, atMs }) => [msgid, atMs]));
    const waits = (slowOnes: boolean) =>
      phases
        .filter((phase) => phase.isSlow === slowOnes)
        .flatMap(({ fromMs, toMs }) =>
          receiver.arrivals
            .filter(({ openid }) => openid !== slowUser)
            .flatMap(({ msgid, atMs }) => {
              const startMs = askedAt.get(msgid)!;
              return startMs > fromMs && startMs < toMs ? [Math.max(0, atMs - startMs)] : [];
            }),
        );
    const [usual, beside] = [percentile(waits(false), 0.95), percentile(waits(true), 0.95)];
    const ratio = beside / usual;
    if (!(ratio <= boundRatio)) broken.push(`the others waited ${ratio.toFixed(2)} times as long`);
    const notes = [
      `p95 from the acknowledgement to the arrival: ${usual.toFixed(0)} ms without, ${beside.toFixed(0)} ms beside a conversation that takes 2 s a reply: ${ratio.toFixed(2)} times (promised ${promisedRatio}, bound ${boundRatio})`,
    ];
    yield { title: 'slow for one of 10 conversations on MariaDB, 2 replicas', seed, tally, notes, broken };
  } finally {
    await field.close();
  }
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
