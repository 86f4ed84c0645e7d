import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import { deletedMs } from './prune-documents.ts';

/** Bases that are looked up at once. */
const pageSize = 200;

/** Rows that are deleted in one statement at most. */
const batchSize = 500;

/**
 * Part of the scheduled job: deletes what deleted bases held, in small batches. Of the base itself its row stays for
 * EVENT_RETENTION_DAYS, so that deleting it again is no error, unless the assistant is deleted, too. Its events stay as
 * any others: the memory against doubles is the account's. Returns how many bases were emptied.
 */
export async function purgeBases({ database, config }: Context, signal: AbortSignal): Promise<number> {
  let purged = 0;
  await inBatches(signal, async () => {
    const bases = await listDeleted(database);
    for (const base of bases) {
      await emptyBase(database, base, signal);
      if (signal.aborted) return false;
    }
    purged += bases.length;
    return bases.length === pageSize;
  });
  await inBatches(signal, async () => (await forgetEmptied(database, deletedMs(config))) === pageSize);
  return purged;
}

interface DeletedBase {
  knowledge_id: string;
  base_no: number;
}

/** A base that was emptied has no row in `learning` any more. By knowledge_by_deletion. */
function listDeleted(session: Session): Promise<DeletedBase[]> {
  return session.all<DeletedBase>(
    `select k.knowledge_id, k.base_no from knowledge k join learning l on l.knowledge_id = k.knowledge_id
      where k.deleted_at > 0 order by k.deleted_at limit ${pageSize}`,
  );
}

async function emptyBase(
  session: Session,
  { knowledge_id: knowledgeId, base_no: baseNo }: DeletedBase,
  signal: AbortSignal,
): Promise<void> {
  for (const { table, column, id } of [
    { table: 'index_block', column: 'base_no', id: baseNo },
    { table: 'passage', column: 'base_no', id: baseNo },
    { table: 'index_base', column: 'base_no', id: baseNo },
    { table: 'document', column: 'knowledge_id', id: knowledgeId },
    { table: 'article_ban', column: 'knowledge_id', id: knowledgeId },
    { table: 'learning', column: 'knowledge_id', id: knowledgeId },
  ]) {
    await inBatches(signal, async () => {
      const deleted = await session.run(`delete from ${table} where ${column} = ? limit ${batchSize}`, [id]);
      return deleted === batchSize;
    });
  }
}

/** By knowledge_by_deletion. */
async function forgetEmptied(session: Session, keepMs: number): Promise<number> {
  const rows = await session.all<{ knowledge_id: string }>(
    `select k.knowledge_id from knowledge k
      where k.deleted_at > 0 and not exists (select 1 from learning l where l.knowledge_id = k.knowledge_id)
        and (k.deleted_at < ${session.dialect.now} - ? or exists
          (select 1 from assistant a where a.appid = k.appid and a.deleted_at is not null))
      order by k.deleted_at limit ${pageSize}`,
    [keepMs],
  );
  const ids = rows.map((row) => row.knowledge_id);
  if (ids.length > 0) await session.run(`delete from knowledge where knowledge_id in ${marksFor(ids)}`, ids);
  return ids.length;
}
