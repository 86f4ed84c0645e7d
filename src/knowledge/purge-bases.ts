import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';

/** Rows that are deleted in one statement at most. */
const batchSize = 500;

/** The scheduled job: deletes what deleted bases held, in small batches, and at last the bases. */
export async function purgeBases({ database, logger }: Context, signal: AbortSignal): Promise<void> {
  const bases = await database.all<{ knowledge_id: string; base_no: number }>(
    `select k.knowledge_id, k.base_no from knowledge k join learning l on l.knowledge_id = k.knowledge_id
      where k.deleted_at is not null limit 1000`,
  );
  for (const { knowledge_id: knowledgeId, base_no: baseNo } of bases) {
    for (const { table, column, id } of [
      { table: 'index_block', column: 'base_no', id: baseNo },
      { table: 'passage', column: 'base_no', id: baseNo },
      { table: 'index_base', column: 'base_no', id: baseNo },
      { table: 'document', column: 'knowledge_id', id: knowledgeId },
      { table: 'article_event', column: 'knowledge_id', id: knowledgeId },
      { table: 'article_ban', column: 'knowledge_id', id: knowledgeId },
      { table: 'learning', column: 'knowledge_id', id: knowledgeId },
    ]) {
      while (!signal.aborted && (await deleteBatch(database, table, column, id)) === batchSize);
    }
    // Of the base itself its row stays: deleting it again is no error.
  }
  logger.info({ bases: bases.length }, 'deleted bases purged');
}

function deleteBatch(session: Session, table: string, column: string, id: string | number): Promise<number> {
  return session.run(`delete from ${table} where ${column} = ? limit ${batchSize}`, [id]);
}
