import type { PublishTriggerRequest } from '../../../gen/wecom/v1/trigger_pb.ts';
import { requireHeldAssistant } from '../../assistant/store.ts';
import type { Context } from '../../context.ts';
import { conflict, invalidField } from '../../errors.ts';
import { requireLockedIntegration } from '../integration/store.ts';
import { showTrigger } from './show.ts';
import { findTrigger, type GroupScope, saveTrigger, type Trigger } from './store.ts';

const defaultTimeoutSeconds = 3600;
const leastTimeoutSeconds = 60;
/** Where max_wait_seconds is not given, it is so many windows. */
const defaultWaitWindows = 4;

/** See TriggerService.PublishTrigger. The bot's row is locked, so of two that publish at once one finds the other's. */
export function publishTrigger({ database, wake }: Context) {
  return async (request: PublishTriggerRequest) => {
    const trigger = toTrigger(request);
    const { integrationId, appid } = trigger;
    const stored = await database.tx(async (tx) => {
      await requireLockedIntegration(tx, integrationId);
      await requireHeldAssistant(tx, appid);
      const known = await findTrigger(tx, integrationId);
      if (known !== undefined && known.appid !== appid) {
        throw conflict(`integration ${integrationId} is bound to the assistant ${known.appid}`);
      }
      await saveTrigger(tx, trigger);
      tx.afterCommit(wake.connections);
      return (await findTrigger(tx, integrationId))!;
    });
    return { trigger: showTrigger(stored) };
  };
}

function toTrigger(request: PublishTriggerRequest): Trigger {
  const { integrationId, appid, summaryWindowSeconds, allowUsers, welcome } = request;
  const { sessionTimeoutSeconds: timeout, maxWaitSeconds: maxWait } = request;
  if (timeout !== 0 && timeout < leastTimeoutSeconds) {
    throw invalidField('session_timeout_seconds', 'must be 0, or 60 to 2592000');
  }
  if (maxWait !== 0 && maxWait < summaryWindowSeconds) {
    throw invalidField('max_wait_seconds', 'must be 0, or at least summary_window_seconds');
  }
  return {
    ...{ integrationId, appid, summaryWindowSeconds, allowUsers, welcome },
    enabled: request.enabled ?? true,
    sessionTimeoutSeconds: timeout || defaultTimeoutSeconds,
    maxWaitSeconds: maxWait || defaultWaitWindows * summaryWindowSeconds,
    groupScope: (request.groupScope || 'member') as GroupScope,
  };
}
