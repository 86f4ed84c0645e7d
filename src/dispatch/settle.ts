import { type Lease, lockLease, releaseLease, renewLease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { type Attempt, type Outcome, recordAttempt } from './attempts.ts';
import type { Dispatch } from './dispatch.ts';

/** What becomes of a dispatch that isn't tried again by this route. */
export type End = 'delivered' | 'expired' | 'dead' | 'fallback';

/** How a try, or a dispatch without one, ended for good. */
export interface Ending extends Attempt {
  outcome: Exclude<Outcome, 'failed' | 'fallback'>;
}

/** Whether it was sent: what is expired or buried isn't. */
export function isTry({ outcome }: Ending): boolean {
  return outcome !== 'expired' && outcome !== 'buried';
}

/** What an outcome means for a dispatch: all but a delivery and a burial take the fallback route, where there is one. */
export function endOf({ hasFallback }: Dispatch, outcome: Ending['outcome']): End {
  if (outcome === 'delivered') return 'delivered';
  if (outcome === 'buried') return 'dead';
  if (hasFallback) return 'fallback';
  return outcome === 'expired' ? 'expired' : 'dead';
}

/**
 * Records the end of a dispatch, or that it goes on by its fallback route, where its lane is still ours; false: it is
 * not. What was cancelled or buried meanwhile stays so, and its try is recorded. See README.md, step 5.
 */
export async function settleEnd(tx: Tx, lease: Lease, head: Dispatch, ending: Ending): Promise<boolean> {
  // A try has renewed the lease when it began. Of many that expired in a row, none begins.
  if (!(isTry(ending) ? await lockLease(tx, lease) : await renewLease(tx, lease))) return false;
  const end = endOf(head, ending.outcome);
  const settled = end === 'fallback' ? await takeFallback(tx, head, ending) : await endDispatch(tx, head, end, ending);
  if (isTry(ending) || settled) await recordAttempt(tx, head, ending);
  if (settled && end === 'fallback') await recordAttempt(tx, head, { ...ending, outcome: 'fallback', tookMs: 0 });
  if (isTry(ending) && !settled) await endTry(tx, head, ending.number);
  await tx.run('update lane set failures = 0 where lane_id = ?', [lease.id]);
  return true;
}

/** By the primary key. The numbers are values, so that the same transaction may run twice. */
async function endDispatch(tx: Tx, { dispatchId, route }: Dispatch, state: End, ending: Ending): Promise<boolean> {
  const { number, reason } = ending;
  const ended = await tx.run(
    `update dispatch set state = ?, reason = ?, started = ?, finished = coalesce(?, finished),
        settled_at = ${tx.dialect.now}
      where dispatch_id = ? and state = 'pending' and route = ?`,
    [state, reason, number, isTry(ending) ? number : null, dispatchId, route],
  );
  return ended === 1;
}

/** It keeps its place in the lane. By the primary key. */
async function takeFallback(tx: Tx, { dispatchId }: Dispatch, { number, reason }: Ending): Promise<boolean> {
  const taken = await tx.run(
    `update dispatch set route = 'fallback', expires_at = ${tx.dialect.now} + fallback_window_ms, reason = ?,
        started = ?, finished = ?
      where dispatch_id = ? and state = 'pending' and route = 'first'`,
    [reason, number, number, dispatchId],
  );
  return taken === 1;
}

/** Ends a try of a dispatch that was cancelled or buried while it was under way. By the primary key. */
async function endTry(tx: Tx, { dispatchId }: Dispatch, number: number): Promise<void> {
  await tx.run("update dispatch set finished = ? where dispatch_id = ? and state <> 'pending' and started = ?", [
    number,
    dispatchId,
    number,
  ]);
}

/**
 * Records a failed try, and releases the lane until the wait is over. The wait is computed from the number of failures
 * in a row; what was cancelled or buried meanwhile keeps nobody waiting. Returns it, or undefined when the lane is not ours any
 * more.
 */
export async function settleRetry(
  tx: Tx,
  lease: Lease,
  head: Dispatch,
  failed: Attempt,
  waitMs: (failures: number) => number,
): Promise<number | undefined> {
  if (!(await lockLease(tx, lease))) return undefined;
  await recordAttempt(tx, head, failed);
  const waits = await tx.run(
    "update dispatch set reason = ?, finished = started where dispatch_id = ? and state = 'pending'",
    [failed.reason, head.dispatchId],
  );
  if (waits === 0) {
    await endTry(tx, head, failed.number);
    await releaseLease(tx, lease, 0);
    return 0;
  }
  await tx.run('update lane set failures = failures + 1 where lane_id = ?', [lease.id]);
  const rows = await tx.all<{ failures: number }>('select failures from lane where lane_id = ?', [lease.id]);
  const wait = waitMs(rows[0]?.failures ?? 1);
  await releaseLease(tx, lease, wait);
  return wait;
}

/**
 * Takes back the start of a try that was not made: the lease could not be trusted for a whole send. False: somebody
 * else has begun one since.
 */
export async function takeBackStart(session: Session, { dispatchId, started }: Dispatch): Promise<boolean> {
  const taken = await session.run(
    "update dispatch set started = ? where dispatch_id = ? and started = ? and state = 'pending'",
    [started, dispatchId, started + 1],
  );
  return taken === 1;
}

/**
 * Counts the end of a try whose lane is not ours any more. Nothing was killed: a machine or a database that stalls again
 * and again must not look like a dispatch that kills. No fence: whoever holds the lane now counts its own start.
 */
export async function endLostTry(session: Session, { dispatchId }: Dispatch): Promise<void> {
  await session.run(
    "update dispatch set finished = finished + 1 where dispatch_id = ? and state = 'pending' and finished < started",
    [dispatchId],
  );
}

/** Releases a lane: due in `waitMs` where something is pending, else not until the next enqueue. README.md, step 6. */
export async function releaseLane(tx: Tx, lease: Lease, waitMs = 0): Promise<boolean> {
  if (!(await lockLease(tx, lease))) return false;
  const pending = await tx.all("select 1 from dispatch where lane_id = ? and state = 'pending' limit 1", [lease.id]);
  await releaseLease(tx, lease, pending.length > 0 ? waitMs : undefined);
  return pending.length > 0;
}
