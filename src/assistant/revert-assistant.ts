import type { RevertAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { listBindings } from '../knowledge/binding.ts';
import { copyConfiguration } from './copy-configuration.ts';
import { loadSettings, requireLockedAssistant } from './store.ts';

/** See AssistantService.RevertAssistant. */
export function revertAssistant({ database }: Context) {
  return async ({ appid }: RevertAssistantRequest) =>
    database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      await copyConfiguration(tx, appid, 'online', 'draft');
      const { description, systemPrompt } = await loadSettings(tx, appid, 'draft');
      return { description, systemPrompt, customKnowledgeIds: await listBindings(tx, appid, 'draft') };
    });
}
