/**
 * The callback address of a bot. A callback is believed when it is signed with the bot's token over a ciphertext that its
 * key opens; everything else is answered with a 4xx that says nothing, and has no effect but a count. A bot that is
 * unknown, deleted, disabled or not one of callbacks is answered alike.
 */
import type { Context } from '../../context.ts';
import { readNow } from '../../db/read-now.ts';
import { describeError } from '../../errors.ts';
import { acceptMessage } from '../accept-message.ts';
import { answerEvent } from '../answer-event.ts';
import { type CallbackKeys, readAesKey, Unreadable } from '../crypto.ts';
import { NotBelieved, openCallback, openEcho, sealAnswer } from '../envelope.ts';
import { firstFrame, streamFrame } from '../frames.ts';
import { type Inbound, readInbound } from '../inbound.ts';
import type { StatusRecorder } from '../integration/status-recorder.ts';
import { addError } from '../integration/status-store.ts';
import { findIntegration, type Integration, loadCredentials, mode } from '../integration/store.ts';
import { textOf } from '../texts.ts';
import { answerPoll } from './answer-poll.ts';

export interface Callback {
  method: string;
  integrationId: string;
  query: URLSearchParams;
  body: Uint8Array;
}

/** What is answered; the body of an answer to WeCom is encrypted, or the echo. */
export interface Answer {
  status: number;
  body: string;
}

/**
 * WeCom waits for five seconds. A message that is not stored by then is asked for again; should it be stored after all,
 * its answer comes by the response_url.
 */
const acceptTimeoutMs = 3500;

export type Webhook = (callback: Callback) => Promise<Answer>;

/** Answers callbacks. */
export function createWebhook(context: Context, recorder: StatusRecorder): Webhook {
  return async (callback) => {
    const bot = await findBot(context, callback.integrationId);
    if (bot === undefined) return { status: 404, body: 'not found' };
    try {
      if (callback.method === 'GET') return { status: 200, body: openEcho(bot.keys, callback.query) };
      return await answer(context, recorder, bot, callback);
    } catch (error) {
      if (!(error instanceof NotBelieved || error instanceof Unreadable)) throw error;
      return refuse(context, recorder, callback.integrationId, error);
    }
  };
}

interface Bot {
  integration: Integration;
  keys: CallbackKeys;
}

async function findBot({ database, sealer }: Context, integrationId: string): Promise<Bot | undefined> {
  if (!/^[0-9A-Z]{26}$/.test(integrationId)) return undefined;
  const integration = await findIntegration(database, integrationId);
  if (integration === undefined || !integration.enabled || integration.mode !== mode.webhook) return undefined;
  const { token, encodingAesKey } = await loadCredentials(database, sealer, integrationId);
  return { integration, keys: { token, aesKey: readAesKey(encodingAesKey), receiveId: integration.receiveId } };
}

/** Who can't sign leaves a count behind, and no more; one who can, and sends what can't be read, is told of to operators. */
async function refuse(
  { database, logger }: Context,
  recorder: StatusRecorder,
  integrationId: string,
  error: NotBelieved | Unreadable,
): Promise<Answer> {
  logger.warn({ integrationId, error: error.message }, 'a callback was refused');
  if (error instanceof Unreadable) {
    await database.tx((tx) => addError(tx, integrationId, { code: 40002, what: 'callback', reason: error.message }));
    return { status: 400, body: 'refused' };
  }
  if (error.why === 'incomplete') return { status: 400, body: 'refused' };
  recorder.note(integrationId, 'badSignature');
  return { status: 403, body: 'refused' };
}

async function answer(
  context: Context,
  recorder: StatusRecorder,
  { integration, keys }: Bot,
  { query, body }: Callback,
): Promise<Answer> {
  const nowSeconds = (await readNow(context.database)) / 1000;
  const maxAgeSeconds = context.config.WECOM_CALLBACK_MAX_AGE_SECONDS;
  const inbound = readInbound(openCallback(keys, query, body, { nowSeconds, maxAgeSeconds }));
  recorder.note(integration.integrationId, 'callback');
  if (inbound !== undefined && !['stream', 'event'].includes(inbound.msgtype)) {
    recorder.note(integration.integrationId, 'message');
  }
  if (inbound === undefined) await noteUnknown(context, integration);
  const said = inbound && (await answerInbound(context, integration, inbound));
  if (said === undefined) return { status: 200, body: '' };
  return { status: 200, body: sealAnswer(keys, said, nowSeconds, query.get('nonce')!) };
}

/** It is WeCom's, and yet not of a form that we know: somebody may wait for an answer. */
async function noteUnknown({ database, logger }: Context, { integrationId }: Integration): Promise<void> {
  const reason = 'a callback without msgid, msgtype or sender of the forms that we know';
  logger.warn({ integrationId }, reason);
  await database.tx((tx) => addError(tx, integrationId, { code: 40001, what: 'callback', reason }));
}

/** What is said at once; undefined: nothing. */
function answerInbound(context: Context, integration: Integration, inbound: Inbound): Promise<object | undefined> {
  if (inbound.msgtype === 'stream') return answerPoll(context, integration, inbound);
  if (inbound.msgtype === 'event') return answerEvent(context, integration, inbound);
  return answerMessage(context, integration, inbound);
}

async function answerMessage(
  context: Context,
  integration: Integration,
  inbound: Inbound,
): Promise<object | undefined> {
  try {
    const first = await inTime(acceptMessage(context, integration, inbound), acceptTimeoutMs);
    if (first === undefined) return undefined;
    if ('streamId' in first) return firstFrame(first.streamId, first.text);
    return streamFrame(inbound.msgid, textOf(integration, first.said), true);
  } catch (error) {
    // Nothing was stored, and WeCom may not call again: the user is asked to.
    context.logger.error({ integrationId: integration.integrationId, error: describeError(error) }, 'not accepted');
    return streamFrame(inbound.msgid, textOf(integration, 'sendAgain'), true);
  }
}

/** What a promise comes to, unless that takes too long. What it comes to after that is nobody's concern. */
async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  promise.catch(() => {});
  return Promise.race([promise, isLate]).finally(() => clearTimeout(timer));
}
