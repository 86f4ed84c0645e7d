import { findAssistant } from '../../assistant/store.ts';
import { marksFor } from '../../db/batches.ts';
import type { Session } from '../../db/session.ts';
import { notFound } from '../../errors.ts';
import { sessionScope } from '../session.ts';
import { findTrigger } from '../trigger/store.ts';

/** What operators call a conversation: a row of wecom_session. */
export interface ConversationRow {
  session_id: string;
  integration_id: string;
  chat_id: string;
  owner_id: string;
  /** The present session. */
  generation: number;
  active_at: number;
}

export const conversationColumns = 's.session_id, s.integration_id, s.chat_id, s.owner_id, s.generation, s.active_at';

/** Finds a conversation of a bot that is not deleted. By the primary keys. */
export async function requireConversation(session: Session, id: string): Promise<ConversationRow> {
  const [row] = await session.all<ConversationRow>(
    `select ${conversationColumns} from wecom_session s join integration i on i.integration_id = s.integration_id
      where s.session_id = ? and i.deleted_at is null`,
    [id],
  );
  if (row === undefined) throw notFound('conversation', id);
  return row;
}

/** Who answers for a bot now. */
export interface Answering {
  appid: string;
  incarnation: number;
}

/** The assistant that a bot's trigger names, enabled or not; undefined: it has no trigger. By the primary keys. */
export async function findAnswering(session: Session, integrationId: string): Promise<Answering | undefined> {
  const trigger = await findTrigger(session, integrationId);
  const assistant = trigger && (await findAssistant(session, trigger.appid));
  return assistant && { appid: trigger!.appid, incarnation: assistant.incarnation };
}

/** The scope of the messages of one of a conversation's sessions. */
export function scopeOf({ incarnation }: Answering, { session_id: sessionId }: ConversationRow, generation: number) {
  return sessionScope(incarnation, { sessionId, generation });
}

/**
 * How many messages there are in each of these scopes, but for what was taken into another; none: no entry. By
 * conversation_by_scope, and message_by_state.
 */
export async function countMessages(
  session: Session,
  appid: string,
  scopes: readonly string[],
): Promise<Map<string, number>> {
  if (scopes.length === 0) return new Map();
  const rows = await session.all<{ scope_key: string; messages: number }>(
    `select c.scope_key, count(*) messages
      from conversation c join message m on m.conversation_id = c.conversation_id
      where c.appid = ? and c.scope_key in ${marksFor(scopes)} and m.state <> 'merged' group by c.scope_key`,
    [appid, ...scopes],
  );
  return new Map(rows.map((row) => [row.scope_key, row.messages]));
}
