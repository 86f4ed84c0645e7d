import type { HandlerContext } from '@connectrpc/connect';
import type { CreateAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { unbindAll } from '../knowledge/binding.ts';
import { openArticleBase } from '../knowledge/open-base.ts';
import { cancelBatch } from './cancel-pending.ts';
import { defaultExpert, saveExpert } from './expert-settings.ts';
import { loadStatus } from './status.ts';
import { insertAssistant, lockAssistant, reviveAssistant, saveSettings } from './store.ts';

/** See AssistantService.CreateAssistant. An account that was deleted begins anew with nothing pending. */
export function createAssistant({ database, bizcomm, wake }: Context) {
  return async (request: CreateAssistantRequest, { signal }: Pick<HandlerContext, 'signal'>) => {
    const { appid, name, description } = request;
    const settings = { name, description, systemPrompt: request.systemPromot || request.systemPrompt };
    const create = async (tx: Tx) => {
      const known = await lockAssistant(tx, appid);
      if (known?.deleted && (await cancelBatch(tx, appid))) return undefined;
      const isNew = known === undefined || known.deleted;
      if (isNew) {
        if (known === undefined) await insertAssistant(tx, appid);
        else await reviveAssistant(tx, appid);
        await unbindAll(tx, appid);
        await openArticleBase(tx, appid, { learns: bizcomm !== undefined });
        tx.afterCommit(wake.learning);
      }
      for (const view of ['online', 'draft'] as const) {
        await saveSettings(tx, appid, view, settings);
        if (isNew) await saveExpert(tx, appid, view, defaultExpert); // a row of before a deletion may be there
      }
      return { status: await loadStatus(tx, appid) };
    };
    for (;;) {
      const created = await database.tx(create);
      if (created !== undefined) return created;
      signal.throwIfAborted();
    }
  };
}
