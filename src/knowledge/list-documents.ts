import type { ListDocumentsRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../page-token.ts';
import { requireArticleBase, requireFileBase } from './require-base.ts';

/** See KnowledgeService.ListDocuments. */
export function listDocuments({ database }: Context) {
  return async ({ appid, knowledgeId: asked, pageSize, pageToken }: ListDocumentsRequest) => {
    await requireAssistant(database, appid);
    const { knowledgeId } =
      asked === '' ? await requireArticleBase(database, appid) : await requireFileBase(database, appid, asked);
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, knowledgeId, decodePageToken(pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => row.document_id);
    return { knowledgeId, documents: page.map(toDocument), nextPageToken };
  };
}

interface Row {
  document_id: string;
  file_id: string | null;
  article_id: string | null;
  msgidx: number | null;
  title: string;
  url: string;
  file_type: string;
  state: number;
  reason: string | null;
  hidden: number;
  withdrawn_by: number;
  passages: number;
  bytes: number;
  created_at: number;
  updated_at: number;
}

/** By document_by_base: ids grow with time. */
function loadPage(session: Session, knowledgeId: string, after: string, limit: number): Promise<Row[]> {
  return session.all<Row>(
    `select document_id, file_id, article_id, msgidx, title, url, file_type, state, reason, hidden, withdrawn_by,
        passages, bytes, created_at, updated_at
      from document where knowledge_id = ? and document_id > ? order by document_id limit ${limit}`,
    [knowledgeId, after],
  );
}

function toDocument(row: Row) {
  return {
    documentId: row.document_id,
    fileId: row.file_id ?? '',
    articleId: row.article_id ?? '',
    msgidx: row.msgidx ?? 0,
    name: row.title,
    url: row.url,
    fileType: row.file_type,
    fileRagStatus: row.state,
    reason: row.reason ?? '',
    hidden: row.hidden === 1 || row.withdrawn_by !== 0,
    passages: row.passages,
    bytes: row.bytes,
    createTime: Math.floor(row.created_at / 1000),
    updateTime: Math.floor(row.updated_at / 1000),
  };
}
