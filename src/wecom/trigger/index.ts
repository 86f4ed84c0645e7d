import type { ServiceImpl } from '@connectrpc/connect';
import type { TriggerService } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../context.ts';
import { getTrigger } from './get-trigger.ts';
import { listTriggers } from './list-triggers.ts';
import { publishTrigger } from './publish-trigger.ts';
import { removeTrigger } from './remove-trigger.ts';

/** The calls of TriggerService, a file each. */
export function triggerService(context: Context): ServiceImpl<typeof TriggerService> {
  return {
    publishTrigger: publishTrigger(context),
    removeTrigger: removeTrigger(context),
    getTrigger: getTrigger(context),
    listTriggers: listTriggers(context),
  };
}
