import type { Session } from '../../db/session.ts';
import { type Answering, type ConversationRow, countMessages, scopeOf } from './store.ts';

/** Conversations of one bot as operators see them. */
export async function showConversations(
  session: Session,
  answering: Answering | undefined,
  rows: readonly ConversationRow[],
) {
  const scopeOfRow = (row: ConversationRow) => answering && scopeOf(answering, row, row.generation);
  const scopes = rows.map(scopeOfRow).filter((scope) => scope !== undefined);
  const counts = await countMessages(session, answering?.appid ?? '', scopes);
  return rows.map((row) => ({
    conversationId: row.session_id,
    integrationId: row.integration_id,
    appid: answering?.appid ?? '',
    chatId: row.chat_id,
    chatType: row.chat_id === '' ? 'single' : 'group',
    userId: row.owner_id,
    session: row.generation,
    activeAt: Math.floor(row.active_at / 1000),
    messageCount: counts.get(scopeOfRow(row) ?? '') ?? 0,
  }));
}
