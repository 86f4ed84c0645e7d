/**
 * Half-open: a replica's database connections go silent under load, and nobody closes them. It says that it is not
 * ready, the other replica goes on, and once the network heals it is ready again and works.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { onMariadb, openField } from './field.ts';
import { reckon, startLoad } from './load.ts';
import type { PartResult } from './report.ts';
import { brokenPromises } from './tally.ts';

const env = { QUERY_TIMEOUT_MS: '2000', BIZCOMM_TIMEOUT_MS: '2000', LEASE_SECONDS: '5' };

/** More than a statement's time-out and the patience of a transaction, on a machine that others use, too. */
const boundMs = 45_000;

/** The part `halfopen`. */
export async function* halfOpen(seed: number): AsyncGenerator<PartResult> {
  const rounds = Number(process.env.CHAOS_ROUNDS ?? 2);
  const random = createRandom(seed);
  const ground = await onMariadb(random);
  const proxy = await startTcpProxy(new URL(ground.server.url));
  const field = await openField({
    random,
    ground,
    replicas: 2,
    env,
    envOf: (index) => (index === 0 ? { DATABASE_URL: proxy.through(ground.urls[0]!) } : {}),
  });
  const [victim] = field.replicas;
  const { receiver, blows } = field;
  const times = { notReady: [] as number[], ready: [] as number[], sends: [] as number[] };
  try {
    const load = startLoad({ field, random, conversations: 12 });
    const sentSince = (atMs: number) =>
      receiver.arrivals.filter((each) => each.atMs > atMs && each.sender === victim!.name).length;
    for (let round = 0; round < rounds; round++) {
      const startMs = performance.now();
      await until('the victim is under load', () => sentSince(startMs) > 10, 120_000);
      blows.push({ what: 'replica', name: victim!.name, atMs: performance.now() });
      const silentMs = performance.now();
      proxy.goSilent();
      await until('it says that it is not ready', async () => !(await isReady(victim!.url)), boundMs);
      times.notReady.push(performance.now() - silentMs);
      await sleep(random.below(4000));
      proxy.heal();
      const healedMs = performance.now();
      await until('it is ready again', () => isReady(victim!.url), boundMs);
      times.ready.push(performance.now() - healedMs);
      await until('it sends again', () => sentSince(healedMs) > 0, 120_000);
      times.sends.push(performance.now() - healedMs);
    }
    await load.stop();
    const { tally, broken } = await reckon(field, load.asked);
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const longest = (list: number[]) => `${Math.round(Math.max(...list))} ms`;
    const notes = [
      `silent ${rounds} times`,
      `not ready after ${longest(times.notReady)} at most`,
      `ready ${longest(times.ready)} after healing at most, sending again after ${longest(times.sends)}`,
    ];
    const kills = { kills: 0 };
    yield { title: 'half-open database connections, 2 replicas', seed, tally: { ...tally, ...kills }, notes, broken };
  } finally {
    proxy.heal();
    await field.close();
    await proxy.close();
  }
}

async function isReady(url: string | undefined): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(60_000) });
  await answer.text();
  return answer.ok;
}
