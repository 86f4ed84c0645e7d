import type { ListMessagesRequest } from '../../gen/wxmp/message/v1/message_pb.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { channelOf, scopeKey } from './channel.ts';

/** So many messages a list has at most. */
const maxMessages = 200;

/** See MessageService.ListMessages. */
export function listMessages({ database }: Context) {
  return async ({ appid, openid, isDebug }: ListMessagesRequest) => {
    const { incarnation } = await requireAssistant(database, appid);
    // By conversation_by_scope, then message_by_index.
    const rows = await database.all<Row>(
      `select m.speaker, m.content, m.message_index, m.created_at
        from conversation c join message m on m.conversation_id = c.conversation_id
        where c.appid = ? and c.scope_key = ? order by m.message_index desc limit ${maxMessages}`,
      [appid, scopeKey(incarnation, channelOf(isDebug), openid)],
    );
    const messages = rows.reverse().map((row) => ({
      msgType: 'text',
      speaker: row.speaker,
      text: { content: row.content, index: row.message_index, createdAt: Math.floor(row.created_at / 1000) },
    }));
    return { messages };
  };
}

interface Row {
  speaker: string;
  content: string;
  message_index: number;
  created_at: number;
}
