import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Context } from '../context.ts';
import type { Lease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { classify } from '../dispatch/classify.ts';
import { TooSlow } from '../egress/download.ts';
import { CallError } from '../errors.ts';
import {
  type Document,
  documentState,
  ensureDocument,
  findDocument,
  type Origin,
  removeDocument,
  setState,
  sourceKey,
} from '../knowledge/document.ts';
import { type FileOutcome, learnFile, settleFile } from '../knowledge/learn-file.ts';
import type { Base } from '../knowledge/store.ts';
import { fileTypes } from '../parsing/block.ts';
import { tidyLine } from '../parsing/tidy-line.ts';
import { type EventPayload, hasLaterEvent, hasNewUrl, type PendingEvent } from './event-store.ts';

/** A sender that is too slow is given so many tries; an outage is waited for while the address lives. */
const maxSlowTries = 3;

const maxNameChars = 200;

/** Commits what became of a file; returns its state, for the notice. */
export type SettleFile = (tx: Tx) => Promise<number>;

/**
 * Notes that a file is going to be parsed, in the transaction that accepts the event. So its state can be asked for
 * from now on; what was learned of it goes on being shown.
 */
export async function noteFile(tx: Tx, base: Base, payload: EventPayload): Promise<void> {
  const document = await ensureDocument(tx, base, originOf(payload), nameOf(payload));
  if (!isLate(document, payload.eventType)) await setState(tx, document.documentId, documentState.parsing, null);
}

/** Fetches and reads the file of an event 9 or 11. Throws what may go well at another try. */
export async function prepareFile(
  context: Context,
  lease: Lease,
  base: Base,
  event: PendingEvent,
  signal: AbortSignal,
): Promise<SettleFile> {
  const { payload } = event;
  const name = nameOf(payload);
  const document = await context.database.tx(async (tx) => {
    const known = await ensureDocument(tx, base, originOf(payload), name);
    const shows = isLate(known, payload.eventType) || known.state === documentState.parsing;
    if (!shows) await setState(tx, known.documentId, documentState.parsing, null);
    return known;
  });
  if (isLate(document, payload.eventType)) return keep(document, payload);
  const fetched = await fetchFile(context, event, signal);
  const outcome = fetched.bytes
    ? await learnFile(context, lease, { base, document, name }, fetched.bytes, signal)
    : fetched.outcome;
  return async (tx) => {
    if (outcome.kind === 'notFetched') {
      if (await hasNewUrl(tx, event)) throw new CallError('a newly signed address came meanwhile');
      return settleFile(tx, document, name, outcome);
    }
    const state = await settleFile(tx, document, name, outcome);
    await noteHandled(tx, document, payload.eventType);
    return state;
  };
}

type Fetched = { bytes: Uint8Array<ArrayBuffer>; outcome?: undefined } | { bytes?: undefined; outcome: FileOutcome };

async function fetchFile(context: Context, event: PendingEvent, signal: AbortSignal): Promise<Fetched> {
  try {
    const { bytes } = await context.downloader.download(event.fileUrl, signal);
    context.reached('file.downloaded');
    return { bytes };
  } catch (error) {
    if (signal.aborted || !(await isFinal(context, event, error))) throw error;
    return { outcome: { kind: 'notFetched', reason: classify(error).reason } };
  }
}

/** Whether a file that could not be fetched is not tried again. */
async function isFinal({ database, config }: Context, event: PendingEvent, error: unknown): Promise<boolean> {
  if (classify(error).verdict === 'permanent' || event.ageMs > config.FILE_DOWNLOAD_MINUTES * 60_000) return true;
  if (error instanceof TooSlow && event.finished + 1 >= maxSlowTries) return true;
  // What follows on the same file must not wait for an address that fails.
  return hasLaterEvent(database, event.payload.knowledgeId, event);
}

/** Deletes a file. One that is not known leaves a trace: its addition may come late. Returns its state. */
export async function deleteFile(tx: Tx, base: Base, payload: EventPayload): Promise<number> {
  const document = await ensureDocument(tx, base, originOf(payload), nameOf(payload));
  await removeDocument(tx, document.documentId);
  await noteHandled(tx, document, payload.eventType);
  return documentState.deleted;
}

/** Ends the file of an event that is given up. Returns its state. */
export async function buryFile(tx: Tx, base: Base, payload: EventPayload, reason: string): Promise<number> {
  const document = await ensureDocument(tx, base, originOf(payload), nameOf(payload));
  const state = documentState.parseFailed;
  await settleFile(tx, document, nameOf(payload), { kind: 'refused', state, reason });
  await noteHandled(tx, document, payload.eventType);
  return state;
}

/** Shows why a file is not learned yet. */
export async function noteWaiting(tx: Tx, base: Base, payload: EventPayload, reason: string): Promise<void> {
  const document = await findDocument(tx, base.knowledgeId, sourceKey(originOf(payload)));
  if (document?.state !== documentState.parsing) return;
  await setState(tx, document.documentId, documentState.parsing, `waits for another try: ${reason}`);
}

/**
 * Events carry no time and may arrive in another order than they were sent. A file is added once, before all else: an
 * addition that comes when an update or a deletion was handled before any addition is late, and so is an update of a
 * file that was deleted. What is late changes nothing.
 */
function isLate({ lastEvent, added }: Document, eventType: EventType): boolean {
  if (eventType === EventType.FILE_UPDATED) return lastEvent === EventType.FILE_DELETED;
  return !added && lastEvent !== 0;
}

function keep(document: Document, { eventType }: EventPayload): SettleFile {
  return async (tx) => {
    const [row] = await tx.all<{ state: number }>('select state from document where document_id = ?', [
      document.documentId,
    ]);
    if (eventType === EventType.FILE_ADDED) await noteAdded(tx, document.documentId);
    return row!.state;
  };
}

async function noteHandled(tx: Session, { documentId }: Document, eventType: EventType): Promise<void> {
  await tx.run('update document set last_event = ? where document_id = ?', [eventType, documentId]);
  if (eventType === EventType.FILE_ADDED) await noteAdded(tx, documentId);
}

async function noteAdded(tx: Session, documentId: string): Promise<void> {
  await tx.run('update document set added = 1 where document_id = ?', [documentId]);
}

/** The type is what was told until the bytes say it. */
function originOf({ fileId, fileType }: EventPayload): Origin & { kind: 'file' } {
  return { kind: 'file', fileId, fileType: fileTypes.find((type) => type === fileType.toUpperCase()) ?? '' };
}

function nameOf({ fileName, fileId }: EventPayload): string {
  return tidyLine(fileName, maxNameChars) || fileId;
}
