import type { GetTriggerRequest } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../context.ts';
import { notFound } from '../../errors.ts';
import { showTrigger } from './show.ts';
import { findTrigger } from './store.ts';

/** See TriggerService.GetTrigger. */
export function getTrigger({ database }: Context) {
  return async ({ integrationId }: GetTriggerRequest) => {
    const trigger = await findTrigger(database, integrationId);
    if (trigger === undefined) throw notFound('trigger of the integration', integrationId);
    return { trigger: showTrigger(trigger) };
  };
}
