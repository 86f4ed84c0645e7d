/**
 * Serves one bot for as long as this process holds it: keeps it connected, hears what its users say, and notes how it is
 * doing. What it says goes by the dispatches of its conversations (senders.ts) and by its open bubbles (push-drafts.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { makeKeyDue } from '../../dispatch/claim-own.ts';
import { describeError } from '../../errors.ts';
import type { StatusRecorder } from '../integration/status-recorder.ts';
import { loadCredentials, requireIntegration } from '../integration/store.ts';
import { listUnfinished } from '../stream-store.ts';
import type { ConnectionTimes } from './connection.ts';
import type { DialPace } from './dial-pace.ts';
import { createEar } from './hear-callback.ts';
import { type KeepTimes, keepConnected } from './keep-connected.ts';
import { chatKey, type LiveBot } from './live-bot.ts';
import { createNotes, type Notes } from './note-states.ts';
import type { Pushing } from './push-drafts.ts';

/** The database is asked again after so long for what is needed to dial, and then ever less often. */
const firstRetryMs = 1000;
const lastRetryMs = 60_000;

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
export async function serveBot(options: ServeOptions, bot: LiveBot, signal: AbortSignal): Promise<Left> {
  const { context, recorder, pushing, pace, holderId } = options;
  const { logger, config } = context;
  const { integrationId } = bot;
  const onTrouble = (reason: string) => logger.warn({ integrationId, reason }, 'a frame had no effect');
  const ear = createEar({ context, recorder, pushing, bot, onTrouble });
  const onConnected = () => resume(options, integrationId);
  const notes = createNotes({ context, integrationId, holderId, signal, onConnected });
  const dialled = await untilLoaded(context, integrationId, notes, signal);
  if (dialled === undefined) return { settled: notes.settled() };
  await keepConnected(
    {
      ...{ ...options.times, ...dialled, url: config.WECOM_WS_URL, mayAct: options.mayAct, onTrouble },
      turn: pace.turn,
      onCallback: async (callback) => ear.hear(callback),
      onHeartbeat: () => options.onHeartbeat(integrationId),
      onState(state) {
        bot.connection = state.state === 'connected' ? state.connection : undefined;
        notes.note(state);
      },
    },
    signal,
  );
  bot.connection = undefined;
  return { settled: Promise.all([ear.settled(), notes.settled()]) };
}

/** What is needed to dial; undefined: the signal was aborted before. */
async function untilLoaded(
  { database, sealer }: Context,
  integrationId: string,
  notes: Notes,
  signal: AbortSignal,
): Promise<{ botId: string; secret: string } | undefined> {
  for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(2 * waitMs, lastRetryMs)) {
    try {
      const { botId } = await requireIntegration(database, integrationId);
      const { secret } = await loadCredentials(database, sealer, integrationId);
      return { botId, secret };
    } catch (error) {
      notes.noteTrouble(`its credentials can't be read: ${describeError(error)}`, waitMs);
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
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
