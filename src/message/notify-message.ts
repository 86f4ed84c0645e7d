import { createHash } from 'node:crypto';
import type { NotifyMessageRequest } from '../../gen/wxmp/message/v1/message_pb.ts';
import { requireHeldAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { conflict } from '../errors.ts';
import { channelOf, isEarlier, scopeKey, type WxmpChannel } from './channel.ts';
import { startsLongWait } from './long-wait.ts';
import { enqueuePleaseWait } from './reply-dispatch.ts';
import { findKnown, insertMessage, type NewMessage, takeMsgid, takeNextIndex } from './store.ts';

/** See MessageService.NotifyMessage, and README.md, step 1. */
export function notifyMessage(context: Context) {
  const { database, metrics, wake, reached } = context;
  return async (request: NotifyMessageRequest) => {
    const message = toMessage(request);
    const { appid, channel, msgid, openid } = message;
    const accepted = await database.tx(async (tx) => {
      const { incarnation } = await requireHeldAssistant(tx, appid);
      const known = await findKnown(tx, message);
      if (known !== undefined && isEarlier(known.scopeKey, incarnation)) await takeMsgid(tx, known.messageId);
      else if (known !== undefined) {
        if (known.payloadHash !== message.payloadHash)
          throw conflict(`msgid ${msgid} was accepted with another payload`);
        return false;
      }
      const at = await takeNextIndex(tx, { appid, scopeKey: scopeKey(incarnation, channel, openid) });
      const messageId = await insertMessage(tx, at, message);
      const { conversationId } = at;
      if (await startsLongWait(tx, conversationId)) {
        await enqueuePleaseWait(context, tx, { messageId, conversationId, appid, channel, msgid, openid });
      }
      tx.afterCommit(wake.messages);
      return true;
    });
    metrics.messages.inc({ event: accepted ? 'accepted' : 'repeated' });
    if (accepted) reached('message.accepted');
    return {};
  };
}

/** A repeat must have the same type and content; it may carry another send_time. */
function toMessage(request: NotifyMessageRequest): NewMessage & { channel: WxmpChannel } {
  const { appid, openid, msgid, msgType, text, voice, isDebug } = request;
  const isText = msgType === 'text';
  const content = isText ? (text?.content ?? '') : '';
  const mediaId = isText ? null : (voice?.mediaId ?? null);
  const mediaFormat = isText ? null : (voice?.format ?? 0);
  const said = JSON.stringify([msgType, content, mediaId, mediaFormat]);
  return {
    appid,
    channel: channelOf(isDebug),
    msgid,
    openid,
    msgType,
    content,
    mediaId,
    mediaFormat,
    payloadHash: createHash('sha256').update(said).digest('hex'),
  };
}
