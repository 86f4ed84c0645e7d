import { ulid } from 'ulid';
import { marksFor } from '../../db/batches.ts';
import { type Lease, LeaseLost, lockLease } from '../../db/lease.ts';
import type { Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';
import type { Sealer } from '../../sealer.ts';

/** A link lives for five minutes from the message on. */
export const linkMs = 5 * 60 * 1000;

/** Pictures and files of one question, those of its quote among them. */
export const maxAttachments = 10;

/** Where a picture or a file lies, and the key that it is encrypted with; without one, it is its bot's. */
export interface Link {
  url: string;
  aeskey?: string | undefined;
}

export interface NewAttachment {
  /** Its message's own, or of what that quotes. */
  origin: 'own' | 'quote';
  kind: 'image' | 'file';
  /** Undefined: it is not fetched, for `reason`. */
  link: Link | undefined;
  reason?: string;
}

/** The message that attachments belong to. */
export interface AttachedTo {
  messageId: string;
  conversationId: string;
  appid: string;
  integrationId: string;
}

const placeOf = (attachmentId: string) => `attachment:${attachmentId}`;

/** Inserts a message's attachments, in the transaction that inserts it. */
export async function insertAttachments(
  tx: Tx,
  sealer: Sealer,
  { messageId, conversationId, appid, integrationId }: AttachedTo,
  attachments: readonly NewAttachment[],
): Promise<void> {
  const { now } = tx.dialect;
  for (const [position, { origin, kind, link, reason = null }] of attachments.entries()) {
    const id = ulid();
    const sealed = link === undefined ? null : sealer.seal(JSON.stringify(link), placeOf(id));
    const isPending = link === undefined ? 0 : 1;
    await tx.run(
      `insert into attachment (attachment_id, message_id, conversation_id, appid, integration_id, position, origin, kind,
          state, sealed_link, name, media_type, reason, tries, created_at, due_at)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, 0, ${now}, case when ? = 1 then ${now} else null end)`,
      [
        ...[id, messageId, conversationId, appid, integrationId, position, origin, kind],
        ...[isPending === 1 ? 'pending' : 'failed', sealed, reason, isPending],
      ],
    );
  }
}

/** An attachment that is to be fetched. */
export interface PendingAttachment extends AttachedTo {
  attachmentId: string;
  kind: 'image' | 'file';
  sealedLink: string;
  tries: number;
  ageMs: number;
}

/** Undefined: it is gone, or settled. By the primary key. */
export async function findPendingAttachment(session: Session, id: string): Promise<PendingAttachment | undefined> {
  const [row] = await session.all<PendingRow>(
    `select message_id, conversation_id, appid, integration_id, kind, sealed_link, tries,
        ${session.dialect.now} - created_at age_ms
      from attachment where attachment_id = ? and state = 'pending'`,
    [id],
  );
  return (
    row && {
      attachmentId: id,
      messageId: row.message_id,
      conversationId: row.conversation_id,
      appid: row.appid,
      integrationId: row.integration_id,
      kind: row.kind,
      sealedLink: row.sealed_link ?? '',
      tries: row.tries,
      ageMs: row.age_ms,
    }
  );
}

export function openLink(sealer: Sealer, { attachmentId, sealedLink }: PendingAttachment): Link {
  return JSON.parse(sealer.open(sealedLink, placeOf(attachmentId))) as Link;
}

/** Counts the start of a try; false: it is not ours any more. */
export async function beginFetch(tx: Tx, lease: Lease, tries: number): Promise<boolean> {
  if (!(await lockLease(tx, lease))) return false;
  await tx.run('update attachment set tries = ? where attachment_id = ?', [tries, lease.id]);
  return true;
}

/** A passage as the parser has split a file. */
export interface FilePassage {
  heading: string;
  text: string;
  page?: number | undefined;
}

/** What is known of a file: its beginning, and how much of it that is not. */
export interface FileText {
  passages: FilePassage[];
  leftOutChars: number;
}

/** What became of an attachment. */
export type Fetched =
  | { kind: 'image'; name: string; mediaType: string; bytes: Uint8Array }
  | { kind: 'file'; name: string; text: FileText }
  | { kind: 'failed'; reason: string };

/** A packet of a database may be limited to few megabytes. */
const pieceBytes = 1024 * 1024;

/**
 * Ends the fetching of an attachment and forgets its link. Its conversation is due, first of all: whoever settles another
 * of the same message waits for that row, and so the last of them makes it due when all is settled. Where somebody holds
 * it the row is changed all the same, so that who releases it comes before or after. Throws a LeaseLost.
 */
export async function settleAttachment(
  tx: Tx,
  lease: Lease,
  { messageId, conversationId }: AttachedTo,
  fetched: Fetched,
): Promise<void> {
  await tx.run(
    `update conversation set due_at = case when lease_token is null then ${tx.dialect.now} else due_at + 1 end
      where conversation_id = ?`,
    [conversationId],
  );
  if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
  const failed = fetched.kind === 'failed';
  await tx.run(
    `update attachment set state = ?, sealed_link = null, name = ?, media_type = ?, passages = ?, reason = ?,
        lease_token = null, due_at = null where attachment_id = ?`,
    [
      ...[failed ? 'failed' : 'ready', failed ? '' : fetched.name, fetched.kind === 'image' ? fetched.mediaType : ''],
      ...[fetched.kind === 'file' ? JSON.stringify(fetched.text) : null, failed ? fetched.reason.slice(0, 500) : null],
      lease.id,
    ],
  );
  if (fetched.kind === 'image') await insertPieces(tx, { attachmentId: lease.id, messageId }, fetched.bytes);
}

async function insertPieces(
  tx: Tx,
  { attachmentId, messageId }: { attachmentId: string; messageId: string },
  bytes: Uint8Array,
): Promise<void> {
  for (let from = 0, piece = 0; from < bytes.length; from += pieceBytes, piece++) {
    await tx.run('insert into attachment_piece (attachment_id, message_id, piece, bytes) values (?, ?, ?, ?)', [
      ...[attachmentId, messageId, piece],
      Buffer.from(bytes.subarray(from, from + pieceBytes)),
    ]);
  }
}

/** The bytes of a picture; empty where they are forgotten. By the primary key. */
export async function loadBytes(session: Session, attachmentId: string): Promise<Uint8Array> {
  const rows = await session.all<{ bytes: Uint8Array }>(
    'select bytes from attachment_piece where attachment_id = ? order by piece',
    [attachmentId],
  );
  return Buffer.concat(rows.map(({ bytes }) => bytes));
}

/** Deletes the bytes of a picture. By the primary keys. */
export async function forgetPicture(tx: Tx, attachmentId: string): Promise<void> {
  await tx.run('delete from attachment_piece where attachment_id = ?', [attachmentId]);
  await tx.run("update attachment set state = 'forgotten' where attachment_id = ?", [attachmentId]);
}

/** Takes what is still to be fetched out of everybody's hands, before it is erased. By attachment_by_conversation. */
export async function takeAttachments(tx: Tx, conversationId: string): Promise<void> {
  await tx.run(
    `update attachment set lease_token = null, due_at = null, sealed_link = null
      where conversation_id = ? and state = 'pending'`,
    [conversationId],
  );
}

/**
 * Takes what came with the messages of a conversation to which they were moved there as well, out of everybody's hands.
 * By message_by_index, and attachment_by_message.
 */
export async function moveAttachments(tx: Tx, conversationId: string): Promise<void> {
  await tx.run(
    `update attachment set conversation_id = ?
      where message_id in (select message_id from message where conversation_id = ?)`,
    [conversationId, conversationId],
  );
  await takeAttachments(tx, conversationId);
}

/** Deletes what came with messages. By attachment_piece_by_message, attachment_by_message. Returns how many went. */
export async function deleteAttachments(tx: Tx, messageIds: readonly string[]): Promise<number> {
  const marks = marksFor(messageIds);
  await tx.run(`delete from attachment_piece where message_id in ${marks}`, messageIds);
  return tx.run(`delete from attachment where message_id in ${marks}`, messageIds);
}

interface PendingRow {
  message_id: string;
  conversation_id: string;
  appid: string;
  integration_id: string;
  kind: 'image' | 'file';
  sealed_link: string | null;
  tries: number;
  age_ms: number;
}
