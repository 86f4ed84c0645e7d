import type { ServiceImpl } from '@connectrpc/connect';
import type { ConversationService } from '../../../gen/wecom/v1/conversation_pb.ts';
import type { Context } from '../../context.ts';
import { getConversation } from './get-conversation.ts';
import { listConversations } from './list-conversations.ts';
import { resetConversation } from './reset-conversation.ts';

/** The calls of ConversationService, a file each. */
export function conversationService(context: Context): ServiceImpl<typeof ConversationService> {
  return {
    listConversations: listConversations(context),
    getConversation: getConversation(context),
    resetConversation: resetConversation(context),
  };
}
