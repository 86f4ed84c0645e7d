import type { ResetConversationRequest } from '../../../gen/wecom/v1/conversation_pb.ts';
import type { Context } from '../../context.ts';
import type { Tx } from '../../db/tx.ts';
import { cutBefore } from '../session.ts';
import { showConversations } from './show.ts';
import { findAnswering, requireConversation } from './store.ts';

/** See ConversationService.ResetConversation. */
export function resetConversation({ database, wake }: Context) {
  return async ({ conversationId }: ResetConversationRequest) =>
    database.tx(async (tx) => {
      await beginSession(tx, conversationId);
      const row = await requireConversation(tx, conversationId);
      const answering = await findAnswering(tx, row.integration_id);
      const session = { sessionId: conversationId, generation: row.generation };
      if (answering !== undefined) await cutBefore(tx, answering, session);
      tx.afterCommit(wake.messages);
      const [conversation] = await showConversations(tx, answering, [row]);
      return { conversation: conversation! };
    });
}

/** As takeSession does when a user says /new: locks the session until the commit. By the primary key. */
async function beginSession(tx: Tx, sessionId: string): Promise<void> {
  await tx.run(
    `update wecom_session set generation = generation + 1, active_at = ${tx.dialect.now} where session_id = ?`,
    [sessionId],
  );
}
