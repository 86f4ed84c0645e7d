import type { Database } from '../db/database.ts';
import { isTrusted, type Lease } from '../db/lease.ts';
import type { Run } from '../db/work-loop.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import { beginHead, findHead } from './begin.ts';
import { classify } from './classify.ts';
import type { Dispatch, Senders } from './dispatch.ts';
import { type EndState, releaseLane, settleEnd, settleRetry, takeBackStart } from './settle.ts';

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
  /** Names a point that was reached; tests wait for it, or die there. */
  reached(point: 'dispatch.sent'): void;
  /** The lane has something to do again after this long. */
  wakeIn(ms: number): void;
}

/** Delivers the dispatches of a lane whose lease is held, in order, until none is left or one has to wait. */
export async function deliverLane(options: DeliverOptions, lease: Lease, run: Run): Promise<void> {
  const { database } = options;
  while (!run.isStopping()) {
    const head = await findHead(database, lease.id);
    if (head === undefined) {
      const pending = await database.tx((tx) => releaseLane(tx, lease));
      if (pending) options.wakeIn(0);
      return;
    }
    const tryIt = () => tryHead(options, lease, head, run);
    const isLast = head.started - head.finished === maxUnfinished - 1;
    if (!(await (isLast ? run.alone(tryIt) : tryIt()))) return;
  }
  await database.tx((tx) => releaseLane(tx, lease));
}

/** Returns whether the lane goes on at once. */
async function tryHead(options: DeliverOptions, lease: Lease, head: Dispatch, run: Run): Promise<boolean> {
  if (run.isStopping()) return true;
  const begun = await options.database.tx((tx) => beginHead(tx, lease, head));
  if (begun === 'begun') return deliverHead(options, lease, head, run.signal);
  if (begun === 'lost') lost(options, lease);
  return begun === 'gone';
}

async function deliverHead(
  options: DeliverOptions,
  lease: Lease,
  head: Dispatch,
  signal: AbortSignal,
): Promise<boolean> {
  if (head.expired) return end(options, lease, head, 'expired', 'its time was over before it could be delivered');
  if (head.started - head.finished >= maxUnfinished) {
    return end(
      options,
      lease,
      head,
      'dead',
      `begun ${maxUnfinished} times without an end: sending it kills the process`,
    );
  }
  const send = options.senders.get(head.kind);
  if (send === undefined) return wait(options, lease, head, { reason: `no sender for ${head.kind} here` });
  if (!isTrusted(lease, options.sendTimeoutMs)) {
    await takeBackStart(options.database, head);
    return true; // begin renews the lease
  }
  try {
    await send(head, AbortSignal.any([signal, AbortSignal.timeout(options.sendTimeoutMs)]));
  } catch (error) {
    const { verdict, reason, retryAfterMs } = classify(error);
    if (verdict === 'permanent') return end(options, lease, head, 'dead', reason);
    return wait(options, lease, head, { reason, retryAfterMs });
  }
  options.reached('dispatch.sent');
  return end(options, lease, head, 'delivered', null);
}

async function end(
  options: DeliverOptions,
  lease: Lease,
  head: Dispatch,
  state: EndState,
  reason: string | null,
): Promise<boolean> {
  const settled = await options.database.tx((tx) => settleEnd(tx, lease, head.dispatchId, state, reason));
  if (!settled) {
    lost(options, lease);
    return false;
  }
  options.metrics.dispatches.inc({ kind: head.kind, event: state });
  const entry = { dispatchId: head.dispatchId, appid: head.appid, kind: head.kind, state, reason };
  if (state === 'delivered') options.logger.info(entry, 'dispatch delivered');
  else options.logger.error(entry, 'dispatch not delivered');
  return true;
}

async function wait(
  options: DeliverOptions,
  lease: Lease,
  head: Dispatch,
  { reason, retryAfterMs }: { reason: string; retryAfterMs?: number | undefined },
): Promise<boolean> {
  const waitMs = (failures: number) => backoffMs(failures, options.backoff, retryAfterMs);
  const waited = await options.database.tx((tx) => settleRetry(tx, lease, head.dispatchId, reason, waitMs));
  if (waited === undefined) {
    lost(options, lease);
    return false;
  }
  options.metrics.dispatches.inc({ kind: head.kind, event: 'retried' });
  const entry = { dispatchId: head.dispatchId, appid: head.appid, kind: head.kind, reason, waitMs: waited };
  options.logger.warn(entry, 'dispatch waits for another try');
  options.wakeIn(waited);
  return false;
}

function lost({ metrics, logger }: DeliverOptions, lease: Lease): void {
  metrics.dispatches.inc({ kind: 'any', event: 'lost' });
  logger.warn({ laneId: lease.id }, 'lane was taken over by another worker');
}
