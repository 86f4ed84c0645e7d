import type { ResetConversationRequest } from '../../../gen/wecom/v1/conversation_pb.ts';
import type { Context } from '../../context.ts';
import type { Tx } from '../../db/tx.ts';
import { showConversations } from './show.ts';
import { findAnswering, requireConversation } from './store.ts';

/** See ConversationService.ResetConversation. */
export function resetConversation({ database }: Context) {
  return async ({ conversationId }: ResetConversationRequest) =>
    database.tx(async (tx) => {
      await beginSession(tx, conversationId);
      const row = await requireConversation(tx, conversationId);
      const [conversation] = await showConversations(tx, await findAnswering(tx, row.integration_id), [row]);
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
