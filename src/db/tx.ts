import { setTimeout as sleep } from 'node:timers/promises';
import type { Dialect } from './dialect.ts';
import type { RawConnection } from './driver.ts';
import { discard, type Session } from './session.ts';

/** The session of a transaction. */
export interface Tx extends Session {
  /** Runs `action` once, right after the commit took effect; never after a rollback. For wake-ups. */
  afterCommit(action: () => void): void;
}

/** How long the record of what was tried waits for a database that is away. It is fenced: a late one does no harm. */
export const recordPatienceMs = 5 * 60 * 1000;

export interface TxOptions {
  /** Once it is aborted, one more attempt is begun at most: what happened is to be recorded if that can be done at once. */
  signal?: AbortSignal | undefined;
  /** No further attempt is begun after this long. */
  patienceMs?: number;
}

/** The pool of connections. */
export interface Connector {
  dialect: Dialect;
  acquire(): Promise<RawConnection>;
  release(connection: RawConnection): Promise<void>;
  session(connection: RawConnection): Session;
  /** Told of each error after which something runs again. */
  onRetry(error: unknown): void;
}

/** See `Database.tx`. A duplicate key also runs the transaction again, once: the next look finds the other's row. */
export async function runTransaction<T>(
  connector: Connector,
  work: (tx: Tx) => Promise<T>,
  options: TxOptions = {},
): Promise<T> {
  const { dialect } = connector;
  let duplicates = 0;
  const mayRetry = (error: unknown) =>
    dialect.isTransient(error) || (dialect.isDuplicateKey(error) && duplicates++ === 0);
  return retry(connector, () => attemptOnce(connector, work), mayRetry, options);
}

/** Runs `attempt` again, after a short random wait, as long as `mayRetry` says so of its error. */
export async function retry<T>(
  { onRetry }: Pick<Connector, 'onRetry'>,
  attempt: () => Promise<T>,
  mayRetry: (error: unknown) => boolean,
  { signal, patienceMs = 15_000 }: TxOptions = {},
): Promise<T> {
  const startedMs = performance.now();
  for (let attempts = 1; ; attempts++) {
    const isLast = signal?.aborted === true;
    try {
      return await attempt();
    } catch (error) {
      if (isLast || !mayRetry(error) || performance.now() - startedMs > patienceMs) throw error;
      onRetry(error);
      const waitMs = Math.random() * Math.min(250, 5 * 2 ** attempts);
      await sleep(waitMs, undefined, signal && { signal }).catch(() => {}); // an abort ends the wait
    }
  }
}

/** Runs `use` on a connection of the pool. */
export async function onConnection<T>(
  connector: Connector,
  use: (session: Session, connection: RawConnection) => Promise<T>,
): Promise<T> {
  const connection = await connector.acquire();
  try {
    return await use(connector.session(connection), connection);
  } finally {
    await connector.release(connection);
  }
}

async function attemptOnce<T>(connector: Connector, work: (tx: Tx) => Promise<T>): Promise<T> {
  const committed: (() => void)[] = [];
  const result = await onConnection(connector, async (session, connection) => {
    await session.run(connector.dialect.begin);
    try {
      const done = await work({ ...session, afterCommit: (action) => committed.push(action) });
      await session.run('commit');
      return done;
    } catch (error) {
      await rollBack(session, connection);
      throw error;
    }
  });
  for (const action of committed) action();
  return result;
}

/** A connection that can't even roll back is thrown away; the server rolls back what it had open. */
async function rollBack(session: Session, connection: RawConnection): Promise<void> {
  if (connection.__knex__disposed) return;
  try {
    await session.run('rollback');
  } catch (error) {
    discard(connection, error);
  }
}
