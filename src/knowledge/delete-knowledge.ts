import type { DeleteKnowledgeRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireLockedAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { closeBase } from './close-base.ts';
import { requireFileBase } from './require-base.ts';
import { findBase } from './store.ts';

/** See KnowledgeService.DeleteKnowledge. */
export function deleteKnowledge({ database }: Context) {
  return async ({ appid, knowledgeId }: DeleteKnowledgeRequest) =>
    database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      const base = await findBase(tx, knowledgeId);
      if (base?.appid === appid && base.deleted) return {};
      await requireFileBase(tx, appid, knowledgeId);
      await closeBase(tx, appid, knowledgeId);
      return {};
    });
}
