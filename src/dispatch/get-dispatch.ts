import type { GetDispatchRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import { loadAttempts } from './attempts.ts';
import { dispatchTarget, laneTarget, loadAudit } from './audit.ts';
import { loadPauses, scopesOf } from './pause-store.ts';
import { toAttempt, toAuditEntry, toDispatch, toLane } from './show.ts';
import { loadDispatch, loadLane, loadPayloads } from './store.ts';

/** See DispatchService.GetDispatch. */
export function getDispatch({ database }: Context) {
  return async ({ dispatchId }: GetDispatchRequest) => {
    const dispatch = await loadDispatch(database, dispatchId);
    const { appid, lane_id: laneId } = dispatch;
    const said = await loadPayloads(database, dispatchId);
    const lane = await loadLane(database, laneId);
    const scopes = scopesOf({ appid, integrationId: lane?.integration_id ?? '' });
    const pauses = await loadPauses(database, scopes);
    const audit = await loadAudit(database, [dispatchTarget(dispatchId), laneTarget(laneId)]);
    return {
      dispatch: toDispatch(dispatch),
      payload: said?.payload ?? '',
      fallbackKind: said?.fallback_kind ?? '',
      fallbackPayload: said?.fallback_payload ?? '',
      attempts: (await loadAttempts(database, dispatchId)).map(toAttempt),
      ...(lane && { lane: toLane(lane, pauses) }),
      audit: audit.map(toAuditEntry),
    };
  };
}
