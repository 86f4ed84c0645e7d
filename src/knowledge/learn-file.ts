import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { type Lease, LeaseLost, lockLease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { FileType } from '../parsing/block.ts';
import { type ParsedDocument, parserVersion } from '../parsing/parser.ts';
import { addPassages, type IndexedPassage } from '../retrieval/index-passages.ts';
import { type Document, documentState, setState, withdrawContent } from './document.ts';
import { reserve } from './quota.ts';
import type { Base } from './store.ts';

/**
 * Passages that are committed at once. A long file takes many transactions, so that on SQLite, which has one writer,
 * messages are accepted in between; nothing of it is found before the last one shows it.
 */
const passagesAtOnce = 100;

/** What became of a file. */
export type FileOutcome =
  | { kind: 'shown'; revision: number; hash: string; fileType: FileType }
  /** It is the content that is shown already. */
  | { kind: 'unchanged' }
  /** It can't be learned, and what it replaces is no longer shown either. */
  | { kind: 'refused'; state: number; reason: string }
  /** It could not be fetched: what was learned before goes on being shown. */
  | { kind: 'notFetched'; reason: string };

/** Reads a file and adds its passages; they are found once `settleFile` has committed the outcome. */
export async function learnFile(
  context: Context,
  lease: Lease,
  { base, document, name }: { base: Base; document: Document; name: string },
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<FileOutcome> {
  const size = bytes.length;
  const hash = createHash('sha256').update(`${parserVersion}\n${name}\n`).update(bytes).digest('hex');
  if (document.contentHash === hash) return { kind: 'unchanged' };
  const endTimer = context.metrics.parseSeconds.startTimer();
  const parsed = await context.parser.parse(bytes, signal);
  endTimer();
  context.reached('file.parsed');
  if (parsed.kind === 'unreadable') {
    return { kind: 'refused', state: documentState[parsed.state], reason: parsed.reason };
  }
  const texts = parsed.passages.map(({ heading, text }) => `${heading}\n${text}`);
  const flagged = await context.guard?.checkAll([...texts, name], signal);
  if (flagged !== undefined) {
    return { kind: 'refused', state: documentState.refused, reason: reasonOf(flagged, parsed.passages) };
  }
  const revision = await context.database.tx(async (tx) => {
    const locked = await lockAssistant(tx, base.appid);
    if (locked === undefined || !(await lockLease(tx, lease))) throw new LeaseLost(lease);
    const { documentId } = document;
    const passages = parsed.passages.length;
    const reason = await reserve(tx, { appid: base.appid, documentId, bytes: size, passages }, context.config);
    return reason ?? (await nextRevision(tx, documentId));
  });
  if (typeof revision === 'string') return { kind: 'refused', state: documentState.parseFailed, reason: revision };
  await stage(context, lease, { base, documentId: document.documentId, revision, title: name }, parsed, signal);
  return { kind: 'shown', revision, hash, fileType: parsed.fileType };
}

/** Which check flags a file, and where in it: the owner has to find what it is. */
function reasonOf({ index, reason }: { index: number; reason: string }, passages: ParsedDocument['passages']): string {
  const passage = passages[index];
  const place = passage === undefined ? ', its name' : passage.page === undefined ? '' : `, page ${passage.page}`;
  return `withheld by the safety checks: ${reason}${place}`;
}

/** Commits what became of a file, in the transaction of the holder of the base's lease. Returns its state. */
export async function settleFile(
  tx: Tx,
  { documentId }: Document,
  name: string,
  outcome: FileOutcome,
): Promise<number> {
  switch (outcome.kind) {
    case 'shown':
      await tx.run(
        `update document set title = ?, file_type = ?, state = 5, reason = null, content_hash = ?, revision = ?,
            updated_at = ${tx.dialect.now} where document_id = ?`,
        [name, outcome.fileType, outcome.hash, outcome.revision, documentId],
      );
      return documentState.learned;
    case 'unchanged':
      await setState(tx, documentId, documentState.learned, null);
      return documentState.learned;
    case 'refused':
      await withdrawContent(tx, documentId, outcome);
      return outcome.state;
    case 'notFetched':
      await setState(tx, documentId, documentState.uploadFailed, outcome.reason);
      return documentState.uploadFailed;
  }
}

/** Hands out the number of a new content; what a process that died has left of another one is swept later. */
async function nextRevision(tx: Session, documentId: string): Promise<number> {
  await tx.run(
    'update document set last_revision = last_revision + 1, staged = 0, to_sweep = 1 where document_id = ?',
    [documentId],
  );
  const [row] = await tx.all<{ last_revision: number }>('select last_revision from document where document_id = ?', [
    documentId,
  ]);
  return row!.last_revision;
}

async function stage(
  { database, reached }: Context,
  lease: Lease,
  { base, ...content }: { base: Base; documentId: string; revision: number; title: string },
  { passages }: ParsedDocument,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < passages.length; from += passagesAtOnce) {
    signal.throwIfAborted();
    const part: IndexedPassage[] = passages.slice(from, from + passagesAtOnce);
    const startMs = performance.now();
    await database.tx(async (tx) => {
      if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
      if (!(await countPart(tx, content, { from, to: from + part.length }))) return;
      await addPassages(tx, base.baseNo, content, part);
    });
    reached('file.indexing');
    // SQLite has one writer, and whoever needs the database stands in one queue: the others have as long as this had.
    await sleep(performance.now() - startMs, undefined, { signal });
  }
}

/** Counts a part that is added; false where its commit took effect unseen before. By the primary key. */
async function countPart(
  tx: Session,
  { documentId, revision }: { documentId: string; revision: number },
  { from, to }: { from: number; to: number },
): Promise<boolean> {
  const counted = await tx.run(
    'update document set staged = ? where document_id = ? and last_revision = ? and staged = ?',
    [to, documentId, revision, from],
  );
  return counted === 1;
}
