import { type Lease, lockLease, releaseLease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch } from './dispatch.ts';

/** How a dispatch ended. */
export type EndState = 'delivered' | 'expired' | 'dead';

/** Records the end of a dispatch, where its lane is still ours; false: it is not. See README.md, step 5. */
export async function settleEnd(
  tx: Tx,
  lease: Lease,
  dispatchId: string,
  state: EndState,
  reason: string | null,
): Promise<boolean> {
  if (!(await lockLease(tx, lease))) return false;
  await tx.run(
    `update dispatch set state = ?, reason = ?, finished = started, settled_at = ${tx.dialect.now}
      where dispatch_id = ? and state = 'pending'`,
    [state, reason, dispatchId],
  );
  await tx.run('update lane set failures = 0 where lane_id = ?', [lease.id]);
  return true;
}

/**
 * Records a failed try, and releases the lane until the wait is over. The wait is computed from the number of failures
 * in a row. Returns it, or undefined when the lane is not ours any more.
 */
export async function settleRetry(
  tx: Tx,
  lease: Lease,
  dispatchId: string,
  reason: string,
  waitMs: (failures: number) => number,
): Promise<number | undefined> {
  if (!(await lockLease(tx, lease))) return undefined;
  await tx.run("update dispatch set reason = ?, finished = started where dispatch_id = ? and state = 'pending'", [
    reason,
    dispatchId,
  ]);
  await tx.run('update lane set failures = failures + 1 where lane_id = ?', [lease.id]);
  const rows = await tx.all<{ failures: number }>('select failures from lane where lane_id = ?', [lease.id]);
  const wait = waitMs(rows[0]?.failures ?? 1);
  await releaseLease(tx, lease, wait);
  return wait;
}

/** Takes back the start of a try that was not made: the lease could not be trusted for a whole send. */
export async function takeBackStart(session: Session, { dispatchId, started }: Dispatch): Promise<void> {
  await session.run("update dispatch set started = ? where dispatch_id = ? and started = ? and state = 'pending'", [
    started,
    dispatchId,
    started + 1,
  ]);
}

/** Releases a lane: due at once where something is pending, else not until the next enqueue. README.md, step 6. */
export async function releaseLane(tx: Tx, lease: Lease): Promise<boolean> {
  if (!(await lockLease(tx, lease))) return false;
  const pending = await tx.all("select 1 from dispatch where lane_id = ? and state = 'pending' limit 1", [lease.id]);
  await releaseLease(tx, lease, pending.length > 0 ? 0 : undefined);
  return pending.length > 0;
}
