import type { Session } from '../db/session.ts';
import { sweepPassages } from '../retrieval/index-passages.ts';
import type { Base } from './store.ts';

/** Passages that are deleted in one transaction at most: SQLite has one writer at a time, and messages wait for it. */
const batchSize = 500;

/** A document of a base that may have passages which it doesn't show any more. By document_by_sweep. */
export async function findToSweep(
  session: Session,
  knowledgeId: string,
): Promise<{ documentId: string; revision: number } | undefined> {
  const [row] = await session.all<{ document_id: string; revision: number }>(
    'select document_id, revision from document where knowledge_id = ? and to_sweep = 1 limit 1',
    [knowledgeId],
  );
  return row && { documentId: row.document_id, revision: row.revision };
}

/**
 * Deletes a batch of what a document doesn't show, in the transaction of the holder of the base's lease; true when
 * nothing is left.
 */
export async function sweepBatch(
  tx: Session,
  { baseNo }: Base,
  document: { documentId: string; revision: number },
): Promise<boolean> {
  if ((await sweepPassages(tx, baseNo, document, batchSize)) === batchSize) return false;
  await tx.run('update document set to_sweep = 0 where document_id = ?', [document.documentId]);
  return true;
}
