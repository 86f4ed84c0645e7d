/**
 * Questions that come in several messages. The first of them is the question: it is pending like every other, and while
 * it _gathers_, what its user says next is added to it in place of being a question of its own. Each part begins the
 * window anew, up to a most for all of them; when it is over, the question takes no more parts and is answered.
 *
 * All of it happens under the lock of the conversation's row. A worker that finds a question that gathers releases the
 * conversation for as long; the one that begins a try looks again whether there is something to wait for, closes the
 * question and reads it in the same transaction, so a part is either in what is answered, with what came with it, or a
 * question of its own. A part has a row of its own, `merged`, for its msgid.
 */
import { ulid } from 'ulid';
import type { Tx } from '../db/tx.ts';
import type { NewMessage } from './store.ts';

/** How long a question gathers. */
export interface Window {
  /** After its last part. */
  windowMs: number;
  /** After its first part, in all. */
  maxWaitMs: number;
}

const maxParts = 20;

/** A question that has so much text already takes no more. */
const maxCharacters = 100_000;
const maxQuotedCharacters = 4000;

/** The question of a user that gathers in a conversation whose row is locked. By message_by_state. */
async function findGathering(
  tx: Tx,
  conversationId: string,
  openid: string,
): Promise<{ messageId: string; content: string; quoted: string; parts: number; ageMs: number } | undefined> {
  const { now } = tx.dialect;
  const [row] = await tx.all<PartedRow & { message_id: string; parts: number; age_ms: number }>(
    `select message_id, content, quoted, parts, ${now} - created_at age_ms from message
      where conversation_id = ? and state = 'pending' and openid = ? and gathers_until > ${now}
      order by message_index desc limit 1`,
    [conversationId, openid],
  );
  return row && { messageId: row.message_id, ...toWords(row), parts: row.parts, ageMs: row.age_ms };
}

interface PartedRow {
  content: string;
  quoted: string | null;
}

const toWords = ({ content, quoted }: PartedRow) => ({ content, quoted: quoted ?? '' });

const join = (...words: string[]) => words.filter((each) => each !== '').join('\n');

/** Adds a message to the question of its user that gathers, and returns that one's id; undefined: there is none. */
export async function addPart(
  tx: Tx,
  at: { conversationId: string; messageIndex: number },
  part: NewMessage,
  { windowMs, maxWaitMs }: Window,
): Promise<string | undefined> {
  const question = await findGathering(tx, at.conversationId, part.openid);
  if (question === undefined) return undefined;
  const { messageId, ageMs } = question;
  const content = join(question.content, part.content);
  const quoted = join(question.quoted, part.quoted ?? '')
    .slice(0, maxQuotedCharacters)
    .toWellFormed();
  const parts = question.parts + 1;
  const isFull = parts >= maxParts || content.length >= maxCharacters;
  const leftMs = isFull ? 0 : Math.max(0, Math.min(windowMs, maxWaitMs - ageMs));
  await tx.run(
    `update message set content = ?, quoted = ?, parts = ?, gathers_until = ${tx.dialect.now} + ? where message_id = ?`,
    [content, quoted || null, parts, leftMs, messageId],
  );
  await insertPart(tx, at, part);
  if (leftMs === 0) await makeDue(tx, at.conversationId);
  return messageId;
}

/** A part's words are in its question; the row keeps its msgid. */
async function insertPart(
  tx: Tx,
  { conversationId, messageIndex }: { conversationId: string; messageIndex: number },
  { appid, channel, msgid, openid, msgType, payloadHash }: NewMessage,
): Promise<void> {
  await tx.run(
    `insert into message (message_id, conversation_id, appid, channel, msgid, openid, message_index, speaker, msg_type,
        content, payload_hash, state, created_at)
      values (?, ?, ?, ?, ?, ?, ?, 'user', ?, '', ?, 'merged', ${tx.dialect.now})`,
    [ulid(), conversationId, appid, channel, msgid, openid, messageIndex, msgType, payloadHash],
  );
}

/** Ends the gathering of a question whose conversation is locked, and returns all that it has. By the primary key. */
export async function closeGathering(tx: Tx, messageId: string): Promise<{ content: string; quoted: string }> {
  await tx.run('update message set gathers_until = null where message_id = ?', [messageId]);
  const [row] = await tx.all<PartedRow>('select content, quoted from message where message_id = ?', [messageId]);
  return toWords(row!);
}

/**
 * Ends what gathers in a conversation, which is due at once, unless somebody holds it: the holder looks for pending
 * messages when it releases. By conversation_by_scope, and message_by_state.
 */
export async function cutGathering(tx: Tx, { appid, scopeKey }: { appid: string; scopeKey: string }): Promise<void> {
  const [row] = await tx.all<{ conversation_id: string }>(
    'select conversation_id from conversation where appid = ? and scope_key = ?',
    [appid, scopeKey],
  );
  if (row === undefined) return;
  const { now } = tx.dialect;
  const id = row.conversation_id;
  await tx.run(`update conversation set updated_at = ${now} where conversation_id = ?`, [id]); // locks it
  const cut = await tx.run(
    "update message set gathers_until = null where conversation_id = ? and state = 'pending' and gathers_until > 0",
    [id],
  );
  if (cut > 0) await makeDue(tx, id);
}

/** Makes a conversation due at once that waits for the end of a window. */
async function makeDue(tx: Tx, conversationId: string): Promise<void> {
  await tx.run(`update conversation set due_at = ${tx.dialect.now} where conversation_id = ? and lease_token is null`, [
    conversationId,
  ]);
}
