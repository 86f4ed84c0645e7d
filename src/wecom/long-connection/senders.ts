/**
 * Deliver what is said over long connections, from the process that holds them. The first piece of an answer ends its
 * bubble; where WeCom does not take that any more, or not in time, it takes its fallback route and goes as a message of
 * its own, as do all other pieces. Saying the last of a bubble again does no harm, so nothing is claimed for that. The
 * response_url, where there is one, is the last resort: for a bot that stays away, or a chat that takes no messages.
 */
import type { Context } from '../../context.ts';
import { type Dispatch, NotYet, type Sender } from '../../dispatch/dispatch.ts';
import { CallError, describeError } from '../../errors.ts';
import { newSessionCard, newTaskId } from '../cards/new-session-card.ts';
import { streamFrame } from '../frames.ts';
import { addError } from '../integration/status-store.ts';
import { findIntegration } from '../integration/store.ts';
import { connectionKinds } from '../response-dispatch.ts';
import { createSay } from '../response-url.ts';
import { findStream, noteShown, type Stream } from '../stream-store.ts';
import { textOf } from '../texts.ts';
import { loadReach } from './connection-store.ts';
import { errcodeOf } from './errcodes.ts';
import { chatKey, post } from './live-bot.ts';
import { addressOf, readPiece, reqIdOf, requireLive, type SenderNeeds, takeRoom, unreachableWaitMs } from './piece.ts';
import { createImageSender } from './send-image.ts';

/** A bot that is away for so long is given up for what has a response_url, which lives for an hour. */
const givenUpMs = 60_000;

/** "Already responded": where one before that was cut off has said the same, it is that one's. */
const alreadyResponded = 846_606;

/** The senders of all that goes over long connections. */
export function createConnectionSenders(needs: SenderNeeds): [string, Sender][] {
  const { context } = needs;
  const noting =
    (send: Sender): Sender =>
    (dispatch, signal) =>
      send(dispatch, signal).catch(async (error) => {
        const code = errcodeOf(error);
        const entry = { code, what: 'reply', reason: describeError(error) };
        if (code !== 0) await context.database.tx((tx) => addError(tx, dispatch.integrationId, entry));
        throw error;
      });
  return [
    [connectionKinds.stream, noting(createStreamSender(needs))],
    [connectionKinds.send, noting(createSendSender(needs))],
    [connectionKinds.card, noting(createCardSender(needs))],
    [connectionKinds.image, noting(createImageSender(needs))],
  ];
}

/** Ends the bubble of an answer. */
function createStreamSender({ context: { database }, bots, pushing }: SenderNeeds): Sender {
  return async (dispatch, signal) => {
    const { streamId, text } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    if (stream === undefined || stream.state !== 'final') return; // erased, or said before
    if (stream.isClosed) throw new CallError('the time of its bubble is over', { verdict: 'closed' });
    const bot = requireLive(bots, dispatch);
    takeRoom(bot, stream);
    const { reqId } = stream;
    const command = { cmd: 'aibot_respond_msg', reqId, chat: chatKey(stream), body: streamFrame(streamId, text, true) };
    await pushing.finish(streamId, async () => {
      try {
        await post(bot, command, signal);
      } catch (error) {
        const wasBegun = dispatch.started > dispatch.finished;
        if (!(wasBegun && errcodeOf(error) === alreadyResponded)) throw error;
      }
    });
    await noteShown(database, streamId);
  };
}

/** Says a piece of an answer as a message of its own. */
function createSendSender({ context, bots, agent }: SenderNeeds): Sender {
  const { database } = context;
  const sayByUrl = createSay(context, agent);
  return async (dispatch, signal) => {
    const { streamId, text, alone } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    if (stream === undefined || stream.state === 'sent') return; // one message has said what could be said
    const byUrl = () =>
      sayByUrl(
        stream,
        { text: alone ?? text, integrationId: dispatch.integrationId, none: 'there is no response_url' },
        stream.state === 'final' ? 'final' : 'fetched',
        signal,
      );
    if (bots.get(dispatch.integrationId)?.connection === undefined) {
      const isGone = await isGivenUp(context, dispatch, stream);
      return isGone ? byUrl() : Promise.reject(new NotYet(unreachableWaitMs));
    }
    const bot = requireLive(bots, dispatch);
    takeRoom(bot, stream);
    const body = { ...addressOf(stream), msgtype: 'markdown', markdown: { content: text } };
    try {
      await post(bot, { cmd: 'aibot_send_msg', reqId: reqIdOf(dispatch), chat: chatKey(stream), body }, signal);
    } catch (error) {
      const isRefused = error instanceof CallError && (error.verdict === 'permanent' || error.verdict === 'closed');
      if (!isRefused || !stream.hasUrl) throw error;
      return byUrl();
    }
    if (stream.state === 'final') await noteShown(database, streamId);
  };
}

/** Whether a bot is not to be waited for any longer. Throws where that leaves nothing to say it by. */
async function isGivenUp({ database }: Context, { integrationId }: Dispatch, { hasUrl }: Stream): Promise<boolean> {
  const reach = await loadReach(database, integrationId);
  if (hasUrl) return !reach.isWanted || reach.awayMs > givenUpMs;
  if (reach.isDeleted) throw new CallError('its bot was deleted, and there is no response_url', { verdict: 'closed' });
  return false;
}

/** Offers another subject below an answer that failed. */
function createCardSender({ context: { database }, bots }: SenderNeeds): Sender {
  return async (dispatch, signal) => {
    const { streamId } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    const bot = await findIntegration(database, dispatch.integrationId);
    if (stream === undefined || stream.state === 'sent' || bot === undefined) return;
    const live = requireLive(bots, dispatch);
    takeRoom(live, stream);
    const card = newSessionCard(bot, { taskId: newTaskId(streamId), title: textOf(bot, 'startOver') });
    const body = { ...addressOf(stream), msgtype: 'template_card', template_card: card };
    await post(live, { cmd: 'aibot_send_msg', reqId: reqIdOf(dispatch), chat: chatKey(stream), body }, signal);
  };
}
