/**
 * SIGTERM under load, as when a new version is rolled out: what is in flight ends or is handed over, another replica
 * goes on within a poll and not only after the lease, the exit code is 0, and nothing is repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { startAsking } from './ask.ts';
import { appid, type Ground, grounds, openField, untilDone, waitText } from './field.ts';
import type { PartResult } from './report.ts';
import { type Asked, brokenPromises, tallyUp } from './tally.ts';

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
  const over = new AbortController();
  const asked: Asked[] = [];
  const broken: string[] = [];
  const conversations = 12;
  const waits: number[] = [];
  const stops: number[] = [];
  receiver.delayMs = () => 50 + random.below(300);
  try {
    const asking = startAsking({
      random,
      appid,
      conversations,
      questions: 1_000_000, // as long as it takes
      urls: field.urls,
      signal: over.signal,
      onAsked: (question) => asked.push(question),
      pace: async (openid, acknowledged) => {
        const answered = () => receiver.arrivals.filter((each) => each.openid === openid).length;
        while (acknowledged - answered() > 8) await sleep(50, undefined, { signal: over.signal });
      },
    });
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
    over.abort();
    await asking.done.catch(() => {});
    await untilDone(
      'draining',
      () => receiver.arrivals.length,
      async () => (await field.count()).pending === 0,
    );
    const { dead } = await field.count();
    broken.push(...(await field.end()));
    const tally = tallyUp(asked, receiver.arrivals, { blows: await field.stalls.list(field.database), dead, waitText });
    broken.push(...brokenPromises(tally, { duplicates: 'none' }));
    const longestMs = Math.round(Math.max(0, ...waits));
    if (longestMs > boundMs) broken.push(`a conversation went on only ${longestMs} ms after the stop`);
    const notes = [
      `${2 * rounds} stops under load`,
      `longest stop ${Math.round(Math.max(...stops))} ms`,
      `all conversations had gone on with the other replica ${longestMs} ms after it at the latest (lease 40 s)`,
    ];
    return { title: `sigterm on ${ground.name}, 2 replicas`, seed, tally, notes, broken };
  } finally {
    over.abort();
    await field.close();
  }
}
