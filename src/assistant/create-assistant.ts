import type { CreateAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { unbindAll } from '../knowledge/binding.ts';
import { openArticleBase } from '../knowledge/open-base.ts';
import { loadStatus } from './status.ts';
import { insertAssistant, lockAssistant, reviveAssistant, saveSettings } from './store.ts';

/** See AssistantService.CreateAssistant. */
export function createAssistant({ database, bizcomm, wake }: Context) {
  return async (request: CreateAssistantRequest) => {
    const { appid, name, description } = request;
    const settings = { name, description, systemPrompt: request.systemPromot || request.systemPrompt };
    return database.tx(async (tx) => {
      const known = await lockAssistant(tx, appid);
      if (known === undefined || known.deleted) {
        if (known === undefined) await insertAssistant(tx, appid);
        else await reviveAssistant(tx, appid);
        await unbindAll(tx, appid);
        await openArticleBase(tx, appid, { learns: bizcomm !== undefined });
        tx.afterCommit(wake.learning);
      }
      await saveSettings(tx, appid, 'online', settings);
      await saveSettings(tx, appid, 'draft', settings);
      return { status: await loadStatus(tx, appid) };
    });
  };
}
