import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Turn } from '../expert/expert.ts';
import type { Channel } from './channel.ts';

/** A message of a user that waits for its answer. */
export interface PendingMessage {
  messageId: string;
  conversationId: string;
  appid: string;
  channel: Channel;
  msgid: string;
  openid: string;
  msgType: string;
  content: string;
  /** Of a voice message: its recording, and the number that the sender gave its format. */
  mediaId: string | null;
  mediaFormat: number | null;
  /** What it quotes; empty: nothing. */
  quoted: string;
  messageIndex: number;
  ageMs: number;
  /** Whether more parts may be added to it, until a try at it begins: see gather.ts. */
  isOpen: boolean;
  /** How long it still waits for more parts; 0: no longer. */
  gathersMs: number;
}

export interface NewMessage {
  appid: string;
  channel: Channel;
  msgid: string;
  openid: string;
  msgType: string;
  content: string;
  mediaId: string | null;
  mediaFormat: number | null;
  /** What it quotes, in words. */
  quoted?: string;
  payloadHash: string;
  /** It takes more parts for so long; absent: none. */
  gathersMs?: number | undefined;
}

/** A message that was accepted before. */
export interface KnownMessage {
  messageId: string;
  payloadHash: string;
  /** Of its conversation. */
  scopeKey: string;
}

/** Finds the message that has this msgid. By message_by_msgid. */
export async function findKnown(
  session: Session,
  { appid, channel, msgid }: Pick<NewMessage, 'appid' | 'channel' | 'msgid'>,
): Promise<KnownMessage | undefined> {
  const [row] = await session.all<{ message_id: string; payload_hash: string; scope_key: string }>(
    `select m.message_id, m.payload_hash, c.scope_key
      from message m join conversation c on c.conversation_id = m.conversation_id
      where m.appid = ? and m.channel = ? and m.msgid = ?`,
    [appid, channel, msgid],
  );
  return row && { messageId: row.message_id, payloadHash: row.payload_hash, scopeKey: row.scope_key };
}

/**
 * Takes its msgid from a message of before a deletion, so that a new one can have it. All that was open then was
 * cancelled; what escaped that (docs/scaling.md, several nodes that write) is cancelled here.
 */
export async function takeMsgid(tx: Tx, messageId: string): Promise<void> {
  await tx.run(
    `update message set msgid = null, state = case when state = 'pending' then 'cancelled' else state end
      where message_id = ?`,
    [messageId],
  );
}

/**
 * Finds or makes a conversation, locks it until the commit, hands out its next number and makes it due, unless it waits
 * for another try, or somebody holds it: the holder looks for pending messages when it releases.
 */
export async function takeNextIndex(
  tx: Tx,
  { appid, scopeKey }: { appid: string; scopeKey: string },
): Promise<{ conversationId: string; messageIndex: number }> {
  const { now } = tx.dialect;
  const row = { conversation_id: ulid(), appid, scope_key: scopeKey };
  await tx.insertOrKeep('conversation', row, ['appid', 'scope_key']);
  await tx.run(
    `update conversation set last_index = last_index + 1, updated_at = ${now},
        due_at = case when lease_token is null then coalesce(due_at, ${now}) else due_at end
      where appid = ? and scope_key = ?`,
    [appid, scopeKey],
  );
  const [found] = await tx.all<{ conversation_id: string; last_index: number }>(
    'select conversation_id, last_index from conversation where appid = ? and scope_key = ?',
    [appid, scopeKey],
  );
  return { conversationId: found!.conversation_id, messageIndex: found!.last_index };
}

/** Inserts a user's message and returns its id. A msgid that is taken is a duplicate key. */
export async function insertMessage(
  tx: Tx,
  at: { conversationId: string; messageIndex: number },
  message: NewMessage,
): Promise<string> {
  const messageId = ulid();
  await tx.run(
    `insert into message (message_id, conversation_id, appid, channel, msgid, openid, message_index, speaker, msg_type,
        content, media_id, media_format, quoted, payload_hash, gathers_until, state, created_at)
      values (?, ?, ?, ?, ?, ?, ?, 'user', ?, ?, ?, ?, ?, ?, ${tx.dialect.now} + ?, 'pending', ${tx.dialect.now})`,
    [
      messageId,
      at.conversationId,
      message.appid,
      message.channel,
      message.msgid,
      message.openid,
      at.messageIndex,
      message.msgType,
      message.content,
      message.mediaId,
      message.mediaFormat,
      message.quoted || null,
      message.payloadHash,
      message.gathersMs ?? null,
    ],
  );
  return messageId;
}

/** The oldest pending message of a conversation. By message_by_state. */
export async function findPending(session: Session, conversationId: string): Promise<PendingMessage | undefined> {
  const [row] = await session.all<PendingRow>(
    `select message_id, conversation_id, appid, channel, msgid, openid, msg_type, content, media_id, media_format,
        quoted, message_index, ${session.dialect.now} - created_at age_ms,
        gathers_until - ${session.dialect.now} gathers_ms
      from message where conversation_id = ? and state = 'pending' order by message_index limit 1`,
    [conversationId],
  );
  return (
    row && {
      messageId: row.message_id,
      conversationId: row.conversation_id,
      appid: row.appid,
      channel: row.channel,
      msgid: row.msgid,
      openid: row.openid,
      msgType: row.msg_type,
      content: row.content,
      mediaId: row.media_id,
      mediaFormat: row.media_format,
      quoted: row.quoted ?? '',
      messageIndex: row.message_index,
      ageMs: row.age_ms,
      isOpen: row.gathers_ms !== null,
      gathersMs: Math.max(0, row.gathers_ms ?? 0),
    }
  );
}

/**
 * How a message ended: with an answer (or the refusal), or with another fixed text. That is shown to people, and never
 * told to an expert as one of the turns before: the question was withheld, or not checked, or not heard.
 */
export type EndState = 'answered' | 'fixed';

/** Ends a pending message; false: it was ended before. */
export async function endMessage(tx: Tx, messageId: string, state: EndState): Promise<boolean> {
  const ended = await tx.run("update message set state = ? where message_id = ? and state = 'pending'", [
    state,
    messageId,
  ]);
  return ended === 1;
}

/** Inserts the assistant's answer behind all that was said. */
export async function insertAnswer(
  tx: Tx,
  message: PendingMessage,
  { content, state }: { content: string; state: EndState },
): Promise<void> {
  await tx.run('update conversation set last_index = last_index + 1 where conversation_id = ?', [
    message.conversationId,
  ]);
  await tx.run(
    `insert into message (message_id, conversation_id, appid, channel, openid, message_index, speaker, msg_type,
        content, state, answers, created_at)
      select ?, conversation_id, ?, ?, ?, last_index, 'assistant', 'text', ?, ?, ?, ${tx.dialect.now}
        from conversation where conversation_id = ?`,
    [ulid(), message.appid, message.channel, message.openid, content, state, message.messageId, message.conversationId],
  );
}

/**
 * The last turns before a message, oldest first: what was answered, with its answers, though another question may
 * stand between the two. By message_by_index.
 */
export async function listTurns(session: Session, message: PendingMessage, limit: number): Promise<Turn[]> {
  if (limit === 0) return [];
  const rows = await session.all<Turn>(
    `select speaker, content from message
      where conversation_id = ? and state = 'answered' and content <> '' and message_id <> ?
        and (message_index < ? or speaker = 'assistant')
      order by message_index desc limit ${limit}`,
    [message.conversationId, message.messageId, message.messageIndex],
  );
  return rows.reverse();
}

interface PendingRow {
  message_id: string;
  conversation_id: string;
  appid: string;
  channel: Channel;
  msgid: string;
  openid: string;
  msg_type: string;
  content: string;
  media_id: string | null;
  media_format: number | null;
  quoted: string | null;
  message_index: number;
  age_ms: number;
  gathers_ms: number | null;
}
