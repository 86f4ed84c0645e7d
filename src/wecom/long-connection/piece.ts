/** What the senders of long connections have in common. */
import type { Agent } from 'undici';
import type { Context } from '../../context.ts';
import { type Dispatch, NotYet } from '../../dispatch/dispatch.ts';
import { CallError } from '../../errors.ts';
import type { PiecePayload } from '../response-dispatch.ts';
import type { Stream } from '../stream-store.ts';
import { chatKey, type LiveBot, type LiveBots } from './live-bot.ts';
import type { Pushing } from './push-drafts.ts';

/**
 * What waits for its bot is looked at ever less often: a bot that is connected makes all due that waits for it. While there
 * may be another way, often. In milliseconds.
 */
export const unreachableWaitMs = ({ ageMs, hasUrl }: Pick<Stream, 'ageMs' | 'hasUrl'>) =>
  Math.min(hasUrl ? 10_000 : 30_000, Math.max(5000, ageMs / 8));

/** Whether an error says that this will never be taken by this way. */
export const isFinal = (error: unknown) =>
  error instanceof CallError && (error.verdict === 'permanent' || error.verdict === 'closed');

export interface SenderNeeds {
  context: Context;
  bots: LiveBots;
  pushing: Pushing;
  agent: Agent;
}

/** Reads what a dispatch is to say. */
export function readPiece({ payload }: Dispatch): PiecePayload {
  if (payload === '') throw new CallError('what it was to say was deleted with its message', { verdict: 'permanent' });
  return JSON.parse(payload) as PiecePayload;
}

/** The bot, connected; throws a NotYet. */
export function requireLive(bots: LiveBots, { integrationId }: Dispatch, stream: Stream): LiveBot {
  const bot = bots.get(integrationId);
  if (bot?.connection === undefined) throw new NotYet(unreachableWaitMs(stream));
  return bot;
}

/** Counts a frame for a chat; throws a NotYet where WeCom would take none. */
export function takeRoom({ quota }: LiveBot, stream: Stream): void {
  const waitMs = quota.take(chatKey(stream), 'answer');
  if (waitMs > 0) throw new NotYet(waitMs);
}

/** Our own, so that an acknowledgement can only be for this; the same at each try. */
export const reqIdOf = ({ dispatchId }: Dispatch) => `send-${dispatchId}`;

/** Where a message goes: always said, since without it WeCom guesses a group. */
export const addressOf = ({ chatId, userId }: Stream) =>
  chatId === '' ? { chatid: userId, chat_type: 1 } : { chatid: chatId, chat_type: 2 };
