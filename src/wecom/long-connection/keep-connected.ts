/**
 * Keeps a bot connected for as long as it is asked to. What ends a connection is tried again for ever, after a time that
 * grows and is partly chance; but refused credentials end it at once, and so does somebody else who takes the bot again
 * after it was taken back: two that both come back at once would kick each other for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, type ConnectionOptions, type Ending, openConnection } from './connection.ts';

export interface KeepTimes {
  /** The first wait; each doubles, up to `maxWaitMs`. */
  baseWaitMs: number;
  maxWaitMs: number;
  /** A connection that has lived for so long begins the waits anew. */
  settledMs: number;
  /** After the bot was taken by somebody else, at least. */
  coolDownMs: number;
  /** Taken twice within so long: it is somebody's on purpose. */
  contestMs: number;
}

export const usualWaits: KeepTimes = {
  ...{ baseWaitMs: 1000, maxWaitMs: 60_000, settledMs: 30_000 },
  ...{ coolDownMs: 60_000, contestMs: 10 * 60_000 },
};

export interface KeepOptions extends ConnectionOptions, KeepTimes {
  /** Waits for its turn to dial; absent: it is always its turn. */
  turn?(signal: AbortSignal): Promise<void>;
  /** Told of what happens. */
  onState(state: ConnectionState): void;
  clock?: Clock;
}

/** What tells how long a connection has lived, and waits between two; tests have another than the usual one. */
export interface Clock {
  /** In milliseconds, from any moment on; never goes back. */
  now(): number;
  /** Resolves when the time is over or the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const usualClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

export type ConnectionState =
  | { state: 'connecting'; attempt: number }
  | { state: 'connected'; connection: Connection }
  | { state: 'waiting'; ending: Ending; waitMs: number; attempt: number }
  | { state: 'stopped'; ending: Ending };

/** Resolves with why it has given up, or with 'closed' when the signal ended it. */
export async function keepConnected(options: KeepOptions, signal: AbortSignal): Promise<Ending> {
  const { clock = usualClock } = options;
  let attempt = 0;
  let takenMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    await options.turn?.(signal);
    if (signal.aborted) break;
    options.onState({ state: 'connecting', attempt: ++attempt });
    const { ending, livedMs } = await connectOnce(options, clock, signal);
    if (ending.kind === 'closed' || signal.aborted) break;
    const isContested = ending.kind === 'taken' && clock.now() - takenMs < options.contestMs;
    if (ending.kind === 'refused' || isContested) {
      options.onState({ state: 'stopped', ending });
      return ending;
    }
    if (ending.kind === 'taken') takenMs = clock.now();
    if (livedMs >= options.settledMs) attempt = 0;
    const waitMs = waitAfter(ending, attempt, options);
    options.onState({ state: 'waiting', ending, waitMs, attempt });
    await clock.sleep(waitMs, signal);
  }
  const ending: Ending = { kind: 'closed', reason: 'it is to be closed' };
  options.onState({ state: 'stopped', ending });
  return ending;
}

async function connectOnce(
  options: KeepOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ ending: Ending; livedMs: number }> {
  const connection = openConnection(options);
  const close = () => connection.close('it is to be closed');
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  let readyMs = Number.POSITIVE_INFINITY;
  connection.ready.then(
    () => {
      readyMs = clock.now();
      options.onState({ state: 'connected', connection });
    },
    () => {}, // it has ended
  );
  const ending = await connection.ended;
  signal.removeEventListener('abort', close);
  return { ending, livedMs: clock.now() - readyMs };
}

/** Half of a wait is certain, half is chance, so that many bots do not come back in one instant. */
function waitAfter(ending: Ending, attempt: number, { baseWaitMs, maxWaitMs, coolDownMs }: KeepTimes): number {
  const mostMs =
    ending.kind === 'taken' ? 2 * coolDownMs : Math.min(maxWaitMs, baseWaitMs * 2 ** Math.max(0, attempt - 1));
  return mostMs / 2 + Math.random() * (mostMs / 2);
}
