import { ulid } from 'ulid';
import type { Agent } from 'undici';
import type { Context } from '../context.ts';
import { NotYet, type Sender } from '../dispatch/dispatch.ts';
import { isDelivered } from '../dispatch/store.ts';
import { CallError, describeError } from '../errors.ts';
import { codeOf, createResponseCall, NotMade } from './call-response-url.ts';
import { addError } from './integration/status-store.ts';
import { type ResponsePayload, responseKey } from './response-dispatch.ts';
import { findStream, giveUrlBack, loadSealedUrl, type Stream, takeUrl } from './stream-store.ts';

/** WeCom asks for a stream about once a second: after so long without, it asks no more. */
const quietMs = 10_000;

/** Where more follows the bubble, it is looked so often whether that was fetched. */
const restEveryMs = 1000;

type Needs = Pick<Context, 'database' | 'sealer' | 'config'>;

/** Says an answer by its response_url, once nobody fetches it any more. */
export function createResponseSender(context: Needs, agent: Agent): Sender {
  const { database } = context;
  const say = createSay(context, agent);
  return async ({ payload, integrationId }, signal) => {
    const { streamId, text, hasRest } = read(payload);
    const stream = await findStream(database, streamId);
    if (stream === undefined || stream.state === 'fetched' || stream.state === 'continued') return;
    if (stream.state === 'sent') throw spentBefore();
    if (!stream.isClosed && stream.quietMs < quietMs) {
      const waitMs = quietMs - stream.quietMs + 100;
      throw new NotYet(hasRest ? Math.min(waitMs, restEveryMs) : waitMs);
    }
    await say(
      stream,
      { text, integrationId, none: 'nobody fetches it, and there is no response_url' },
      'final',
      signal,
    );
  };
}

/** Says what follows a bubble that was fetched, by the response_url. */
export function createRestSender(context: Needs, agent: Agent): Sender {
  const { database } = context;
  const say = createSay(context, agent);
  return async ({ payload, integrationId }, signal) => {
    const { streamId, text } = read(payload);
    const stream = await findStream(database, streamId);
    if (stream === undefined) return;
    if (stream.state === 'sent') {
      if (await isDelivered(database, responseKey(stream.messageId))) return; // one message said what could be said
      throw new CallError('what it follows was not delivered', { verdict: 'closed' });
    }
    if (stream.state === 'continued') throw spentBefore();
    if (stream.state !== 'fetched') {
      if (!stream.isClosed) throw new NotYet(restEveryMs);
      throw new CallError('what it follows was not delivered', { verdict: 'closed' });
    }
    await say(stream, { text, integrationId, none: 'there is no response_url any more' }, 'fetched', signal);
  };
}

/** What a failed one was to say goes with its message; its row stays, and an operator may try to send it again. */
function read(payload: string): ResponsePayload {
  if (payload === '') throw new CallError('what it was to say was deleted with its message', { verdict: 'permanent' });
  return JSON.parse(payload) as ResponsePayload;
}

/**
 * Makes the one call that a response_url takes. It is claimed before that, from the state that it is in; what became of
 * a call that was cut off is not found out by another. Only where no call left this machine is the claim given back.
 */
export function createSay({ database, sealer, config }: Needs, agent: Agent) {
  const call = createResponseCall(config.WECOM_API_HOSTS, agent);
  return async (
    { streamId }: Stream,
    { text, integrationId, none }: { text: string; integrationId: string; none: string },
    from: 'final' | 'fetched',
    signal: AbortSignal,
  ): Promise<void> => {
    const sealed = await loadSealedUrl(database, streamId);
    if (sealed === '') throw new CallError(none, { verdict: 'closed' });
    const send = call(sealer.open(sealed, `stream:${streamId}`));
    signal.throwIfAborted();
    const claim = ulid();
    if (!(await database.tx((tx) => takeUrl(tx, streamId, from, claim)))) return explain(database, streamId);
    await send(text, streamId, signal).catch(async (error: CallError) => {
      if (error instanceof NotMade) await giveUrlBack(database, streamId, from, claim);
      const reason = describeError(error);
      await database.tx((tx) => addError(tx, integrationId, { code: codeOf(error), what: 'response_url', reason }));
      throw error;
    });
  };
}

/** Who didn't get the response_url: the answer was fetched in this moment, or erased; or else it is spent. */
async function explain(database: Needs['database'], streamId: string): Promise<void> {
  const state = (await findStream(database, streamId))?.state;
  if (state === 'sent' || state === 'continued') throw spentBefore();
}

const spentBefore = () => new CallError('the response_url was used before', { verdict: 'closed' });
