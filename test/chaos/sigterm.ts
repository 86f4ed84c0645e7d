/**
 * SIGTERM under load, as when a new version is rolled out: what is in flight ends or is handed over, another replica
 * goes on within a poll and not only after the lease, the exit code is 0, and nothing is repeated.
 */
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { type Ground, grounds, openField } from './field.ts';
import { reckon, startLoad } from './load.ts';
import type { PartResult } from './report.ts';
import { brokenPromises } from './tally.ts';

/** Far longer than a poll of a second, so that one sees which of them it was. */
const env = { LEASE_SECONDS: '40', BIZCOMM_TIMEOUT_MS: '5000', QUERY_TIMEOUT_MS: '5000', SHUTDOWN_GRACE_SECONDS: '10' };

/** Between a poll and the lease, with room for a machine that others use, too. */
const boundMs = 15_000;

/** The part `sigterm`: on MariaDB and on SQLite. */
export async function* sigterm(seed: number): AsyncGenerator<PartResult> {
  const rounds = Number(process.env.CHAOS_ROUNDS ?? 3);
  for await (const ground of grounds(createRandom(seed))) yield await runSigterm(seed, ground, rounds);
}

async function runSigterm(seed: number, ground: Ground, rounds: number): Promise<PartResult> {
  const random = createRandom(seed);
  const field = await openField({ random, ground, replicas: 2, env });
  const { receiver } = field;
  const broken: string[] = [];
  const conversations = 12;
  const waits: number[] = [];
  const stops: number[] = [];
  receiver.delayMs = () => 50 + random.below(300);
  try {
    const load = startLoad({ field, random, conversations });
    for (let round = 0; round < 2 * rounds; round++) {
      const replica = field.replicas[round % 2]!;
      const from = receiver.arrivals.length;
      await until('it is under load', () => {
        const since = receiver.arrivals.slice(from);
        return since.length > 20 && since.some(({ sender }) => sender === replica.name);
      });
      const stoppedMs = performance.now();
      const code = await replica.stop();
      stops.push(performance.now() - stoppedMs);
      if (code !== 0) broken.push(`${replica.name} ended with ${code} on SIGTERM`);
      // Every conversation has questions waiting, so each goes on with the other replica.
      const goneOn = () => receiver.arrivals.filter(({ sender, atMs }) => sender !== replica.name && atMs > stoppedMs);
      const hasAll = () => new Set(goneOn().map(({ openid }) => openid)).size === conversations;
      await until('all conversations go on', hasAll, 60_000);
      const firsts = new Map(
        goneOn()
          .reverse()
          .map(({ openid, atMs }) => [openid, atMs]),
      );
      waits.push(Math.max(...firsts.values()) - (stoppedMs + stops.at(-1)!));
      await replica.start();
    }
    await load.stop();
    const { tally, broken: wrong } = await reckon(field, load.asked);
    broken.push(...wrong, ...brokenPromises(tally, { duplicates: 'none' }));
    const longestMs = Math.round(Math.max(0, ...waits));
    if (longestMs > boundMs) broken.push(`a conversation went on only ${longestMs} ms after the stop`);
    const notes = [
      `${2 * rounds} stops under load`,
      `longest stop ${Math.round(Math.max(...stops))} ms`,
      `all conversations had gone on with the other replica ${longestMs} ms after it at the latest (lease 40 s)`,
    ];
    return { title: `sigterm on ${ground.name}, 2 replicas`, seed, tally, notes, broken };
  } finally {
    await field.close();
  }
}
