import { ulid } from 'ulid';
import type { Session as Database } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { cutGathering } from '../message/gather.ts';
import type { Chat } from './inbound.ts';
import { noteCommand } from './note-command.ts';
import type { Trigger } from './trigger/store.ts';

/** A user's, or a group's, place with a bot, and which of its sessions is the present one. */
export interface WecomSession {
  sessionId: string;
  /** Counts the sessions: each has a conversation of its own. */
  generation: number;
}

/** A trigger, with the assistant that it names held. */
export type Held = Pick<Trigger, 'appid' | 'integrationId' | 'sessionTimeoutSeconds' | 'groupScope'> & {
  incarnation: number;
};

/** Who shares a session: in a group whoever the trigger says, in a single chat its user. */
export function ownerOf({ chatId, userId }: Chat, { groupScope }: Pick<Trigger, 'groupScope'>): string {
  return chatId !== '' && groupScope === 'chat' ? '' : userId;
}

/**
 * Finds or makes the session of a chat, locks it until the commit, and begins a new one where `startsSession` says so or
 * nothing was said for longer than the trigger allows. What is under way in the old one stays in it; a question that
 * gathers there takes no more parts. By wecom_session_by_chat.
 */
export async function takeSession(tx: Tx, trigger: Held, chat: Chat, startsSession: boolean): Promise<WecomSession> {
  const { appid, incarnation, sessionTimeoutSeconds } = trigger;
  const key = await makeSession(tx, trigger, chat);
  const { now } = tx.dialect;
  await tx.run(
    `update wecom_session set generation = generation + case when ? = 1 or active_at < ${now} - ? then 1 else 0 end,
        active_at = ${now} where integration_id = ? and chat_id = ? and owner_id = ?`,
    [startsSession ? 1 : 0, sessionTimeoutSeconds * 1000, ...key],
  );
  const session = (await findSession(tx, key))!;
  if (startsSession) await cutBefore(tx, { appid, incarnation }, session);
  return session;
}

/** Ends what gathers in the session before this one, which was just begun by a command. */
export async function cutBefore(
  tx: Tx,
  { appid, incarnation }: Pick<Held, 'appid' | 'incarnation'>,
  { sessionId, generation }: WecomSession,
): Promise<void> {
  await cutGathering(tx, { appid, scopeKey: sessionScope(incarnation, { sessionId, generation: generation - 1 }) });
}

/** Begins a new session, as a command or a click says that is nothing else. One that comes again begins no other. */
export async function beginSession(tx: Tx, trigger: Held, chat: Chat, msgid: string): Promise<void> {
  const key = await makeSession(tx, trigger, chat);
  await tx.run(
    'update wecom_session set active_at = active_at where integration_id = ? and chat_id = ? and owner_id = ?', // locks it
    key,
  );
  const { sessionId } = (await findSession(tx, key))!;
  if (await noteCommand(tx, sessionId, msgid)) await takeSession(tx, trigger, chat, true);
}

/** What is unique of a session. */
type SessionKey = readonly [integrationId: string, chatId: string, ownerId: string];

/** Makes the session of a chat, unless there is one. */
async function makeSession(tx: Tx, trigger: Held, chat: Chat): Promise<SessionKey> {
  const key = [trigger.integrationId, chat.chatId, ownerOf(chat, trigger)] as const;
  const row = { session_id: ulid(), integration_id: key[0], chat_id: key[1], owner_id: key[2] };
  await tx.insertOrKeep('wecom_session', row, ['integration_id', 'chat_id', 'owner_id']);
  return key;
}

/** By wecom_session_by_chat. */
async function findSession(session: Database, key: SessionKey): Promise<WecomSession | undefined> {
  const [row] = await session.all<{ session_id: string; generation: number }>(
    'select session_id, generation from wecom_session where integration_id = ? and chat_id = ? and owner_id = ?',
    key,
  );
  return row && { sessionId: row.session_id, generation: row.generation };
}

/**
 * Notes that the bot has answered: a session doesn't run out while its user waits. Not in the transaction of the answer,
 * which has the conversation locked: accepting locks the session first. By wecom_session_by_chat.
 */
export async function touchSession(session: Database, integrationId: string, { chatId, userId }: Chat): Promise<void> {
  await session.run(
    `update wecom_session set active_at = ${session.dialect.now}
      where integration_id = ? and chat_id = ? and owner_id in (?, '')`,
    [integrationId, chatId, userId],
  );
}

/** The scope of a session's conversation within its account. */
export function sessionScope(incarnation: number, { sessionId, generation }: WecomSession): string {
  return `wecom:${incarnation}:${sessionId}:${generation}`;
}
