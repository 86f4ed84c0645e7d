/** The response_url of a question that came over a long connection: the last resort. It takes one call, within an hour. */
import type { Agent } from 'undici';
import type { Context } from '../../context.ts';
import { type Dispatch, NotYet } from '../../dispatch/dispatch.ts';
import { isDelivered } from '../../dispatch/store.ts';
import { CallError } from '../../errors.ts';
import { isRefusal } from '../call-response-url.ts';
import { pieceKey } from '../response-dispatch.ts';
import { createSay } from '../response-url.ts';
import { forgetUrl, type Stream } from '../stream-store.ts';
import { loadReach } from './connection-store.ts';
import { readPiece, unreachableWaitMs } from './piece.ts';

/** WeCom's own hour, and time enough to make the call. */
const urlMs = 55 * 60_000;

/** A bot that could not be connected so often, which takes half a minute, is given up for what has a response_url. */
const givenUpFailures = 6;

/** Whether a call may be made. */
export const canUseUrl = ({ hasUrl, ageMs, state }: Stream) =>
  hasUrl && ageMs < urlMs && (state === 'final' || state === 'fetched');

/**
 * Makes a function that says an answer by its response_url, in place of all of its pieces. A refusal is none of the answer:
 * where the bot is away it waits for that.
 */
export function createSayByUrl(context: Context, agent: Agent) {
  const say = createSay(context, agent);
  return async (dispatch: Dispatch, stream: Stream, signal: AbortSignal): Promise<void> => {
    const { text, alone = text } = readPiece(dispatch);
    const { integrationId } = dispatch;
    const from = stream.state === 'final' ? 'final' : 'fetched';
    try {
      await say(stream, { text: alone, integrationId, none: 'there is no response_url' }, from, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await forgetUrl(context.database, stream.streamId, from);
      throw new NotYet(unreachableWaitMs(stream));
    }
  };
}

/**
 * Whether a bot is not to be waited for any longer. That nobody holds it says nothing: after an outage of all processes that
 * is so of every bot. Throws where nothing is left to say it by.
 */
export async function isGivenUp({ database }: Context, { integrationId }: Dispatch, stream: Stream): Promise<boolean> {
  const reach = await loadReach(database, integrationId);
  if (canUseUrl(stream)) return !reach.isWanted || reach.failures >= givenUpFailures;
  if (reach.isDeleted) throw new CallError('its bot was deleted, and there is no response_url', { verdict: 'closed' });
  return false;
}

/** Whether the response_url has said all that could be said. Throws where it was to, and nobody knows whether it has. */
export async function isSaidByUrl({ database }: Context, { state, messageId }: Stream): Promise<boolean> {
  if (state !== 'sent') return false;
  if (await isDelivered(database, pieceKey(messageId, '1'))) return true;
  throw new CallError('it went by the response_url, and nobody knows if it arrived', { verdict: 'closed' });
}
