import type { CreateKnowledgeRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireLockedAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { quotaRetrySeconds, tooMuch } from '../errors.ts';
import { openFileBase } from './open-base.ts';
import { listFileBases } from './store.ts';

/** So many a configuration can name in custom_knowledge_ids. */
const maxFileBases = 100;

/** See KnowledgeService.CreateKnowledge. */
export function createKnowledge({ database }: Context) {
  return async ({ appid, name }: CreateKnowledgeRequest) =>
    database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      if ((await listFileBases(tx, appid)).length >= maxFileBases) {
        throw tooMuch(`an account has at most ${maxFileBases} file knowledge bases`, quotaRetrySeconds);
      }
      return { knowledgeId: await openFileBase(tx, appid, name) };
    });
}
