import { createHash } from 'node:crypto';
import type { Session } from '../db/session.ts';
import type { IndexedPassage, IndexWriter } from '../retrieval/index-passages.ts';
import { documentState, ensureDocument, type Origin } from './document.ts';
import type { Base } from './store.ts';

/** A document's content, read and split. */
export interface Content {
  title: string;
  url: string;
  passages: IndexedPassage[];
}

/**
 * Makes a base hold this content for a document, in the transaction of whoever holds the base's lease; `index` is the
 * base's. Content that is there already is left as it is. A document without text is stored as such, and never cited.
 */
export async function learnDocument(
  tx: Session,
  base: Base,
  origin: Origin,
  content: Content,
  { hidden, syncId, index }: { hidden: boolean; syncId: string | null; index: IndexWriter },
): Promise<void> {
  const { title, url, passages } = content;
  const state = passages.length === 0 ? documentState.noText : documentState.learned;
  const hash = hashOf(content);
  const known = await ensureDocument(tx, base, origin, title);
  const unchanged = known.contentHash === hash && known.state === state;
  const revision = unchanged ? known.revision : known.lastRevision + 1;
  await tx.run(
    `update document set title = ?, url = ?, state = ?, reason = ?, hidden = ?, content_hash = ?, passages = ?,
        revision = ?, last_revision = ?, to_sweep = ${unchanged ? 'to_sweep' : '1'}, sync_id = coalesce(?, sync_id),
        updated_at = ${unchanged ? 'updated_at' : tx.dialect.now} where document_id = ?`,
    [
      title,
      url,
      state,
      state === documentState.noText ? 'it holds no text' : null,
      hidden ? 1 : 0,
      hash,
      passages.length,
      revision,
      unchanged ? known.lastRevision : revision,
      syncId,
      known.documentId,
    ],
  );
  if (!unchanged) await index.add({ documentId: known.documentId, revision, title }, passages);
}

/** Begins with a version: what a binary stored that knew no revisions is learned anew by the next comparison. */
function hashOf({ title, url, passages }: Content): string {
  return createHash('sha256')
    .update(JSON.stringify(['revisions', title, url, passages]))
    .digest('hex');
}
