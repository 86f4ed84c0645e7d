/**
 * What an accepted event deletes or bans is out of every answer from the moment that the event is acknowledged, though
 * the event itself waits for its turn. The documents are marked with its place in the order; handling it takes its own
 * mark away, so that of several such events only the last one's end shows the document again, if anything does.
 */
import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Binding } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { sourceKey } from '../knowledge/document.ts';
import type { Base } from '../knowledge/store.ts';
import type { EventPayload } from './event-store.ts';

/** Marks the documents that an event deletes or bans, in the transaction that accepts it. */
export async function withdraw(tx: Tx, base: Base, payload: EventPayload, sequence: number): Promise<void> {
  const withdraws = [EventType.ARTICLE_DELETED, EventType.ARTICLE_BANNED, EventType.FILE_DELETED] as EventType[];
  if (!withdraws.includes(payload.eventType)) return;
  const about = documentsOf(payload);
  await tx.run(`update document set withdrawn_by = ? where knowledge_id = ? and ${about.sql}`, [
    sequence,
    base.knowledgeId,
    ...about.bindings,
  ]);
}

/**
 * Marks what was just learned of these articles and is deleted or banned by an event that waits: when the event was
 * accepted, a document that was being fetched for the first time had no row yet that could be marked. In the
 * transaction of the holder of the base's lease, which no event is accepted beside. By article_event_by_document.
 */
export async function withdrawLearned(tx: Tx, base: Base, articleIds: readonly string[]): Promise<void> {
  if (articleIds.length === 0) return;
  const rows = await tx.all<{ sequence: number; payload: string }>(
    `select sequence, payload from article_event
      where knowledge_id = ? and document_key in (${articleIds.map(() => '?').join(', ')}) and state = 'pending'
        and event_type in (${EventType.ARTICLE_DELETED}, ${EventType.ARTICLE_BANNED}) order by sequence`,
    [base.knowledgeId, ...articleIds.map((id) => `article:${id}`)],
  );
  for (const { sequence, payload } of rows) await withdraw(tx, base, JSON.parse(payload) as EventPayload, sequence);
}

/**
 * Takes the mark of an event away in the transaction that ends it, and those of earlier ones: events of a document are
 * ended in order.
 */
export async function endWithdrawal(tx: Tx, base: Base, payload: EventPayload, sequence: number): Promise<void> {
  if (payload.eventType === EventType.KNOWLEDGE_DELETED) return;
  const about = documentsOf(payload);
  await tx.run(`update document set withdrawn_by = 0 where knowledge_id = ? and ${about.sql} and withdrawn_by <= ?`, [
    base.knowledgeId,
    ...about.bindings,
    sequence,
  ]);
}

/** By document_by_source or document_by_article. */
function documentsOf({ eventType, articleId, msgidx, fileId }: EventPayload): { sql: string; bindings: Binding[] } {
  if (eventType > EventType.ARTICLE_UNBANNED) {
    return { sql: 'source_key = ?', bindings: [sourceKey({ kind: 'file', fileId, fileType: '' })] };
  }
  if (msgidx === 0) return { sql: 'article_id = ?', bindings: [articleId] };
  return { sql: 'article_id = ? and msgidx = ?', bindings: [articleId, msgidx] };
}
