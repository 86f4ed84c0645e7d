import type { PublishAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { copyConfiguration } from './copy-configuration.ts';
import { requireLockedAssistant } from './store.ts';

/** See AssistantService.PublishAssistant. */
export function publishAssistant({ database }: Context) {
  return async ({ appid }: PublishAssistantRequest) =>
    database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      await copyConfiguration(tx, appid, 'draft', 'online');
      return {};
    });
}
