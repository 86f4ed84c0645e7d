/** How the bubble of an answer ends: with the answer, or with a short text before that goes as a message of its own. */
import type { Database } from '../../db/database.ts';
import { CallError, describeError } from '../../errors.ts';
import { streamFrame } from '../frames.ts';
import { findIntegration } from '../integration/store.ts';
import { beginEnding, noteShown, type Stream, sealBubble, takeEndingBack } from '../stream-store.ts';
import { textOf } from '../texts.ts';
import { errcodeOf, Refused } from './errcodes.ts';
import { chatKey, type LiveBot, post } from './live-bot.ts';
import type { SenderNeeds } from './piece.ts';

/** "Already responded": where one before that was cut off has said the same, it is that one's. */
const alreadyResponded = 846_606;

/** So long it is tried to note what was said: less than a stop should take, more than a database needs to come back. */
const patienceMs = 60_000;

/** For so long after its time WeCom certainly takes the last word of a bubble that was kept open. */
const graceMs = 30_000;

/** For so long after its time WeCom takes it that a bubble is closed. */
const closableMs = 4 * 60_000;

/** Says the last of a bubble, in which nothing else is shown then. Throws what it is refused with. */
export async function endBubble(
  { context: { database }, pushing }: SenderNeeds,
  bot: LiveBot,
  stream: Stream,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const { streamId, reqId } = stream;
  if (!(await beginEnding(database, streamId))) throw new CallError('its bubble was closed', { verdict: 'closed' });
  const body = streamFrame(streamId, text, true);
  await pushing.finish(streamId, async () => {
    try {
      await post(bot, { cmd: 'aibot_respond_msg', reqId, chat: chatKey(stream), body }, signal);
    } catch (error) {
      const mayStand = stream.bubble === 'ending'; // a try before this one may have been taken
      if (mayStand && errcodeOf(error) === alreadyResponded) return;
      if (error instanceof Refused && !mayStand) await takeEndingBack(database, streamId);
      throw error;
    }
  });
  await recordShown(database, streamId);
}

/** Notes that WeCom has taken an answer; a database that is away for a while must not make it be said again. */
export function recordShown(database: Database, streamId: string): Promise<void> {
  return database.tx((tx) => noteShown(tx, streamId), { patienceMs });
}

/** Whether the last word of a bubble can still be said there, in place of a message of its own. */
export const canEndBubble = ({ state, bubble, closesInMs }: Stream) =>
  state === 'final' && bubble !== 'closed' && closesInMs > -graceMs;

/**
 * Closes the bubble of an answer that went as a message of its own, or nowhere, so that nobody sees it think for ever; but
 * not where the answer may stand. There is one try, and whatever becomes of that changes nothing of what was said.
 */
export async function closeBubble(
  { context: { database, config, logger }, pushing }: SenderNeeds,
  bot: LiveBot,
  stream: Stream,
  why: 'continued' | 'failed',
  signal: AbortSignal,
): Promise<void> {
  const { streamId, reqId, integrationId } = stream;
  const chat = chatKey(stream);
  try {
    if (stream.closesInMs < -closableMs || !(await sealBubble(database, streamId))) return;
    const said = textOf((await findIntegration(database, integrationId)) ?? { language: 'zh', texts: {} }, why, config);
    const command = { cmd: 'aibot_respond_msg', reqId, chat, body: streamFrame(streamId, said, true) };
    bot.quota.take(chat, 'answer');
    await pushing.finish(streamId, async () => void (await post(bot, command, signal)));
  } catch (error) {
    logger.warn({ integrationId, error: describeError(error) }, 'a bubble was not closed');
  }
}
