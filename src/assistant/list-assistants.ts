import type { ListAssistantsRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../page-token.ts';
import { deriveStatus, hasEventsSql } from './status.ts';

/** See AssistantService.ListAssistants. */
export function listAssistants({ database }: Context) {
  return async ({ pageSize, pageToken }: ListAssistantsRequest) => {
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, decodePageToken(pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => row.appid);
    return {
      assistants: page.map((row) => ({
        appid: row.appid,
        name: row.name,
        status: deriveStatus({ phase: row.phase, finishedPhase: row.finished_phase, hasEvents: row.events === 1 }),
        createTime: Math.floor(row.created_at / 1000),
        docNum: row.doc_num,
      })),
      nextPageToken,
    };
  };
}

interface Row {
  appid: string;
  name: string;
  created_at: number;
  phase: string;
  finished_phase: string | null;
  events: number;
  doc_num: number;
}

/** In the order of the primary key; the rest by learning_by_appid, article_event_by_base and document_by_source. */
function loadPage(session: Session, afterAppid: string, limit: number): Promise<Row[]> {
  return session.all<Row>(
    `select a.appid, c.name, a.created_at, l.phase, l.finished_phase, ${hasEventsSql} events,
        (select count(*) from knowledge b join document d on d.knowledge_id = b.knowledge_id
          where b.appid = a.appid and b.deleted_at is null and d.state <> 8) doc_num
      from assistant a
        join assistant_config c on c.appid = a.appid and c.view = 'online'
        join knowledge k on k.appid = a.appid and k.type = 1 and k.deleted_at is null
        join learning l on l.knowledge_id = k.knowledge_id
      where a.appid > ? and a.deleted_at is null order by a.appid limit ${limit}`,
    [afterAppid],
  );
}
