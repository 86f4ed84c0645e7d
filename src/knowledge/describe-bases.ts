import type { KnowledgeType } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { View } from '../assistant/store.ts';
import type { Session } from '../db/session.ts';

/** The bases of a configuration as the contract shows them: the articles' first, then files by creation. */
export async function describeBases(session: Session, appid: string, view: View) {
  const rows = await session.all<Row>(
    `select k.knowledge_id, k.type, k.name, k.created_at, k.updated_at,
        (select count(*) from document d where d.knowledge_id = k.knowledge_id and d.state <> 8) doc_num,
        (select max(d.updated_at) from document d where d.knowledge_id = k.knowledge_id) documents_updated_at
      from knowledge k
      where k.appid = ? and k.deleted_at is null and (k.type = 1 or exists
        (select 1 from binding b where b.appid = k.appid and b.view = ? and b.knowledge_id = k.knowledge_id))
      order by k.type, k.created_at, k.knowledge_id`,
    [appid, view],
  );
  return rows.map((row) => ({
    name: row.name,
    knowledgeId: row.knowledge_id,
    docNum: row.doc_num,
    type: row.type,
    createTime: Math.floor(row.created_at / 1000),
    updateTime: Math.floor(Math.max(row.updated_at, row.documents_updated_at ?? 0) / 1000),
  }));
}

interface Row {
  knowledge_id: string;
  type: KnowledgeType;
  name: string;
  created_at: number;
  updated_at: number;
  documents_updated_at: number | null;
  doc_num: number;
}
