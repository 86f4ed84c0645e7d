import type { Tx } from '../db/tx.ts';

/** With more unanswered questions than this, a user is asked for patience. */
const maxUnanswered = 20;

/**
 * Whether a conversation, whose row this transaction has locked, has just got too many unanswered questions: true once,
 * until all of them are answered. By message_by_state, of which it reads so many rows at most.
 */
export async function startsLongWait(tx: Tx, conversationId: string): Promise<boolean> {
  const [row] = await tx.all<{ unanswered: number }>(
    `select count(*) unanswered from
        (select 1 from message where conversation_id = ? and state = 'pending' limit ${maxUnanswered + 1}) waiting`,
    [conversationId],
  );
  if (row!.unanswered <= maxUnanswered) return false;
  const asked = await tx.run(
    'update conversation set asked_to_wait = 1 where conversation_id = ? and asked_to_wait = 0',
    [conversationId],
  );
  return asked === 1;
}

/** Notes that all questions of a conversation, whose row this transaction has locked, are answered. */
export async function endLongWait(tx: Tx, conversationId: string): Promise<void> {
  await tx.run('update conversation set asked_to_wait = 0 where conversation_id = ? and asked_to_wait = 1', [
    conversationId,
  ]);
}
