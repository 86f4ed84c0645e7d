import type { Tx } from '../db/tx.ts';
import { enqueue } from '../dispatch/enqueue.ts';
import { describeError } from '../errors.ts';
import { integrationOf } from '../message/channel.ts';
import type { RepliedTo, ReplyChannel } from '../message/reply-channel.ts';
import { laneOf } from '../message/reply-dispatch.ts';
import { cutToBytes, maxContentBytes } from './content.ts';
import { findIntegration } from './integration/store.ts';
import { type Layout, layOut } from './lay-out.ts';
import { enqueuePieces } from './long-connection/enqueue-pieces.ts';
import { closeDraft, renderMarkdown, takePiece } from './markdown/index.ts';
import { type ResponsePayload, responseKey, responseKind, restKey, restKind } from './response-dispatch.ts';
import { sayReply } from './say-reply.ts';
import { touchSession } from './session.ts';
import { findStreamOf, finishStream, type Stream, showDraft } from './stream-store.ts';
import { textOf } from './texts.ts';

/** A response_url lives for an hour from the message on. */
const urlMs = 60 * 60 * 1000;
const leastWindowMs = 60 * 1000;

/** Of a bot that is gone nothing is left to say it by. */
const deletedBot = { language: 'zh', texts: {} } as const;

/** To the users of a WeCom bot: into the stream that WeCom fetches, else by the response_url; or over a long connection. */
export const wecomReplies: ReplyChannel = {
  async textOf({ database }, { channel }, name) {
    return textOf((await findIntegration(database, integrationOf(channel)!)) ?? deletedBot, name);
  },
  async showDraft({ database }, { messageId }, text, leaseToken) {
    const shown = renderMarkdown(closeDraft(cutToBytes(text, maxContentBytes).head));
    const draft = takePiece(shown, maxContentBytes).piece;
    if (draft.trim() !== '') await showDraft(database, { messageId, leaseToken }, draft);
  },
  async enqueueReply(context, tx, message, reply) {
    const { database, logger, wake } = context;
    const stream = await findStreamOf(tx, message.messageId);
    if (stream === undefined) return; // erased meanwhile
    const integrationId = integrationOf(message.channel)!;
    const bot = (await findIntegration(tx, integrationId)) ?? deletedBot;
    const notes = { continued: textOf(bot, 'continued'), shortened: textOf(bot, 'shortened') };
    const answer = sayReply(context, bot, reply);
    const card = reply.fixedText === 'failed' ? 'startOver' : '';
    if (stream.reqId === '') {
      const layout = layOut(answer, notes, stream.hasUrl);
      await finishStream(tx, message.messageId, { text: layout.bubble, card });
      await enqueueResponses(tx, message, stream, layout);
    } else await enqueuePieces(context, tx, message, { stream, answer, notes, card, markdown: reply.text });
    tx.afterCommit(() => {
      if (stream.reqId === '') wake.dispatch();
      else wake.bot(integrationId);
      touchSession(database, integrationId, stream).catch((error) =>
        logger.warn({ integrationId, error: describeError(error) }, 'a session was not kept awake by its answer'),
      );
    });
  },
};

/** What is to be said by the response_url, should nobody fetch the stream; and, should somebody, what follows. */
async function enqueueResponses(
  tx: Tx,
  { messageId, conversationId, appid, channel }: RepliedTo,
  { streamId, ageMs }: Stream,
  { alone, rest }: Layout,
): Promise<void> {
  const common = {
    ...{ laneId: laneOf(conversationId), appid, messageId, windowMs: Math.max(leastWindowMs, urlMs - ageMs) },
    integrationId: integrationOf(channel)!,
  };
  const payloadOf = (payload: ResponsePayload) => JSON.stringify(payload);
  const payload = payloadOf({ streamId, text: alone, hasRest: rest !== '' });
  await enqueue(tx, { ...common, dedupeKey: responseKey(messageId), kind: responseKind, payload });
  if (rest === '') return;
  const restPayload = payloadOf({ streamId, text: rest });
  await enqueue(tx, { ...common, dedupeKey: restKey(messageId), kind: restKind, payload: restPayload });
}
