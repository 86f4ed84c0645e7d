import type { UnblockLaneRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import { laneTarget, runCommand } from './audit.ts';
import { endPending, loadHead, lockLane, makeDue, mayHaveArrived } from './store.ts';

/** See DispatchService.UnblockLane. */
export function unblockLane({ database, wake }: Context) {
  return async ({ laneId, actor, reason, buryHead }: UnblockLaneRequest) => {
    const command = { actor, action: 'UnblockLane', target: laneTarget(laneId), reason } as const;
    const outcome = await runCommand(database, command, async (tx) => {
      await lockLane(tx, laneId);
      const buried = buryHead ? await loadHead(tx, laneId) : undefined;
      if (buried !== undefined) await endPending(tx, buried.dispatch_id, 'dead', `buried by ${actor}: ${reason}`);
      const head = await loadHead(tx, laneId);
      if (head !== undefined) await makeDue(tx, laneId);
      return {
        buriedDispatchId: buried?.dispatch_id ?? '',
        mayHaveArrived: buried !== undefined && mayHaveArrived(buried),
        headDispatchId: head?.dispatch_id ?? '',
      };
    });
    wake.dispatch();
    return outcome;
  };
}
