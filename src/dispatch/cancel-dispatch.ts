import type { CancelDispatchRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import { wrongState } from '../errors.ts';
import { dispatchTarget, runCommand } from './audit.ts';
import { endPending, loadHead, lockDispatch, makeDue, mayHaveArrived } from './store.ts';

/** See DispatchService.CancelDispatch. */
export function cancelDispatch({ database, wake }: Context) {
  return async ({ dispatchId, actor, reason }: CancelDispatchRequest) => {
    const command = { actor, action: 'CancelDispatch', target: dispatchTarget(dispatchId), reason } as const;
    const outcome = await runCommand(database, command, async (tx) => {
      const { dispatch, lane } = await lockDispatch(tx, dispatchId);
      if (dispatch.state !== 'pending') throw wrongState(`dispatch ${dispatchId} is ${dispatch.state}, not pending`);
      const head = await loadHead(tx, lane.lane_id);
      await endPending(tx, dispatchId, 'cancelled', `cancelled by ${actor}: ${reason}`);
      // A wait is for the head's sake: what follows it need not wait any more.
      if (head?.dispatch_id === dispatchId) await makeDue(tx, lane.lane_id);
      const isOut = mayHaveArrived(dispatch);
      return { mayHaveArrived: isOut, underWay: isOut && lane.held === 1 };
    });
    wake.dispatch();
    return outcome;
  };
}
