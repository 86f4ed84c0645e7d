import type { Session } from '../db/session.ts';

/** A base of files as its calls need it. */
export interface Base {
  knowledgeId: string;
  appid: string;
  baseNo: number;
  type: number;
  deleted: boolean;
}

/** Finds a base, deleted ones too. */
export async function findBase(session: Session, knowledgeId: string): Promise<Base | undefined> {
  const [row] = await session.all<BaseRow>(
    'select knowledge_id, appid, base_no, type, deleted_at from knowledge where knowledge_id = ?',
    [knowledgeId],
  );
  return row && toBase(row);
}

/** The base of an account's articles. By knowledge_by_appid. */
export async function findArticleBase(session: Session, appid: string): Promise<Base | undefined> {
  const [row] = await session.all<BaseRow>(
    `select knowledge_id, appid, base_no, type, deleted_at from knowledge
      where appid = ? and type = 1 and deleted_at is null`,
    [appid],
  );
  return row && toBase(row);
}

/** An account's bases of files, in the order of their creation. By knowledge_by_appid. */
export async function listFileBases(session: Session, appid: string): Promise<Base[]> {
  const rows = await session.all<BaseRow>(
    `select knowledge_id, appid, base_no, type, deleted_at from knowledge
      where appid = ? and type = 2 and deleted_at is null order by created_at, knowledge_id`,
    [appid],
  );
  return rows.map(toBase);
}

/** The numbers of the bases that a configuration searches: the articles' and the bound ones. */
export async function listSearchedBases(session: Session, appid: string, view: string): Promise<number[]> {
  const rows = await session.all<{ base_no: number }>(
    `select base_no from knowledge where appid = ? and type = 1 and deleted_at is null
      union
      select k.base_no from binding b join knowledge k on k.knowledge_id = b.knowledge_id
        where b.appid = ? and b.view = ? and k.appid = b.appid and k.deleted_at is null`,
    [appid, appid, view],
  );
  return rows.map((row) => row.base_no).sort((a, b) => a - b);
}

/** Whether all these documents may be cited by a configuration that searches these bases. By the primary key. */
export async function areShown(
  session: Session,
  baseNos: readonly number[],
  documentIds: readonly string[],
): Promise<boolean> {
  if (documentIds.length === 0) return true;
  const marks = (values: readonly unknown[]) => values.map(() => '?').join(', ');
  const [row] = await session.all<{ shown: number }>(
    `select count(*) shown from document d join knowledge k on k.knowledge_id = d.knowledge_id
      where d.document_id in (${marks(documentIds)}) and k.base_no in (${marks(baseNos)})
        and d.state in (2, 3, 5) and d.hidden = 0 and d.withdrawn_by = 0`,
    [...documentIds, ...baseNos],
  );
  return row?.shown === documentIds.length;
}

interface BaseRow {
  knowledge_id: string;
  appid: string;
  base_no: number;
  type: number;
  deleted_at: number | null;
}

function toBase(row: BaseRow): Base {
  return {
    knowledgeId: row.knowledge_id,
    appid: row.appid,
    baseNo: row.base_no,
    type: row.type,
    deleted: row.deleted_at !== null,
  };
}
