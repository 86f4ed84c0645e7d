import type { ServiceImpl } from '@connectrpc/connect';
import type { KnowledgeService } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import type { Context } from '../context.ts';
import { createKnowledge } from './create-knowledge.ts';
import { deleteKnowledge } from './delete-knowledge.ts';
import { getFileDetail } from './get-file-detail.ts';
import { listDocuments } from './list-documents.ts';
import { listPassages } from './list-passages.ts';
import { updateKnowledge } from './update-knowledge.ts';

/** The calls of KnowledgeService, a file each. */
export function knowledgeService(context: Context): ServiceImpl<typeof KnowledgeService> {
  return {
    createKnowledge: createKnowledge(context),
    updateKnowledge: updateKnowledge(context),
    deleteKnowledge: deleteKnowledge(context),
    getFileDetail: getFileDetail(context),
    listDocuments: listDocuments(context),
    listPassages: listPassages(context),
  };
}
