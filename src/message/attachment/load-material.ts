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

/** A picture is context of so many questions after it; a turn has a question and an answer. */
const pictureTurns = 2;
const indexesPerTurn = 2;

/** What a question is asked about beside its words. */
export interface Material {
  quoted: string;
  /** What an expert can be given: what came with the message, then what came shortly before. */
  given: Attachment[];
  /** What came with the message and its quote; with its attachment, where that is among what is given. */
  came: { kind: 'image' | 'file'; origin: 'own' | 'quote'; given: Attachment | undefined }[];
}

/** The material for an expert that looks at pictures of so many bytes in all; those that have no room are not given. */
export function fitTo({ quoted, given, came }: Material, pictureBytes: number): Material {
  let left = pictureBytes;
  const fitting = given.filter((each) => {
    if (each.kind === 'file') return true;
    const fits = each.bytes.length <= left;
    if (fits) left -= each.bytes.length;
    return fits;
  });
  const isGiven = (each: Attachment | undefined) => each !== undefined && fitting.includes(each);
  return {
    quoted,
    given: fitting,
    came: came.map((each) => (isGiven(each.given) ? each : { ...each, given: undefined })),
  };
}

/** Loads what came with a message, and what came shortly before; undefined: over its channel nothing can come. */
export async function loadMaterial(
  { database }: Pick<Context, 'database'>,
  message: PendingMessage,
): Promise<Material | undefined> {
  if (integrationOf(message.channel) === undefined) return undefined;
  const { quoted, messageId, conversationId, messageIndex } = message;
  const material: Material = { quoted, given: [], came: [] };
  const left = { fileChars: maxFileChars };
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
 * Forgets the pictures that are context of no question after this one, in the transaction that commits its answer. By
 * attachment_by_conversation.
 */
export async function forgetPictures(tx: Tx, { channel, conversationId, messageIndex }: PendingMessage): Promise<void> {
  if (integrationOf(channel) === undefined) return;
  const rows = await tx.all<{ attachment_id: string }>(
    `select a.attachment_id from attachment a join message m on m.message_id = a.message_id
      where a.conversation_id = ? and a.kind = 'image' and a.state = 'ready' and m.message_index < ?`,
    [conversationId, messageIndex - (pictureTurns - 1) * indexesPerTurn],
  );
  for (const { attachment_id: id } of rows) await forgetPicture(tx, id);
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
function listPicturesBefore(session: Session, conversationId: string, messageIndex: number): Promise<Row[]> {
  return session.all<Row>(
    `select ${columns} from attachment a join message m on m.message_id = a.message_id
      where a.conversation_id = ? and a.kind = 'image' and a.state = 'ready' and m.message_index < ?
        and m.message_index >= ? order by m.message_index desc, a.position limit ${maxRecalled}`,
    [conversationId, messageIndex, messageIndex - pictureTurns * indexesPerTurn],
  );
}

/** Undefined: it failed, is forgotten, or there is no room for it. */
async function loadReady(
  session: Session,
  { attachment_id: id, kind, state, name, media_type: mediaType, passages }: Row,
  left: { fileChars: number },
): Promise<Attachment | undefined> {
  if (state !== 'ready') return undefined;
  const documentId = attachmentDocumentId(id);
  if (kind === 'image') {
    const bytes = await loadBytes(session, id);
    return bytes.length === 0 ? undefined : { kind, documentId, name, mediaType, bytes };
  }
  const text = JSON.parse(passages ?? '{"passages":[],"leftOutChars":0}') as FileText;
  const chars = text.passages.reduce((sum, each) => sum + each.text.length, 0);
  if (chars > left.fileChars) return undefined;
  left.fileChars -= chars;
  return { kind, documentId, name, ...text };
}
