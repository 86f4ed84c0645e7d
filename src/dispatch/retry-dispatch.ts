import type { RetryDispatchRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { wrongState } from '../errors.ts';
import { dispatchTarget, runCommand } from './audit.ts';
import { type DispatchRow, loadDispatch, lockDispatch, makeDue, mayHaveArrived } from './store.ts';

/** See DispatchService.RetryDispatch. */
export function retryDispatch({ database, wake }: Context) {
  return async ({ dispatchId, actor, reason, windowSeconds }: RetryDispatchRequest) => {
    const command = { actor, action: 'RetryDispatch', target: dispatchTarget(dispatchId), reason } as const;
    const windowMs = windowSeconds === 0 ? undefined : windowSeconds * 1000;
    const outcome = await runCommand(database, command, async (tx) => {
      const { dispatch, lane } = await lockDispatch(tx, dispatchId);
      if (dispatch.state === 'delivered') throw wrongState(`dispatch ${dispatchId} is delivered: it isn't sent again`);
      if (dispatch.state !== 'pending') await revive(tx, dispatchId);
      if (dispatch.state !== 'pending' || windowMs !== undefined) await setWindow(tx, dispatchId, windowMs);
      await makeDue(tx, lane.lane_id);
      const { expires_at } = await loadDispatch(tx, dispatchId);
      return {
        expiresAt: Math.floor(expires_at / 1000),
        isLate: await isBehindDelivered(tx, dispatch),
        mayHaveArrived: mayHaveArrived(dispatch),
      };
    });
    wake.dispatch();
    return outcome;
  };
}

/** Lets a dispatch that ended wait again, at its old place in its lane. Unended tries are forgotten. By primary key. */
async function revive(tx: Tx, dispatchId: string): Promise<void> {
  await tx.run(
    `update dispatch set state = 'pending', settled_at = null, finished = started, retries = retries + 1
      where dispatch_id = ?`,
    [dispatchId],
  );
}

/** Sets when its time is over; without a window, as long from now as when it was enqueued, or took its fallback. */
async function setWindow(tx: Tx, dispatchId: string, windowMs: number | undefined): Promise<void> {
  await tx.run(
    `update dispatch set expires_at = ${tx.dialect.now} + coalesce(?, case when route = 'fallback'
        then fallback_window_ms when window_ms > 0 then window_ms else expires_at - created_at end)
      where dispatch_id = ?`,
    [windowMs ?? null, dispatchId],
  );
}

/** Whether something that follows it was delivered. By dispatch_by_lane. */
async function isBehindDelivered(session: Session, { lane_id, sequence }: DispatchRow): Promise<boolean> {
  const rows = await session.all(
    "select 1 from dispatch where lane_id = ? and state = 'delivered' and sequence > ? limit 1",
    [lane_id, sequence],
  );
  return rows.length > 0;
}
