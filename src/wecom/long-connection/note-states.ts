/** Writes down how a bot's connection is doing, for operators and for whoever has something to say by it. */
import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { addError } from '../integration/status-store.ts';
import type { Ending } from './connection.ts';
import { type ConnectionChange, noteConnection } from './connection-store.ts';
import type { ConnectionState } from './keep-connected.ts';

export interface NoteOptions {
  context: Pick<Context, 'database' | 'logger'>;
  integrationId: string;
  holderId: string;
  /** Aborted when the bot is let go of: from then on its row is somebody else's. */
  signal: AbortSignal;
  /** Called once it is written down that the bot is connected. */
  onConnected(): Promise<void>;
}

export interface Notes {
  /** Writes a state down behind those before it. What we close ourselves is not told of: giving it back is. */
  note(state: ConnectionState): void;
  /** Why nothing could be dialled yet. */
  noteTrouble(reason: string, nextAttemptInMs: number): void;
  /** Resolves when all is written. */
  settled(): Promise<unknown>;
}

export function createNotes({ context, integrationId, holderId, signal, onConnected }: NoteOptions): Notes {
  const { database, logger } = context;
  let noted: Promise<unknown> = Promise.resolve();
  let lastError = '';

  function write(change: ConnectionChange, after = async () => {}): void {
    noted = noted
      .then(async () => {
        if (signal.aborted) return;
        const isOurs = await noteConnection(database, { integrationId, holderId }, change);
        if (isOurs && !signal.aborted) await after();
      })
      .catch((error) => logger.warn({ integrationId, error: describeError(error) }, 'a state was not noted'));
  }

  /** Once, however often the same happens again: the list of errors is short. */
  async function noteError(code: number, reason: string): Promise<void> {
    if (lastError === `${code} ${reason}`) return;
    lastError = `${code} ${reason}`;
    await database.tx((tx) => addError(tx, integrationId, { code, what: 'connection', reason }));
  }

  return {
    note(state) {
      if (state.state === 'connecting') {
        if (state.attempt > 1) return; // "waiting" says more
        return write({ state: 'connecting', reason: '', code: 0, attempts: 1 });
      }
      if (state.state === 'connected') {
        logger.info({ integrationId }, 'a bot is connected');
        lastError = '';
        return write({ state: 'connected', reason: '', code: 0, attempts: 0 }, onConnected);
      }
      const { ending } = state;
      if (ending.kind === 'closed') return;
      const { reason } = ending;
      const code = codeOf(ending);
      logger.warn({ integrationId, state: state.state, code, reason }, 'a bot is not connected');
      const isWaiting = state.state === 'waiting';
      const next = isWaiting ? { attempts: state.attempt, nextAttemptInMs: state.waitMs } : { attempts: 0 };
      write({ state: state.state, reason, code, ...next }, () => noteError(code, reason));
    },
    noteTrouble(reason, nextAttemptInMs) {
      logger.error({ integrationId, reason }, 'a bot can not be dialled yet');
      write({ state: 'waiting', reason, code: 0, attempts: 0, nextAttemptInMs });
    },
    settled: () => noted,
  };
}

const codeOf = (ending: Ending) => ('code' in ending ? ending.code : 0);
