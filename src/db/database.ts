import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { type Dialect, mysql, sqlite } from './dialect.ts';
import { createSession, type RawConnection, type Session } from './session.ts';
import { retry, runTransaction, type Tx, type TxOptions } from './tx.ts';

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
}

/** Opens the database. Nothing is read or written yet; a missing folder for SQLite's file is made. */
export function openDatabase(options: DatabaseOptions): Database {
  const dialect = options.url.startsWith('sqlite:') ? sqlite : mysql;
  const knex = dialect === sqlite ? openSqlite(options) : openMysql(options);
  const session = createSession(knex, dialect, options.queryTimeoutMs);
  const again = <T>(statement: () => Promise<T>) => retry(statement, dialect.isTransient);
  return {
    dialect,
    all: (sql, bindings) => again(() => session.all(sql, bindings)),
    run: (sql, bindings) => again(() => session.run(sql, bindings)),
    insert: (table, rows) => again(() => session.insert(table, rows)),
    insertOrKeep: (table, row, key) => again(() => session.insertOrKeep(table, row, key)),
    upsert: (table, row, key, merge) => again(() => session.upsert(table, row, key, merge)),
    tx: (work, txOptions) => runTransaction(connector(knex, dialect, options.queryTimeoutMs), work, txOptions),
    close: () => knex.destroy(),
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

function openMysql({ url, poolSize, queryTimeoutMs }: DatabaseOptions): Knex {
  const parsed = new URL(url);
  return knexFactory({
    client: 'mysql2',
    log: quiet,
    compileSqlOnError: false, // else an error's text would hold the values, users' texts among them
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
      // READ COMMITTED: claims lock the rows that they take and no gaps between them.
      afterCreate: (connection: MysqlConnection, done: (error: unknown, c: unknown) => void) => {
        connection.query('set session transaction isolation level read committed', (error) => {
          if (error) return done(error, connection);
          const lockWaitSeconds = Math.max(1, Math.floor(queryTimeoutMs / 2000));
          connection.query(
            `set session time_zone = '+00:00', innodb_lock_wait_timeout = ${lockWaitSeconds},
             sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'`,
            (failure) => done(failure ?? undefined, connection),
          );
        });
      },
    },
  });
}

interface MysqlConnection {
  query(sql: string, done: (error: Error | null) => void): void;
}

/** How tx.ts gets at connections, so that it need not know knex. */
function connector(knex: Knex, dialect: Dialect, queryTimeoutMs: number) {
  return {
    dialect,
    acquire: () => knex.client.acquireConnection() as Promise<RawConnection>,
    release: (connection: RawConnection) => knex.client.releaseConnection(connection) as Promise<void>,
    session: (connection: RawConnection) => createSession(knex, dialect, queryTimeoutMs, connection),
  };
}
