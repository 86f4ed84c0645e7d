import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
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

/**
 * A document. What it shows in answers is the passages of its `revision`; those of others are being added by the holder
 * of the base's lease, or wait to be swept.
 */
export interface Document {
  documentId: string;
  state: number;
  revision: number;
  /** The highest that was handed out: no two contents ever have the same. */
  lastRevision: number;
  contentHash: string | null;
  /** Of a file: the type of the event that was handled last, 0 for none, and whether its addition was handled. */
  lastEvent: number;
  added: boolean;
}

/** By document_by_source. */
export async function findDocument(session: Session, knowledgeId: string, key: string): Promise<Document | undefined> {
  const [row] = await session.all<DocumentRow>(
    `select document_id, state, revision, last_revision, content_hash, last_event, added from document
      where knowledge_id = ? and source_key = ?`,
    [knowledgeId, key],
  );
  return (
    row && {
      documentId: row.document_id,
      state: row.state,
      revision: row.revision,
      lastRevision: row.last_revision,
      contentHash: row.content_hash,
      lastEvent: row.last_event,
      added: row.added === 1,
    }
  );
}

interface DocumentRow {
  document_id: string;
  state: number;
  revision: number;
  last_revision: number;
  content_hash: string | null;
  last_event: number;
  added: number;
}

export function sourceKey(origin: Origin): string {
  return origin.kind === 'article' ? `article:${origin.articleId}:${origin.msgidx}` : `file:${origin.fileId}`;
}

/** Finds a document, or inserts it as one that is being parsed. */
export async function ensureDocument(tx: Session, base: Base, origin: Origin, title: string): Promise<Document> {
  const known = await findDocument(tx, base.knowledgeId, sourceKey(origin));
  if (known !== undefined) return known;
  const { now } = tx.dialect;
  const documentId = ulid();
  const article = origin.kind === 'article' ? origin : undefined;
  const file = origin.kind === 'file' ? origin : undefined;
  const state = documentState.parsing;
  await tx.run(
    `insert into document (document_id, knowledge_id, appid, source_key, article_id, msgidx, file_id, title, url,
        file_type, state, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ${now}, ${now})`,
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
      state,
    ],
  );
  return { documentId, state, revision: 0, lastRevision: 0, contentHash: null, lastEvent: 0, added: false };
}

/** Sets a document's state, and why; what it shows stays. */
export async function setState(tx: Session, documentId: string, state: number, reason: string | null): Promise<void> {
  await tx.run(`update document set state = ?, reason = ?, updated_at = ${tx.dialect.now} where document_id = ?`, [
    state,
    reason,
    documentId,
  ]);
}

/** Sets the state of an article, and why, unless it can be answered from as it was before. */
export async function noteState(
  tx: Session,
  base: Base,
  origin: Origin,
  { state, reason }: { state: number; reason: string | null },
): Promise<void> {
  const document = await ensureDocument(tx, base, origin, '');
  if (document.state !== documentState.learned) await setState(tx, document.documentId, state, reason);
}

/**
 * Takes all that a document shows out of every answer at once, and says why. Its passages are swept later, its row
 * stays to tell what became of it.
 */
export async function withdrawContent(
  tx: Session,
  documentId: string,
  { state, reason }: { state: number; reason: string | null },
): Promise<void> {
  await tx.run(
    `update document set state = ?, reason = ?, revision = last_revision + 1, last_revision = last_revision + 1,
        to_sweep = 1, content_hash = null, bytes = 0, passages = 0, updated_at = ${tx.dialect.now} where document_id = ?`,
    [state, reason, documentId],
  );
}

/** Deletes a document: out of every answer at once. */
export async function removeDocument(tx: Session, documentId: string): Promise<void> {
  await withdrawContent(tx, documentId, { state: documentState.deleted, reason: null });
}
