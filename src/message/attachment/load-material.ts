import type { Context } from '../../context.ts';
import type { Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';
import { type Attachment, attachmentDocumentId } from '../../expert/expert.ts';
import { integrationOf } from '../channel.ts';
import type { PendingMessage } from '../store.ts';
import { type FileText, forgetPicture, loadBytes, maxAttachments } from './store.ts';

/** Of its files, so many characters; of before, so many files and as many pictures. */
const maxFileChars = 40_000;
const maxRecalled = 3;

/** A picture is context of so many questions after it. */
const pictureTurns = 2;

/** What a question is asked about beside its words. */
export interface Material {
  quoted: string;
  /** What an expert can be given: what came with the message, then what came shortly before. */
  given: Attachment[];
  /** What came with the message and its quote; with its attachment, where that is among what is given. */
  came: { kind: 'image' | 'file'; origin: 'own' | 'quote'; given: Attachment | undefined }[];
}

/** The material for an expert that looks at no pictures. */
export function withoutPictures({ quoted, given, came }: Material): Material {
  return {
    quoted,
    given: given.filter(({ kind }) => kind !== 'image'),
    came: came.map((each) => (each.given?.kind === 'image' ? { ...each, given: undefined } : each)),
  };
}

/**
 * Loads what came with a message of a channel over which something can come, and what came shortly before. Pictures of
 * `pictureBytes` in all: one that has no room is not read at all, for many questions are answered at once.
 */
export async function loadMaterial(
  { database }: Pick<Context, 'database'>,
  message: Pick<PendingMessage, 'quoted' | 'messageId' | 'conversationId' | 'messageIndex'>,
  pictureBytes: number,
): Promise<Material> {
  const { quoted, messageId, conversationId, messageIndex } = message;
  const material: Material = { quoted, given: [], came: [] };
  const left = { fileChars: maxFileChars, pictureBytes };
  for (const [at, row] of (await listOf(database, messageId)).entries()) {
    const attachment = at < maxAttachments ? await loadReady(database, row, left) : undefined;
    if (attachment !== undefined) material.given.push(attachment);
    material.came.push({ kind: row.kind, origin: row.origin, given: attachment });
  }
  const before = [
    ...(await listPicturesBefore(database, conversationId, messageIndex)),
    ...(await listFilesBefore(database, conversationId, messageIndex)),
  ];
  for (const row of before) {
    const attachment = await loadReady(database, row, left);
    if (attachment !== undefined) material.given.push(attachment);
  }
  return material;
}

interface Row {
  attachment_id: string;
  kind: 'image' | 'file';
  origin: 'own' | 'quote';
  state: string;
  name: string;
  media_type: string;
  passages: string | null;
}

const columns = 'a.attachment_id, a.kind, a.origin, a.state, a.name, a.media_type, a.passages';

/** In the order in which they came, with the parts of the question. By attachment_by_message. */
function listOf(session: Session, messageId: string): Promise<Row[]> {
  return session.all<Row>(
    `select ${columns} from attachment a where a.message_id = ?
      order by a.created_at, a.position, a.attachment_id`,
    [messageId],
  );
}

/**
 * Forgets the pictures that are context of no question after this one, which has ended, in the transaction that commits
 * its answer. By attachment_by_conversation.
 */
export async function forgetPictures(tx: Tx, { channel, conversationId }: PendingMessage): Promise<void> {
  if (integrationOf(channel) === undefined) return;
  const rows = await tx.all<{ attachment_id: string }>(
    `select a.attachment_id from attachment a join message m on m.message_id = a.message_id
      where a.conversation_id = ? and a.kind = 'image' and a.state = 'ready' and m.message_index < ?`,
    [conversationId, await findPictureBorder(tx, conversationId)],
  );
  for (const { attachment_id: id } of rows) await forgetPicture(tx, id);
}

/**
 * The number of the oldest of the last ended questions, whose pictures are context of the next one; 0: there are not so
 * many. Numbers can't tell it: each part of a question has one, too. By message_by_index.
 */
async function findPictureBorder(session: Session, conversationId: string): Promise<number> {
  const [row] = await session.all<{ message_index: number }>(
    `select message_index from message
      where conversation_id = ? and speaker = 'user' and state in ('answered', 'fixed')
      order by message_index desc limit 1 offset ${pictureTurns - 1}`,
    [conversationId],
  );
  return row?.message_index ?? 0;
}

/** The files that came before a message in its conversation, the newest first. By attachment_by_conversation. */
function listFilesBefore(session: Session, conversationId: string, messageIndex: number): Promise<Row[]> {
  return session.all<Row>(
    `select ${columns} from attachment a join message m on m.message_id = a.message_id
      where a.conversation_id = ? and a.kind = 'file' and a.state = 'ready' and m.message_index < ?
      order by m.message_index desc, a.position limit ${maxRecalled}`,
    [conversationId, messageIndex],
  );
}

/** The pictures of the last turns, the newest message's first. By attachment_by_conversation. */
async function listPicturesBefore(session: Session, conversationId: string, messageIndex: number): Promise<Row[]> {
  return session.all<Row>(
    `select ${columns} from attachment a join message m on m.message_id = a.message_id
      where a.conversation_id = ? and a.kind = 'image' and a.state = 'ready' and m.message_index < ?
        and m.message_index >= ? order by m.message_index desc, a.position limit ${maxRecalled}`,
    [conversationId, messageIndex, await findPictureBorder(session, conversationId)],
  );
}

/** Undefined: it failed, is forgotten, or there is no room for it. */
async function loadReady(
  session: Session,
  { attachment_id: id, kind, state, name, media_type: mediaType, passages }: Row,
  left: { fileChars: number; pictureBytes: number },
): Promise<Attachment | undefined> {
  if (state !== 'ready') return undefined;
  const documentId = attachmentDocumentId(id);
  if (kind === 'image') {
    const bytes = await loadBytes(session, id, left.pictureBytes);
    if (bytes === undefined) return undefined;
    left.pictureBytes -= bytes.length;
    return { kind, documentId, name, mediaType, bytes };
  }
  const text = JSON.parse(passages ?? '{"passages":[],"leftOutChars":0}') as FileText;
  const chars = text.passages.reduce((sum, each) => sum + each.text.length, 0);
  if (chars > left.fileChars) return undefined;
  left.fileChars -= chars;
  return { kind, documentId, name, ...text };
}
