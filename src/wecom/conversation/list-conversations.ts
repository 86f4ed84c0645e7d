import type { ListConversationsRequest } from '../../../gen/wecom/v1/conversation_pb.ts';
import type { Context } from '../../context.ts';
import { readNow } from '../../db/read-now.ts';
import type { Binding, Session } from '../../db/session.ts';
import { cutPage, pageSizeOf } from '../../page-token.ts';
import { requireIntegration } from '../integration/store.ts';
import { isCount, readPageKey, toPageKey } from './page-key.ts';
import { showConversations } from './show.ts';
import { type ConversationRow, conversationColumns, findAnswering } from './store.ts';

/** See ConversationService.ListConversations. */
export function listConversations({ database }: Context) {
  return async ({ integrationId, query, orderBy, descending, pageSize, pageToken }: ListConversationsRequest) => {
    await requireIntegration(database, integrationId);
    const order = orders[(orderBy || 'active_at') as keyof typeof orders];
    const isDown = descending ?? order === orders.active_at;
    const asked = [integrationId, query, order.index, isDown];
    const key = readPageKey(pageToken, asked, isKey);
    const startedAt = key?.[0] ?? (await readNow(database));
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, { integrationId, query, order, isDown, key }, size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) =>
      toPageKey(asked, [startedAt, ...order.columns.map((column) => row[column])]),
    );
    const answering = await findAnswering(database, integrationId);
    return { conversations: await showConversations(database, answering, page), nextPageToken };
  };
}

/** Each sorts by two columns that no two conversations of a bot have alike, in the order of an index behind the bot. */
const orders = {
  active_at: { index: 'wecom_session_by_activity', columns: ['active_at', 'session_id'] },
  chat: { index: 'wecom_session_by_chat', columns: ['chat_id', 'owner_id'] },
  user: { index: 'wecom_session_by_user', columns: ['owner_id', 'chat_id'] },
} as const;

type Order = (typeof orders)[keyof typeof orders];

/** When the first page was read, and the last row of the page before by its two columns. */
type Key = readonly [startedAt: number, first: string | number, second: string];

function isKey(key: readonly unknown[]): key is Key {
  const [startedAt, first, second] = key;
  return key.length === 3 && isCount(startedAt) && (isCount(first) || isText(first)) && isText(second);
}

const isText = (value: unknown) => typeof value === 'string';

/**
 * A page in the order of an index. By the time of activity what moves while pages are read would come again behind them:
 * so what was active since the first page is on no later one.
 */
function loadPage(
  session: Session,
  asked: { integrationId: string; query: string; order: Order; isDown: boolean; key: Key | undefined },
  limit: number,
): Promise<ConversationRow[]> {
  const { integrationId, query, order, isDown, key } = asked;
  const [first, second] = order.columns;
  const conditions = ['s.integration_id = ?'];
  const bindings: Binding[] = [integrationId];
  if (key !== undefined) {
    const sign = isDown ? '<' : '>';
    conditions.push(`s.${first} ${sign}= ?`, `(s.${first} ${sign} ? or s.${second} ${sign} ?)`);
    bindings.push(key[1], key[1], key[2]);
    if (order === orders.active_at) {
      conditions.push('s.active_at < ?');
      bindings.push(key[0]);
    }
  }
  if (query !== '') {
    conditions.push('(instr(lower(s.chat_id), lower(?)) > 0 or instr(lower(s.owner_id), lower(?)) > 0)');
    bindings.push(query, query);
  }
  const way = isDown ? 'desc' : 'asc';
  return session.all<ConversationRow>(
    `select ${conversationColumns} from wecom_session s ${session.dialect.byIndex(order.index)}
      where ${conditions.join(' and ')} order by s.${first} ${way}, s.${second} ${way} limit ${limit}`,
    bindings,
  );
}
