import type { UpdateAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { notFound } from '../errors.ts';
import { setBindings } from '../knowledge/binding.ts';
import { listFileBases } from '../knowledge/store.ts';
import { loadStatus } from './status.ts';
import { giveConsent, requireLockedAssistant, saveSettings, withdrawConsent } from './store.ts';

/** See AssistantService.UpdateAssistant. */
export function updateAssistant({ database }: Context) {
  return async (request: UpdateAssistantRequest) => {
    const { appid, name, description, customKnowledgeIds } = request;
    const settings = { name, description, systemPrompt: request.systemPromot || request.systemPrompt };
    return database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      await saveSettings(tx, appid, 'draft', settings);
      if (request.version === 0) await saveSettings(tx, appid, 'online', settings);
      if (request.isAllowPmData === 1) await giveConsent(tx, appid);
      if (request.isAllowPmData === 2) await withdrawConsent(tx, appid);
      if (customKnowledgeIds.length > 0 || request.setCustomKnowledgeIds) {
        const bases = new Set((await listFileBases(tx, appid)).map(({ knowledgeId }) => knowledgeId));
        const unknown = customKnowledgeIds.find((id) => !bases.has(id));
        if (unknown !== undefined) throw notFound('file knowledge base', unknown);
        await setBindings(tx, appid, 'draft', customKnowledgeIds);
      }
      return { status: await loadStatus(tx, appid) };
    });
  };
}
