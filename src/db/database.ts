import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { type Dialect, mysql, sqlite } from './dialect.ts';
import type { RawConnection } from './driver.ts';
import { createSession, discard, type Session, withCode } from './session.ts';
import { type Connector, onConnection, retry, runTransaction, type Tx, type TxOptions } from './tx.ts';

/** The database of the service: a session on the pool, and transactions. */
export interface Database extends Session {
  /**
   * Runs `work` in one transaction and returns what it returns. On a deadlock, lock wait, failed certification, lost
   * connection or busy SQLite file the whole of it runs again, so it must not act on anything but its `Tx`; and since
   * the commit of the attempt before may have taken effect unseen, it must find that out (unique keys, fences).
   */
  tx<T>(work: (tx: Tx) => Promise<T>, options?: TxOptions): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `sqlite:<path>` or `mysql://user:password@host:port/database` (also `mariadb://`). */
  url: string;
  /** Connections to MySQL at most. SQLite has one per process. */
  poolSize: number;
  /** How long a statement may take on MySQL. */
  queryTimeoutMs: number;
  /**
   * How long a statement waits on MySQL for others to be done with a table, in whole seconds: one that alters it, for
   * all transactions that have used it. Whoever comes after waits behind it. Default: half of `queryTimeoutMs`.
   */
  tableLockTimeoutMs?: number;
  /** Told of each error after which a statement or a transaction runs again. */
  onRetry?(error: unknown): void;
}

/** Opens the database. Nothing is read or written yet; a missing folder for SQLite's file is made. */
export function openDatabase(options: DatabaseOptions): Database {
  const dialect = options.url.startsWith('sqlite:') ? sqlite : mysql;
  const sockets = new Set<Socket>();
  const knex = dialect === sqlite ? openSqlite(options) : openMysql(options, sockets);
  const connector = createConnector(knex, dialect, options);
  const again = <T>(use: (session: Session) => Promise<T>) =>
    retry(connector, () => onConnection(connector, use), dialect.isTransient);
  return {
    dialect,
    all: (sql, bindings) => again((session) => session.all(sql, bindings)),
    run: (sql, bindings) => again((session) => session.run(sql, bindings)),
    insert: (table, rows) => again((session) => session.insert(table, rows)),
    insertOrKeep: (table, row, key) => again((session) => session.insertOrKeep(table, row, key)),
    upsert: (table, row, key, merge) => again((session) => session.upsert(table, row, key, merge)),
    tx: (work, txOptions) => runTransaction(connector, work, txOptions),
    async close() {
      await knex.destroy();
      // The driver has said farewell and waits for the server's answer: on a half-open connection, for a long time.
      for (const socket of sockets) socket.destroy();
    },
  };
}

function openSqlite({ url }: DatabaseOptions): Knex {
  const filename = url.slice('sqlite:'.length);
  if (filename !== ':memory:') mkdirSync(dirname(filename), { recursive: true });
  return knexFactory({
    client: 'better-sqlite3',
    log: quiet,
    compileSqlOnError: false, // else an error's text would hold the values, users' texts among them
    connection: { filename },
    useNullAsDefault: true,
    acquireConnectionTimeout: 30_000,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: { pragma(sql: string): unknown }, done: (error: unknown, c: unknown) => void) => {
        try {
          // WAL lasts in the file. To switch to it, or to mend what a killed process left, SQLite locks the file: wait.
          for (const pragma of ['busy_timeout = 2000', 'journal_mode = WAL', 'synchronous = FULL']) {
            connection.pragma(pragma);
          }
          // From now on no waiting: SQLite would do it synchronously and stall the event loop. tx() waits and tries again.
          for (const pragma of ['foreign_keys = OFF', 'busy_timeout = 0']) connection.pragma(pragma);
          done(undefined, connection);
        } catch (error) {
          done(error, connection);
        }
      },
    },
  });
}

/** knex writes to the console what it also throws. */
const quiet = { warn() {}, error() {}, deprecate() {}, debug() {} };

/** An idle connection is closed after half of this; one whose peer has vanished must not hold its locks for longer. */
const maxIdleSeconds = 20;

function openMysql(options: DatabaseOptions, sockets: Set<Socket>): Knex {
  const { url, poolSize, queryTimeoutMs } = options;
  const parsed = new URL(url);
  return knexFactory({
    client: 'mysql2',
    log: quiet,
    compileSqlOnError: false, // else an error's text would hold the values, users' texts among them
    // knex would ask for it, without a time-out, and keep all connections waiting for the answer.
    version: 'latest',
    connection: {
      host: parsed.hostname,
      port: parsed.port === '' ? 3306 : Number(parsed.port),
      user: decodeURIComponent(parsed.username),
      password: decodeURIComponent(parsed.password),
      database: decodeURIComponent(parsed.pathname.slice(1)),
      charset: 'utf8mb4_bin',
      connectTimeout: queryTimeoutMs,
      timezone: 'Z',
    },
    acquireConnectionTimeout: 2 * queryTimeoutMs,
    pool: {
      min: 0,
      max: poolSize,
      idleTimeoutMillis: (maxIdleSeconds * 1000) / 2,
      afterCreate: (connection: MysqlConnection, done: (error: unknown, c: unknown) => void) => {
        sockets.add(connection.stream);
        connection.stream.once('close', () => sockets.delete(connection.stream));
        setUp(connection, options, (error) => {
          if (error) discard(connection, error);
          done(error ?? undefined, connection);
        });
      },
    },
  });
}

/** READ COMMITTED: claims lock the rows that they take and no gaps between them. */
function setUp(connection: MysqlConnection, options: DatabaseOptions, done: (error: Error | null) => void): void {
  const { queryTimeoutMs: timeout, tableLockTimeoutMs = timeout / 2 } = options;
  connection.query({ sql: 'set session transaction isolation level read committed', timeout }, (error) => {
    if (error) return done(error);
    const inSeconds = (ms: number) => Math.max(1, Math.floor(ms / 1000));
    const sql = `set session time_zone = '+00:00', innodb_lock_wait_timeout = ${inSeconds(timeout / 2)},
      lock_wait_timeout = ${inSeconds(tableLockTimeoutMs)}, wait_timeout = ${maxIdleSeconds},
      sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'`;
    connection.query({ sql, timeout }, done);
  });
}

interface MysqlConnection extends RawConnection {
  stream: Socket;
  query(statement: { sql: string; timeout: number }, done: (error: Error | null) => void): void;
}

/** How tx.ts gets at connections, so that it need not know knex. */
function createConnector(knex: Knex, dialect: Dialect, { queryTimeoutMs, onRetry }: DatabaseOptions): Connector {
  return {
    dialect,
    async acquire() {
      try {
        return (await knex.client.acquireConnection()) as RawConnection;
      } catch (error) {
        throw withCode(error);
      }
    },
    release: (connection) => knex.client.releaseConnection(connection),
    session: (connection) => createSession(knex, dialect, queryTimeoutMs, connection),
    onRetry: onRetry ?? (() => {}),
  };
}
