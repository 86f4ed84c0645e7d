/**
 * Deliver what is said over long connections, from the process that holds them. The first piece of an answer ends its
 * bubble; where WeCom does not take that any more, or not in time, it takes its fallback route and goes as a message of
 * its own, as do all other pieces. Saying the last of a bubble again does no harm, so nothing is claimed for that. The
 * response_url, where there is one, is the last resort: for a bot that stays away, or a chat that takes no messages.
 */
import type { Context } from '../../context.ts';
import type { Dispatch, Sender } from '../../dispatch/dispatch.ts';
import { CallError, describeError } from '../../errors.ts';
import { newSessionCard, newTaskId } from '../cards/new-session-card.ts';
import { addError } from '../integration/status-store.ts';
import { findIntegration } from '../integration/store.ts';
import { connectionKinds } from '../response-dispatch.ts';
import { findStream } from '../stream-store.ts';
import { textOf } from '../texts.ts';
import { canEndBubble, closeBubble, endBubble, recordShown } from './end-bubble.ts';
import { errcodeOf } from './errcodes.ts';
import { chatKey, post } from './live-bot.ts';
import { addressOf, isFinal, readPiece, reqIdOf, requireLive, type SenderNeeds, takeRoom } from './piece.ts';
import { canUseUrl, createSayByUrl, isGivenUp, isSaidByUrl } from './say-by-url.ts';
import { createImageSender } from './send-image.ts';

/** The senders of all that goes over long connections. */
export function createConnectionSenders(needs: SenderNeeds): [string, Sender][] {
  const { context } = needs;
  const noting =
    (send: Sender): Sender =>
    (dispatch, signal) =>
      send(dispatch, signal).catch(async (error) => {
        const code = errcodeOf(error);
        const entry = { code, what: 'reply', reason: describeError(error) };
        if (code !== 0) await noteError(context, dispatch, entry);
        throw error;
      });
  return [
    [connectionKinds.stream, noting(createStreamSender(needs))],
    [connectionKinds.send, noting(createSendSender(needs))],
    [connectionKinds.card, noting(createCardSender(needs))],
    [connectionKinds.image, noting(createImageSender(needs))],
  ];
}

/** What can't be noted changes nothing of what became of the send. */
async function noteError(
  { database, logger }: Context,
  { integrationId }: Dispatch,
  entry: Parameters<typeof addError>[2],
): Promise<void> {
  await database
    .tx((tx) => addError(tx, integrationId, entry))
    .catch((error) => logger.warn({ integrationId, error: describeError(error) }, 'an error was not noted'));
}

/** Ends the bubble of an answer. */
function createStreamSender(needs: SenderNeeds): Sender {
  const { database } = needs.context;
  return async (dispatch, signal) => {
    const { streamId, text } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    if (stream === undefined || stream.state !== 'final') return; // erased, or said before
    if (stream.isClosed) throw new CallError('the time of its bubble is over', { verdict: 'closed' });
    const isAway = needs.bots.get(dispatch.integrationId)?.connection === undefined;
    if (isAway && (await isGivenUp(needs.context, dispatch, stream))) {
      throw new CallError('its bot can not be reached', { verdict: 'closed' });
    }
    const bot = requireLive(needs.bots, dispatch, stream);
    takeRoom(bot, stream);
    await endBubble(needs, bot, stream, text, signal);
  };
}

/** Says a piece of an answer as a message of its own. */
function createSendSender(needs: SenderNeeds): Sender {
  const { context, bots, agent } = needs;
  const { database } = context;
  const sayByUrl = createSayByUrl(context, agent);
  return async (dispatch, signal) => {
    const { streamId, text } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    if (stream === undefined || (await isSaidByUrl(context, stream))) return;
    if (bots.get(dispatch.integrationId)?.connection === undefined) {
      if (await isGivenUp(context, dispatch, stream)) return sayByUrl(dispatch, stream, signal);
    }
    const bot = requireLive(bots, dispatch, stream);
    takeRoom(bot, stream);
    if (canEndBubble(stream)) {
      const ended = await endBubble(needs, bot, stream, text, signal).then(
        () => true,
        (error) => !isFinal(error) && Promise.reject(error),
      );
      if (ended) return;
      takeRoom(bot, stream);
    }
    const isFirst = stream.state === 'final';
    const body = { ...addressOf(stream), msgtype: 'markdown', markdown: { content: text } };
    try {
      await post(bot, { cmd: 'aibot_send_msg', reqId: reqIdOf(dispatch), chat: chatKey(stream), body }, signal);
    } catch (error) {
      const hasOther = canUseUrl(stream);
      if (isFinal(error) && isFirst) await closeBubble(needs, bot, stream, hasOther ? 'continued' : 'failed', signal);
      if (!isFinal(error) || !hasOther) throw error;
      return sayByUrl(dispatch, stream, signal);
    }
    if (!isFirst) return;
    await recordShown(database, streamId);
    await closeBubble(needs, bot, stream, 'continued', signal);
  };
}

/** Offers another subject below an answer that failed. */
function createCardSender({ context, bots }: SenderNeeds): Sender {
  const { database } = context;
  return async (dispatch, signal) => {
    const { streamId } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    const bot = await findIntegration(database, dispatch.integrationId);
    if (stream === undefined || bot === undefined || (await isSaidByUrl(context, stream))) return;
    const live = requireLive(bots, dispatch, stream);
    takeRoom(live, stream);
    const card = newSessionCard(bot, { taskId: newTaskId(streamId), title: textOf(bot, 'startOver') });
    const body = { ...addressOf(stream), msgtype: 'template_card', template_card: card };
    await post(live, { cmd: 'aibot_send_msg', reqId: reqIdOf(dispatch), chat: chatKey(stream), body }, signal);
  };
}
