import type { GetConversationRequest } from '../../../gen/wecom/v1/conversation_pb.ts';
import type { Context } from '../../context.ts';
import { notFound } from '../../errors.ts';
import { cutPage, pageSizeOf } from '../../page-token.ts';
import { loadAttachments, loadMessages, loadSources, showMessage } from './messages.ts';
import { isCount, readPageKey, toPageKey } from './page-key.ts';
import { showConversations } from './show.ts';
import { findAnswering, requireConversation, scopeOf } from './store.ts';

/** See ConversationService.GetConversation. */
export function getConversation({ database }: Context) {
  return async ({ conversationId, session: asked, pageSize, pageToken }: GetConversationRequest) => {
    const row = await requireConversation(database, conversationId);
    const key = readPageKey(pageToken, [conversationId, asked], isKey);
    const session = key?.[0] ?? (asked || row.generation);
    if (session > row.generation) throw notFound('session of the conversation', String(session));
    const answering = await findAnswering(database, row.integration_id);
    const size = pageSizeOf(pageSize);
    const place = answering && { appid: answering.appid, scopeKey: scopeOf(answering, row, session) };
    const rows = place === undefined ? [] : await loadMessages(database, place, key?.[1], size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (message) =>
      toPageKey([conversationId, asked], [session, message.message_index]),
    );
    const sources = await loadSources(database, page);
    const attachments = await loadAttachments(database, page);
    const [conversation] = await showConversations(database, answering, [row]);
    const messages = page.reverse().map((message) => showMessage(message, { sources, attachments }));
    return { conversation: conversation!, session, messages, nextPageToken };
  };
}

/** The session, and the message before which a page ends. */
type Key = readonly [session: number, index: number];

function isKey(key: readonly unknown[]): key is Key {
  return key.length === 2 && key.every(isCount);
}
