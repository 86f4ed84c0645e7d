import type { ServiceImpl } from '@connectrpc/connect';
import type { DispatchService } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import { cancelDispatch } from './cancel-dispatch.ts';
import { getDispatch } from './get-dispatch.ts';
import { listAudit } from './list-audit.ts';
import { listDispatches } from './list-dispatches.ts';
import { listPauses } from './list-pauses.ts';
import { pauseDelivery } from './pause-delivery.ts';
import { resumeDelivery } from './resume-delivery.ts';
import { retryDispatch } from './retry-dispatch.ts';
import { unblockLane } from './unblock-lane.ts';

/** The calls of DispatchService, a file each. */
export function dispatchService(context: Context): ServiceImpl<typeof DispatchService> {
  return {
    listDispatches: listDispatches(context),
    getDispatch: getDispatch(context),
    retryDispatch: retryDispatch(context),
    cancelDispatch: cancelDispatch(context),
    unblockLane: unblockLane(context),
    pauseDelivery: pauseDelivery(context),
    resumeDelivery: resumeDelivery(context),
    listPauses: listPauses(context),
    listAudit: listAudit(context),
  };
}
