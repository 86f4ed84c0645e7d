/**
 * Serves one bot for as long as this process holds it: keeps it connected, hears what its users say, and notes how it is
 * doing. What it says goes by the dispatches of its conversations (senders.ts) and by its open bubbles (push-drafts.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { makeKeyDue } from '../../dispatch/claim-own.ts';
import { describeError } from '../../errors.ts';
import type { StatusRecorder } from '../integration/status-recorder.ts';
import { addError } from '../integration/status-store.ts';
import { loadCredentials, requireIntegration } from '../integration/store.ts';
import { listUnfinished } from '../stream-store.ts';
import type { ConnectionTimes } from './connection.ts';
import { type ConnectionChange, noteConnection } from './connection-store.ts';
import type { DialPace } from './dial-pace.ts';
import { createEar } from './hear-callback.ts';
import { type ConnectionState, type KeepTimes, keepConnected } from './keep-connected.ts';
import { chatKey, type LiveBot } from './live-bot.ts';
import type { Pushing } from './push-drafts.ts';

/** The database is asked again after so long for what is needed to dial. */
const retryMs = 2000;

export interface ServeOptions {
  context: Context;
  recorder: StatusRecorder;
  pushing: Pushing;
  holderId: string;
  pace: DialPace;
  times: KeepTimes & ConnectionTimes;
  mayAct(): boolean;
  /** Told when there may be something to deliver. */
  onReady(integrationId: string): void;
  onHeartbeat(integrationId: string): void;
}

/** What is left to do of a bot that is not connected any more. */
export interface Left {
  /** Resolves when all that its users said is handled, and its last state noted. */
  settled: Promise<unknown>;
}

/** Serves a bot until the signal is aborted, and resolves when nothing more is sent for it. */
export async function serveBot(
  options: ServeOptions,
  bot: LiveBot,
  waitMs: number,
  signal: AbortSignal,
): Promise<Left> {
  const { context, recorder, pushing, pace } = options;
  const { database, sealer, logger, config } = context;
  const { integrationId } = bot;
  const ear = createEar(context, recorder, pushing, bot);
  await sleep(waitMs, undefined, { signal }).catch(() => {});
  const dialled = await untilLoaded(
    async () => ({
      botId: (await requireIntegration(database, integrationId)).botId,
      secret: (await loadCredentials(database, sealer, integrationId)).secret,
    }),
    signal,
    (error) => logger.error({ integrationId, error: describeError(error) }, 'a bot can not be dialled yet'),
  );
  if (dialled === undefined) return { settled: Promise.resolve() };
  let noted: Promise<unknown> = Promise.resolve(); // one after another, so that the last one stays
  await keepConnected(
    {
      ...{ ...options.times, ...dialled, url: config.WECOM_WS_URL, mayAct: options.mayAct },
      turn: pace.turn,
      onCallback: (callback) => ear.hear(callback),
      onHeartbeat: () => options.onHeartbeat(integrationId),
      onTrouble: (reason) => logger.warn({ integrationId, reason }, 'a frame had no effect'),
      onState(state) {
        if (state.state === 'connecting' && state.attempt > 1) return; // "waiting" says more
        bot.connection = state.state === 'connected' ? state.connection : undefined;
        logState(context, integrationId, state);
        noted = noted
          .then(() => noteState(options, integrationId, state))
          .then(() => (state.state === 'connected' ? resume(options, integrationId) : undefined))
          .catch((error) => logger.warn({ integrationId, error: describeError(error) }, 'a state was not noted'));
      },
    },
    signal,
  );
  bot.connection = undefined;
  return { settled: Promise.all([ear.settled(), noted]) };
}

async function untilLoaded<T>(
  load: () => Promise<T>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await load();
    } catch (error) {
      onError(error);
      await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}

function logState({ logger }: Context, integrationId: string, state: ConnectionState): void {
  if (state.state === 'connected') logger.info({ integrationId }, 'a bot is connected');
  if (state.state === 'waiting' || (state.state === 'stopped' && state.ending.kind !== 'closed')) {
    const { code = 0, reason } = { code: 0, ...state.ending };
    logger.warn({ integrationId, state: state.state, code, reason }, 'a bot is not connected');
  }
}

async function noteState(
  { context: { database }, holderId }: ServeOptions,
  integrationId: string,
  state: ConnectionState,
): Promise<void> {
  await noteConnection(database, { integrationId, holderId }, toChange(state));
  if (state.state !== 'waiting' && state.state !== 'stopped') return;
  const { kind, reason } = state.ending;
  if (kind === 'closed') return;
  const code = 'code' in state.ending ? state.ending.code : 0;
  await database.tx((tx) => addError(tx, integrationId, { code, what: 'connection', reason }));
}

function toChange(state: ConnectionState): ConnectionChange {
  if (state.state === 'connecting') return { state: 'connecting', reason: '', code: 0, attempts: state.attempt };
  if (state.state === 'connected') return { state: 'connected', reason: '', code: 0, attempts: 0 };
  const { ending } = state;
  const why = { reason: ending.reason, code: 'code' in ending ? ending.code : 0 };
  if (state.state === 'waiting') {
    return { state: 'waiting', ...why, attempts: state.attempt, nextAttemptInMs: state.waitMs };
  }
  return { state: ending.kind === 'closed' ? 'idle' : 'stopped', ...why, attempts: 0 };
}

/** Goes on with what waits for the connection, and with the bubbles that were open when another process held the bot. */
async function resume({ context: { database }, pushing, onReady }: ServeOptions, integrationId: string): Promise<void> {
  const streams = await listUnfinished(database, integrationId);
  pushing.resume(
    streams.map((stream) => ({
      ...{ streamId: stream.streamId, integrationId, chat: chatKey(stream), reqId: stream.reqId },
    })),
  );
  await makeKeyDue(database, integrationId);
  onReady(integrationId);
}
