import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { documentState } from './document.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 200;

/** How long what was deleted is remembered: for as long as events about it may be repeated, or come late. */
export function deletedMs({ EVENT_RETENTION_DAYS }: Config): number {
  return EVENT_RETENTION_DAYS * dayMs;
}

/**
 * Part of the scheduled job: forgets documents that were deleted EVENT_RETENTION_DAYS ago. Their passages were swept
 * before; where one is left, the document stays. Returns how many went.
 */
export async function pruneDocuments({ database, config }: Context, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  let after: Cursor = { updated_at: -1, document_id: '' };
  await inBatches(signal, async () => {
    const batch = await listDeleted(database, deletedMs(config), after);
    for (const [knowledgeId, rows] of groupByBase(batch)) {
      pruned += await database.tx((tx) => deleteSwept(tx, knowledgeId, rows));
    }
    after = batch.at(-1) ?? after;
    return batch.length === batchSize;
  });
  return pruned;
}

interface Cursor {
  updated_at: number;
  document_id: string;
}

interface Deleted extends Cursor {
  knowledge_id: string;
  article_id: string | null;
  source_key: string;
}

/** By document_by_state. */
function listDeleted(session: Session, keepMs: number, after: Cursor) {
  return session.all<Deleted>(
    `select document_id, updated_at, knowledge_id, article_id, source_key from document
      where state = ${documentState.deleted} and updated_at < ${session.dialect.now} - ?
        and (updated_at > ? or (updated_at = ? and document_id > ?))
      order by updated_at, document_id limit ${batchSize}`,
    [keepMs, after.updated_at, after.updated_at, after.document_id],
  );
}

function groupByBase(rows: readonly Deleted[]): Map<string, Deleted[]> {
  const groups = new Map<string, Deleted[]>();
  for (const row of rows) groups.set(row.knowledge_id, [...(groups.get(row.knowledge_id) ?? []), row]);
  return groups;
}

/**
 * Under the lock of the base, unless somebody holds that: a document that is being learned anew is in its holder's
 * hands. Accepting an event locks the base, too. By primary keys, article_event_by_document and passage_by_document.
 */
async function deleteSwept(tx: Tx, knowledgeId: string, rows: readonly Deleted[]): Promise<number> {
  const free = await tx.all(
    `select 1 from learning where knowledge_id = ? and lease_token is null${tx.dialect.forUpdate}`,
    [knowledgeId],
  );
  if (free.length === 0) return 0;
  const keyOf = (row: Deleted) => (row.article_id === null ? row.source_key : `article:${row.article_id}`);
  const keys = [...new Set(rows.map(keyOf))];
  const awaited = await tx.all<{ document_key: string }>(
    `select document_key from article_event
      where knowledge_id = ? and document_key in ${marksFor(keys)} and state = 'pending'`,
    [knowledgeId, ...keys],
  );
  const awaitedKeys = new Set(awaited.map((row) => row.document_key));
  const ids = rows.filter((row) => !awaitedKeys.has(keyOf(row))).map((row) => row.document_id);
  if (ids.length === 0) return 0;
  return tx.run(
    `delete from document where document_id in ${marksFor(ids)} and state = ${documentState.deleted} and to_sweep = 0
      and not exists (select 1 from passage p where p.document_id = document.document_id)`,
    ids,
  );
}
