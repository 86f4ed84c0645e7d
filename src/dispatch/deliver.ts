import { type Alone, awaitTurnMs } from '../db/alone.ts';
import type { Database } from '../db/database.ts';
import { isTrusted, type Lease } from '../db/lease.ts';
import { recordPatienceMs, type TxOptions } from '../db/tx.ts';
import type { Run } from '../db/work-loop.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Attempt } from './attempts.ts';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import { beginHead, findHead } from './begin.ts';
import { classify } from './classify.ts';
import { type Dispatch, NotYet, type Senders } from './dispatch.ts';
import { type Ending, endLostTry, endOf, isTry, releaseLane, settleEnd, settleRetry, takeBackStart } from './settle.ts';

/**
 * How often a dispatch may have been begun without having ended: more often, and it is what kills the process. The last
 * of these tries is made alone, so that none that only happened to be under way is taken for it.
 */
const maxUnfinished = 3;

/** What delivering needs. */
export interface DeliverOptions {
  database: Database;
  senders: Senders;
  backoff: BackoffOptions;
  /** How long a send may take; the sender ends by then. */
  sendTimeoutMs: number;
  metrics: Metrics;
  logger: Logger;
  alone: Alone;
  /** Names a point that was reached; tests wait for it, or die there. */
  reached(point: 'dispatch.begun' | 'dispatch.sent'): void;
  /** The lane has something to do again after this long. */
  wakeIn(ms: number): void;
}

/** The options of a run. */
type Delivering = DeliverOptions & { recording: TxOptions & { signal: AbortSignal } };

/** After so long a lane with more to deliver is released, so that other accounts have their turn. */
const turnMs = 2000;

/** Delivers the dispatches of a lane whose lease is held, in order, while it is its turn, or until one has to wait. */
export async function deliverLane(given: DeliverOptions, lease: Lease, run: Run): Promise<void> {
  const options = { ...given, recording: { patienceMs: recordPatienceMs, signal: run.signal } };
  const { database } = options;
  const endMs = performance.now() + turnMs;
  while (!run.isStopping() && performance.now() < endMs) {
    const head = await findHead(database, lease.id);
    if (head === undefined) {
      const pending = await database.tx((tx) => releaseLane(tx, lease));
      if (pending) options.wakeIn(0);
      return;
    }
    if (!(await handleHead(options, lease, head, run))) return;
  }
  if (await database.tx((tx) => releaseLane(tx, lease))) options.wakeIn(0);
}

/** Returns whether the lane goes on at once. */
function handleHead(options: Delivering, lease: Lease, head: Dispatch, run: Run): Promise<boolean> {
  const number = head.started;
  if (head.expired) {
    const reason = 'its time was over before it could be delivered';
    return end(options, lease, head, { number, outcome: 'expired', tookMs: 0, reason });
  }
  const unfinished = head.started - head.finished;
  if (unfinished >= maxUnfinished) {
    const reason = `begun ${maxUnfinished} times without an end: sending it kills the process`;
    return end(options, lease, head, { number, outcome: 'buried', tookMs: 0, reason });
  }
  const tryIt = () => tryHead(options, lease, head, run);
  return unfinished === maxUnfinished - 1 ? tryAlone(options, lease, tryIt) : tryIt();
}

async function tryAlone(options: Delivering, lease: Lease, tryIt: () => Promise<boolean>): Promise<boolean> {
  const goesOn = await options.alone(tryIt);
  if (goesOn !== undefined) return goesOn;
  const waitMs = awaitTurnMs();
  if (await options.database.tx((tx) => releaseLane(tx, lease, waitMs))) options.wakeIn(waitMs);
  return false;
}

async function tryHead(options: Delivering, lease: Lease, head: Dispatch, run: Run): Promise<boolean> {
  if (run.isStopping()) return true;
  const begun = await options.database.tx((tx) => beginHead(tx, lease, head), options.recording);
  if (begun === 'begun') {
    options.reached('dispatch.begun');
    return deliverHead(options, lease, head);
  }
  if (begun === 'lost') lost(options, lease);
  return begun === 'gone';
}

async function deliverHead(options: Delivering, lease: Lease, head: Dispatch): Promise<boolean> {
  const startedMs = performance.now();
  const attempt = () => ({ number: head.started + 1, tookMs: performance.now() - startedMs });
  const send = options.senders.get(head.kind);
  if (send === undefined) {
    return wait(options, lease, head, { ...attempt(), outcome: 'failed', reason: `no sender for ${head.kind} here` });
  }
  // What is sent has ended by the time that it expires, and well before the lease does.
  const timeoutMs = Math.floor(Math.min(options.sendTimeoutMs, head.endsMs - startedMs));
  if (timeoutMs < 1 || !isTrusted(lease, timeoutMs)) {
    if (!(await options.database.tx((tx) => takeBackStart(tx, head), options.recording))) await endLost(options, head);
    return true; // begin renews the lease, or finds it expired
  }
  try {
    await send(head, AbortSignal.any([options.recording.signal, AbortSignal.timeout(timeoutMs)]));
  } catch (error) {
    if (error instanceof NotYet) return postpone(options, lease, head, error.waitMs);
    const { verdict, reason, retryAfterMs } = classify(error);
    if (verdict === 'transient') {
      return wait(options, lease, head, { ...attempt(), outcome: 'failed', reason }, retryAfterMs);
    }
    const outcome = verdict === 'closed' ? 'closed' : 'refused';
    return end(options, lease, head, { ...attempt(), outcome, reason });
  }
  options.reached('dispatch.sent');
  return end(options, lease, head, { ...attempt(), outcome: 'delivered', reason: null });
}

async function end(options: Delivering, lease: Lease, head: Dispatch, ending: Ending): Promise<boolean> {
  const settled = await options.database.tx((tx) => settleEnd(tx, lease, head, ending), options.recording);
  if (!settled) {
    if (isTry(ending)) await endLost(options, head);
    lost(options, lease);
    return false;
  }
  const state = endOf(head, ending.outcome);
  options.metrics.dispatches.inc({ kind: head.kind, event: state });
  const { dispatchId, appid, kind } = head;
  const entry = { dispatchId, appid, kind, state, reason: ending.reason };
  if (state === 'delivered') options.logger.info(entry, 'dispatch delivered');
  else if (state === 'fallback') options.logger.warn(entry, 'dispatch takes its fallback route');
  else options.logger.error(entry, 'dispatch not delivered');
  return true;
}

async function wait(
  options: Delivering,
  lease: Lease,
  head: Dispatch,
  failed: Attempt,
  retryAfterMs?: number,
): Promise<boolean> {
  // No longer than until it takes its fallback route, where it has one.
  const leftMs = head.hasFallback ? Math.max(0, head.endsMs - performance.now()) : Number.POSITIVE_INFINITY;
  const waitMs = (failures: number) => Math.min(leftMs, backoffMs(failures, options.backoff, retryAfterMs));
  const waited = await options.database.tx((tx) => settleRetry(tx, lease, head, failed, waitMs), options.recording);
  if (waited === undefined) {
    await endLost(options, head);
    lost(options, lease);
    return false;
  }
  const { dispatchId, appid, kind } = head;
  options.metrics.dispatches.inc({ kind, event: 'retried' });
  const entry = { dispatchId, appid, kind, reason: failed.reason, waitMs: waited };
  options.logger.warn(entry, 'dispatch waits for another try');
  options.wakeIn(waited);
  return false;
}

/** The start of a try that was none is taken back, and the lane waits. */
async function postpone(options: Delivering, lease: Lease, head: Dispatch, waitMs: number): Promise<boolean> {
  const pending = await options.database.tx(async (tx) => {
    await takeBackStart(tx, head);
    return releaseLane(tx, lease, waitMs);
  }, options.recording);
  if (pending) options.wakeIn(waitMs);
  return false;
}

function endLost({ database, recording }: Delivering, head: Dispatch): Promise<void> {
  return database.tx((tx) => endLostTry(tx, head), recording);
}

function lost({ metrics, logger }: DeliverOptions, lease: Lease): void {
  metrics.dispatches.inc({ kind: 'any', event: 'lost' });
  logger.warn({ laneId: lease.id }, 'lane was taken over by another worker');
}
