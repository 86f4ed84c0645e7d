import type { UpdateKnowledgeRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireLockedAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { requireFileBase } from './require-base.ts';

/** See KnowledgeService.UpdateKnowledge. */
export function updateKnowledge({ database }: Context) {
  return async ({ appid, knowledgeId, name }: UpdateKnowledgeRequest) =>
    database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      await requireFileBase(tx, appid, knowledgeId);
      await tx.run(`update knowledge set name = ?, updated_at = ${tx.dialect.now} where knowledge_id = ?`, [
        name,
        knowledgeId,
      ]);
      return {};
    });
}
