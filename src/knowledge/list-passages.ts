import type { ListPassagesRequest } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { invalidField, notFound } from '../errors.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../page-token.ts';

/** See KnowledgeService.ListPassages. */
export function listPassages({ database }: Context) {
  return async ({ appid, documentId, pageSize, pageToken }: ListPassagesRequest) => {
    await requireAssistant(database, appid);
    const document = await findShown(database, appid, documentId);
    if (document === undefined) throw notFound('document', documentId);
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, { ...document, documentId }, ordinalAfter(pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => String(row.ordinal));
    const passages = page.map(({ heading, page: number, text }) => ({ heading, page: number ?? 0, text }));
    return { passages, nextPageToken };
  };
}

function ordinalAfter(pageToken: string): number {
  const after = Number(decodePageToken(pageToken) || '-1');
  if (Number.isSafeInteger(after)) return after;
  throw invalidField('page_token', 'must be the next_page_token of a page before');
}

interface Shown {
  revision: number;
}

/** A document of the account, in a base that is not deleted. By the primary key. */
async function findShown(session: Session, appid: string, documentId: string): Promise<Shown | undefined> {
  const [row] = await session.all<Shown>(
    `select d.revision from document d join knowledge k on k.knowledge_id = d.knowledge_id
      where d.document_id = ? and d.appid = ? and k.appid = d.appid and k.deleted_at is null`,
    [documentId, appid],
  );
  return row;
}

interface Row {
  ordinal: number;
  heading: string;
  page: number | null;
  text: string;
}

/** By passage_by_revision. */
function loadPage(
  session: Session,
  { documentId, revision }: Shown & { documentId: string },
  after: number,
  limit: number,
): Promise<Row[]> {
  return session.all<Row>(
    `select ordinal, heading, page, text from passage
      where document_id = ? and revision = ? and ordinal > ? order by ordinal limit ${limit}`,
    [documentId, revision, after],
  );
}
