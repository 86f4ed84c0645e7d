import { enqueue } from '../dispatch/enqueue.ts';
import { describeError } from '../errors.ts';
import { integrationOf } from '../message/channel.ts';
import { formatQuotation } from '../message/quotation.ts';
import type { ReplyChannel } from '../message/reply-channel.ts';
import { laneOf } from '../message/reply-dispatch.ts';
import { findIntegration } from './integration/store.ts';
import { touchSession } from './session.ts';
import { findStreamOf, finishStream, showDraft } from './stream-store.ts';
import { textOf } from './texts.ts';

/** What is to be said by the response_url of a stream, should nobody fetch it. */
export const responseKind = 'wecom.response';

/** A response_url lives for an hour from the message on. */
const urlMs = 60 * 60 * 1000;

export const responseKey = (messageId: string) => `reply:${messageId}:response`;

/** Of a bot that is gone nothing is left to say it by. */
const deletedBot = { language: 'zh', texts: {} } as const;

/** To the users of a WeCom bot in callback mode: into the stream that WeCom fetches; else by the response_url. */
export const wecomReplies: ReplyChannel = {
  async textOf({ database }, { channel }, name) {
    return textOf((await findIntegration(database, integrationOf(channel)!)) ?? deletedBot, name);
  },
  async showDraft({ database }, { messageId }, text) {
    await showDraft(database, messageId, text);
  },
  async enqueueReply({ database, logger, texts, wake }, tx, message, { text, citations }) {
    const quotation = formatQuotation(citations, texts);
    const whole = quotation === '' ? text : `${text}\n\n${texts.sources}\n${quotation}`;
    const stream = await findStreamOf(tx, message.messageId);
    if (stream === undefined) return; // erased meanwhile
    await finishStream(tx, message.messageId, whole);
    const integrationId = integrationOf(message.channel)!;
    await enqueue(tx, {
      laneId: laneOf(message.conversationId),
      dedupeKey: responseKey(message.messageId),
      kind: responseKind,
      appid: message.appid,
      integrationId,
      messageId: message.messageId,
      payload: JSON.stringify({ streamId: stream.streamId, text: whole }),
      windowMs: urlMs,
    });
    tx.afterCommit(() => {
      wake.dispatch();
      touchSession(database, integrationId, stream).catch((error) =>
        logger.warn({ integrationId, error: describeError(error) }, 'a session was not kept awake by its answer'),
      );
    });
  },
};
