import type { ArticleRef, GetFileDetailRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { requireArticleBase, requireFileBase } from './require-base.ts';

/** See KnowledgeService.GetFileDetail. */
export function getFileDetail({ database }: Context) {
  return async ({ appid, knowledgeId, fileIds, articles }: GetFileDetailRequest) => {
    await requireAssistant(database, appid);
    if (knowledgeId !== '') {
      const base = await requireFileBase(database, appid, knowledgeId);
      const rows = await loadFiles(database, base.knowledgeId, fileIds);
      const files = fileIds.flatMap((id) => rows.filter((row) => row.file_id === id));
      return { appid, knowledgeId, files: files.map(toDetail) };
    }
    const base = await requireArticleBase(database, appid);
    const files: Row[] = [];
    for (const article of articles) files.push(...(await loadArticle(database, base.knowledgeId, article)));
    return { appid, knowledgeId: base.knowledgeId, files: files.map(toDetail) };
  };
}

interface Row {
  document_id: string;
  file_id: string | null;
  article_id: string | null;
  msgidx: number | null;
  title: string;
  state: number;
  file_type: string;
}

const columns = 'document_id, file_id, article_id, msgidx, title, state, file_type';

/** By document_by_source; at most ten ids. */
async function loadFiles(session: Session, knowledgeId: string, fileIds: string[]): Promise<Row[]> {
  if (fileIds.length === 0) return [];
  const marks = fileIds.map(() => '?').join(', ');
  return session.all<Row>(`select ${columns} from document where knowledge_id = ? and source_key in (${marks})`, [
    knowledgeId,
    ...fileIds.map((id) => `file:${id}`),
  ]);
}

/** One item of a message, or with msgidx 0 all that were not deleted. By document_by_article. */
function loadArticle(session: Session, knowledgeId: string, { articleId, msgidx }: ArticleRef): Promise<Row[]> {
  return session.all<Row>(
    `select ${columns} from document
      where knowledge_id = ? and article_id = ? and ${msgidx === 0 ? 'state <> 8' : 'msgidx = ?'}
      order by msgidx limit 1000`,
    [knowledgeId, articleId, ...(msgidx === 0 ? [] : [msgidx])],
  );
}

function toDetail(row: Row) {
  return {
    fileId: row.file_id ?? row.document_id,
    articleId: row.article_id ?? '',
    msgidx: row.msgidx ?? 0,
    fileName: row.title,
    fileRagStatus: row.state,
    fileType: row.file_type,
  };
}
