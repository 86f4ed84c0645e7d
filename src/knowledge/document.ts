import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import { addPassages, removePassages } from '../retrieval/index-passages.ts';
import type { Base } from './store.ts';

/** file_rag_status: what became of a document. The numbers are the seed's. */
export const documentState = {
  uploading: 0,
  uploaded: 1,
  uploadFailed: 2,
  parsing: 3,
  parseFailed: 4,
  learned: 5,
  refused: 6,
  timedOut: 7,
  deleted: 8,
  noText: 9,
} as const;

/** Where a document comes from. */
export type Origin =
  | { kind: 'article'; articleId: string; msgidx: number }
  | { kind: 'file'; fileId: string; fileType: string };

/** A document's content, read and split. */
export interface Content {
  title: string;
  url: string;
  passages: { heading: string; text: string }[];
}

interface Document {
  documentId: string;
  state: number;
  contentHash: string | null;
}

/**
 * Makes a base hold this content for a document, in the transaction of whoever holds the base's lease. Content that is
 * there already is left as it is. A document without text is stored as such, and never cited.
 */
export async function learnDocument(
  tx: Session,
  base: Base,
  origin: Origin,
  content: Content,
  { hidden, syncId }: { hidden: boolean; syncId: string | null },
): Promise<void> {
  const { now } = tx.dialect;
  const state = content.passages.length === 0 ? documentState.noText : documentState.learned;
  const hash = hashOf(content);
  const { documentId, ...known } = await ensureDocument(tx, base, origin, content.title);
  const unchanged = known.contentHash === hash && known.state === state;
  await tx.run(
    `update document set title = ?, url = ?, state = ?, reason = ?, hidden = ?, content_hash = ?,
        sync_id = coalesce(?, sync_id), updated_at = ${unchanged ? 'updated_at' : now} where document_id = ?`,
    [
      content.title,
      content.url,
      state,
      state === documentState.noText ? 'it holds no text' : null,
      hidden ? 1 : 0,
      hash,
      syncId,
      documentId,
    ],
  );
  if (unchanged) return;
  await removePassages(tx, documentId);
  await addPassages(tx, base.baseNo, documentId, content.passages);
}

/** Deletes a document: out of every answer at once; a row without content stays to tell that it was deleted. */
export async function removeDocument(tx: Session, documentId: string): Promise<void> {
  await removePassages(tx, documentId);
  await tx.run(
    `update document set state = ${documentState.deleted}, reason = null, content_hash = null,
        updated_at = ${tx.dialect.now} where document_id = ?`,
    [documentId],
  );
}

/** Notes that a document is not readable (yet), and why, unless it can be answered from as it was before. */
export async function noteState(
  tx: Session,
  base: Base,
  origin: Origin,
  { state, reason, title }: { state: number; reason: string | null; title: string },
): Promise<void> {
  const document = await ensureDocument(tx, base, origin, title);
  if (document.state === documentState.learned) return;
  await tx.run(`update document set state = ?, reason = ?, updated_at = ${tx.dialect.now} where document_id = ?`, [
    state,
    reason,
    document.documentId,
  ]);
}

/** Finds a document, or inserts it as one that is being parsed. By document_by_source. */
async function ensureDocument(tx: Session, base: Base, origin: Origin, title: string): Promise<Document> {
  const known = await findDocument(tx, base.knowledgeId, sourceKey(origin));
  if (known !== undefined) return known;
  const { now } = tx.dialect;
  const documentId = ulid();
  const article = origin.kind === 'article' ? origin : undefined;
  const file = origin.kind === 'file' ? origin : undefined;
  await tx.run(
    `insert into document (document_id, knowledge_id, appid, source_key, article_id, msgidx, file_id, title, url,
        file_type, state, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, '', ?, 3, ${now}, ${now})`,
    [
      documentId,
      base.knowledgeId,
      base.appid,
      sourceKey(origin),
      article?.articleId ?? null,
      article?.msgidx ?? null,
      file?.fileId ?? null,
      title,
      file?.fileType ?? 'HTML',
    ],
  );
  return { documentId, state: documentState.parsing, contentHash: null };
}

/** By document_by_source. */
export async function findDocument(session: Session, knowledgeId: string, key: string): Promise<Document | undefined> {
  const [row] = await session.all<{ document_id: string; state: number; content_hash: string | null }>(
    'select document_id, state, content_hash from document where knowledge_id = ? and source_key = ?',
    [knowledgeId, key],
  );
  return row && { documentId: row.document_id, state: row.state, contentHash: row.content_hash };
}

export function sourceKey(origin: Origin): string {
  return origin.kind === 'article' ? `article:${origin.articleId}:${origin.msgidx}` : `file:${origin.fileId}`;
}

function hashOf({ title, url, passages }: Content): string {
  return createHash('sha256')
    .update(JSON.stringify([title, url, passages]))
    .digest('hex');
}
