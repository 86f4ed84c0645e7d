/**
 * The freeze: a replica is stopped for six times its lease, right where it hurts, and goes on as if nothing had been.
 * What it holds is delivered by the others meanwhile, and it neither sends anything again nor undoes anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { startAsking } from './ask.ts';
import { appid, onMariadb, openField, untilDone, waitText } from './field.ts';
import type { PartResult } from './report.ts';
import { type Asked, brokenPromises, tallyUp } from './tally.ts';

/**
 * Where it is stopped: with the head of its lane read, not begun; with the begin under way, not sent; while it sends
 * and the receiver drops the call; with the failure of that call to be recorded.
 */
const points = ['found', 'begun', 'sending', 'failed'] as const;
type Point = (typeof points)[number];

const leaseMs = 2000;
const env = { LEASE_SECONDS: String(leaseMs / 1000), BIZCOMM_TIMEOUT_MS: '800', QUERY_TIMEOUT_MS: '800' };

/** More than the replicas have workers, so that there is always work left for the victim. */
const conversations = 12;

/** The part `freeze`. */
export async function* freeze(seed: number): AsyncGenerator<PartResult> {
  const rounds = Number(process.env.CHAOS_ROUNDS ?? 2);
  const order = Array.from({ length: rounds }, () => points).flat();
  yield await runFreeze(seed, order);
}

/** Freezes the victim once at each of the points, in this order. `mutant`: the safeguard that all replicas lack. */
export async function runFreeze(seed: number, order: readonly Point[], mutant?: string): Promise<PartResult> {
  const random = createRandom(seed);
  const ground = await onMariadb(random);
  const proxy = await startTcpProxy(new URL(ground.server.url));
  const broken: string[] = [];
  const asked: Asked[] = [];
  const field = await openField({
    random,
    ground,
    replicas: 3,
    env: { ...env, ...(mutant !== undefined && { MUTANT: mutant }) },
    // The victim has one lane in hand at a time, so that nothing but what it is frozen in is between send and record.
    envOf: (index) =>
      index === 0
        ? { DATABASE_URL: proxy.through(ground.urls[0]!), DISPATCH_WORKERS: '1', ANSWER_WORKERS: '1' }
        : { DISPATCH_WORKERS: '2' },
  });
  const victim = field.replicas[0]!;
  const { receiver } = field;
  const over = new AbortController();
  let armed: Point | undefined;
  const trap = (point: Point) => {
    if (armed !== point || victim.url === undefined) return false;
    armed = undefined;
    process.kill(victim.pid, 'SIGSTOP');
    return true;
  };
  proxy.cut = (statement, before) => {
    if (statement.startsWith('select dispatch_id, lane_id')) trap('found');
    if (statement === 'commit' && before.some((earlier) => earlier.startsWith('update dispatch set started')))
      trap('begun');
    if (statement === 'begin' && lastFailed) {
      lastFailed = false;
      trap('failed');
    }
    return undefined;
  };
  let lastFailed = false;
  receiver.delayMs = () => 20 + random.below(150);
  receiver.onArrival = ({ sender }) => {
    if (sender !== victim.name) return undefined;
    if (armed === 'failed') lastFailed = true;
    return trap('sending') || lastFailed ? 'cut' : undefined;
  };
  try {
    const asking = startAsking({
      random,
      appid,
      conversations,
      questions: 1_000_000, // as long as it takes
      urls: () => field.urls().filter((url) => url !== victim.url),
      signal: over.signal,
      onAsked: (question) => asked.push(question),
      pace: async (openid, acknowledged) => {
        const answered = () => receiver.arrivals.filter((each) => each.openid === openid).length;
        while (acknowledged - answered() > 10) await sleep(50, undefined, { signal: over.signal });
      },
    });
    let frozen = 0;
    for (const point of order) {
      armed = point;
      await until(`the victim is frozen at ${point}`, () => armed === undefined, 60_000);
      frozen++;
      await sleep(6 * leaseMs);
      victim.signal('SIGCONT');
      await sleep(leaseMs);
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
    const title = `freeze for ${6 * leaseMs} ms with a lease of ${leaseMs} ms on MariaDB, 3 replicas`;
    const notes = [`frozen ${frozen} times: ${order.join(', ')}`];
    return { title: mutant === undefined ? title : `${title}, mutant ${mutant}`, seed, tally, notes, broken };
  } finally {
    over.abort();
    victim.signal('SIGCONT');
    await field.close();
    await proxy.close();
  }
}
