/**
 * The freeze: a replica is stopped for six times its lease, right where it hurts, and goes on as if nothing had been.
 * What it holds is delivered by the others meanwhile, and it neither sends anything again nor undoes anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { onMariadb, openField } from './field.ts';
import { reckon, startLoad } from './load.ts';
import type { PartResult } from './report.ts';
import { brokenPromises } from './tally.ts';

/**
 * Where it is stopped: with the head of its lane read, not begun; with the begin under way, not sent; while it sends
 * and the receiver drops the call; with the failure of that call to be recorded. `stutter`: it only stands still at
 * each statement of a begin, each time for less than a statement may take, and all in all for longer than the lease.
 */
const points = ['found', 'begun', 'stutter', 'sending', 'failed'] as const;
type Point = (typeof points)[number];

const leaseMs = 6000;
const env = { LEASE_SECONDS: String(leaseMs / 1000), BIZCOMM_TIMEOUT_MS: '2000', QUERY_TIMEOUT_MS: '2800' };
const stutterMs = 2400;

/**
 * With so few, a lane is empty now and then: its next reply is sent by whoever has answered. While the victim is to be
 * caught it is asked as well, so that there is something for it to answer; the others alone may be quicker.
 */
const conversations = 12;
const unanswered = 2;

/** The part `freeze`. */
export async function* freeze(seed: number): AsyncGenerator<PartResult> {
  const rounds = Number(process.env.CHAOS_ROUNDS ?? 1);
  const chosen = points.filter((point) => process.env.CHAOS_POINTS?.split(',').includes(point) ?? true);
  const order = Array.from({ length: rounds }, () => chosen).flat();
  yield await runFreeze(seed, order);
}

/** Freezes the victim once at each of the points, in this order. `mutant`: the safeguard that all replicas lack. */
export async function runFreeze(seed: number, order: readonly Point[], mutant?: string): Promise<PartResult> {
  const freezeMs = mutant === undefined ? 6 * leaseMs : 2 * leaseMs;
  const random = createRandom(seed);
  const ground = await onMariadb(random);
  const proxy = await startTcpProxy(new URL(ground.server.url));
  const field = await openField({
    random,
    ground,
    replicas: 3,
    env: { ...env, ...(mutant !== undefined && { MUTANT: mutant }) },
    // The victim has one lane in hand at a time, so that nothing but what it is frozen in is between send and record.
    envOf: (index) =>
      index === 0 ? { DATABASE_URL: proxy.through(ground.urls[0]!), DISPATCH_WORKERS: '1', ANSWER_WORKERS: '4' } : {},
  });
  const victim = field.replicas[0]!;
  const { receiver } = field;
  let armed: Point | undefined;
  let lastFailed = false;
  const stop = () => process.kill(victim.pid, 'SIGSTOP');
  const trap = (point: Point) => {
    if (armed !== point || victim.url === undefined) return false;
    armed = undefined;
    stop();
    return true;
  };
  const stutters = ['update lane set due_at', 'update dispatch set started', 'commit'];
  let stuttered = 0;
  const stutter = (statement: string, before: readonly string[]) => {
    if (armed !== 'stutter' || !statement.startsWith(stutters[stuttered]!)) return;
    if (stuttered > 0 && !before.some((earlier) => earlier.startsWith(stutters[stuttered - 1]!))) return;
    stop();
    setTimeout(() => victim.signal('SIGCONT'), stutterMs);
    stuttered++;
    if (stuttered === stutters.length) armed = undefined;
  };
  proxy.cut = (statement, before) => {
    stutter(statement, before);
    if (/^select (d\.)?dispatch_id/.test(statement)) trap('found');
    if (statement === 'commit' && before.some((earlier) => earlier.startsWith('update dispatch set started')))
      trap('begun');
    if (statement === 'begin' && lastFailed) {
      lastFailed = false;
      trap('failed');
    }
    return undefined;
  };
  receiver.delayMs = () => 100 + random.below(200);
  receiver.onArrival = ({ sender }) => {
    if (sender !== victim.name) return undefined;
    if (armed === 'failed') lastFailed = true;
    return trap('sending') || lastFailed ? 'cut' : undefined;
  };
  try {
    const urls = () => field.urls().filter((url) => armed !== undefined || url !== victim.url);
    const load = startLoad({ field, random, conversations, unanswered, urls });
    let frozen = 0;
    for (const point of order) {
      stuttered = 0;
      armed = point;
      await until(`the victim is frozen at ${point}`, () => armed === undefined, 120_000);
      frozen++;
      await sleep(point === 'stutter' ? 2 * leaseMs : freezeMs);
      victim.signal('SIGCONT');
      await sleep(leaseMs);
    }
    await load.stop();
    // Others may stand still on a machine with too much to do. The victim has no excuse.
    const { tally, broken } = await reckon(field, load.asked, { excuses: ({ name }) => name !== victim.name });
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const title = `freeze for ${freezeMs} ms with a lease of ${leaseMs} ms on MariaDB, 3 replicas`;
    const notes = [`frozen ${frozen} times: ${order.join(', ')}`];
    return { title: mutant === undefined ? title : `${title}, mutant ${mutant}`, seed, tally, notes, broken };
  } finally {
    victim.signal('SIGCONT');
    await field.close();
    await proxy.close();
  }
}
