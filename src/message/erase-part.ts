/**
 * Erases what one user said in a conversation that several share, and what they were answered. The others' words stay,
 * and what they wait for still comes.
 *
 * In one short transaction, under the locks of the conversation and its lane, the user's messages and their dispatches are
 * moved to a conversation and a lane of their own, which are in nobody's hands: from there they go as every conversation
 * that is erased (erase-conversation.ts). Whoever composes an answer has read what was said before, so the lease of the
 * conversation is taken away, and the question that is at hand is answered anew by who comes next. What the user says
 * after that is none of this.
 */
import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { moveDispatches } from '../dispatch/erase-lane.ts';
import { moveAttachments } from './attachment/store.ts';
import { erasingPrefix, erasingScope } from './erase-conversation.ts';
import { laneOf } from './reply-dispatch.ts';

/** The conversations in which a user has said something, but for those that are being erased. By message_by_user. */
export async function listConversationsOf(session: Session, appid: string, openid: string): Promise<string[]> {
  const rows = await session.all<{ conversation_id: string; scope_key: string }>(
    `select distinct c.conversation_id, c.scope_key
      from message m join conversation c on c.conversation_id = m.conversation_id
      where m.appid = ? and m.openid = ? order by c.conversation_id`,
    [appid, openid],
  );
  return rows.filter((row) => !row.scope_key.startsWith(erasingPrefix)).map((row) => row.conversation_id);
}

/** Takes what a user said in a conversation out of everybody's hands. */
export async function beginErasingPart(
  tx: Tx,
  { appid, openid, userHash, from }: { appid: string; openid: string; userHash: string; from: string },
): Promise<void> {
  // Locks the conversation. A try that was begun ends here: it is no death of anybody.
  await tx.run(
    `update conversation set lease_token = null, due_at = ${tx.dialect.now}, finished = started, failures = 0
      where conversation_id = ?`,
    [from],
  );
  const to = ulid();
  const moved = await tx.run('update message set conversation_id = ? where conversation_id = ? and openid = ?', [
    ...[to, from, openid],
  ]);
  if (moved === 0) return; // it was erased meanwhile
  const scope_key = erasingScope(userHash, to, from);
  await tx.insert('conversation', [{ conversation_id: to, appid, scope_key }]);
  const questions = await tx.all<{ message_id: string }>(
    "select message_id from message where conversation_id = ? and speaker = 'user'",
    [to],
  );
  const ids = questions.map((row) => row.message_id);
  await moveAttachments(tx, to);
  await moveDispatches(tx, laneOf(from), laneOf(to), ids);
}
