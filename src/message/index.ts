import type { ServiceImpl } from '@connectrpc/connect';
import type { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import type { Context } from '../context.ts';
import { ask } from './ask.ts';
import { eraseUser } from './erase-user.ts';
import { explainMessage } from './explain-message.ts';
import { listMessages } from './list-messages.ts';
import { notifyMessage } from './notify-message.ts';

/** The calls of MessageService, a file each. */
export function messageService(context: Context): ServiceImpl<typeof MessageService> {
  return {
    notifyMessage: notifyMessage(context),
    listMessages: listMessages(context),
    ask: ask(context),
    explainMessage: explainMessage(context),
    eraseUser: eraseUser(context),
  };
}
