import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Dialect } from './dialect.ts';
import { type RawConnection, type Result, runMysql, runSqlite } from './driver.ts';

/** A value that a statement may be given. */
export type Binding = string | number | null | Uint8Array;

/** Where statements run: any connection of the pool, or that of a transaction. Every statement has a time-out. */
export interface Session {
  dialect: Dialect;
  /** Runs a SELECT and returns its rows. */
  all<Row>(sql: string, bindings?: readonly Binding[]): Promise<Row[]>;
  /** Runs an INSERT, UPDATE or DELETE and returns how many rows it matched. */
  run(sql: string, bindings?: readonly Binding[]): Promise<number>;
  /** Inserts rows, all with the same columns. A duplicate key is an error (see `Dialect.isDuplicateKey`). */
  insert(table: string, rows: readonly Record<string, Binding>[]): Promise<void>;
  /** Inserts a row unless its key is taken, and changes nothing then. */
  insertOrKeep(table: string, row: Record<string, Binding>, key: readonly string[]): Promise<void>;
  /** Inserts a row, or sets the columns `merge` of the one that has its key. */
  upsert(table: string, row: Record<string, Binding>, key: readonly string[], merge: readonly string[]): Promise<void>;
}

/**
 * A session on a connection. A statement that exceeds `timeoutMs` fails and its connection is thrown away: a half-open
 * one would keep it waiting without limit.
 */
export function createSession(knex: Knex, dialect: Dialect, timeoutMs: number, connection: RawConnection): Session {
  /** A connection that is closed, or still at work on what was given up, is thrown away. */
  const orDiscard = (error: unknown): unknown => {
    const coded = withCode(error);
    const { code } = coded as { code?: unknown };
    if (code === 'QUERY_TIMEOUT' || code === 'CONNECTION_CLOSED') discard(connection, coded);
    return coded;
  };
  const execute = async <T>(statement: Knex.QueryBuilder): Promise<T> => {
    const bound = statement.connection(connection);
    if (dialect.name === 'sqlite') {
      // Runs synchronously: no timer could end it, and no timer or socket would have its turn between statements.
      await nextTurn();
      return (await bound) as T;
    }
    try {
      return (await bound.timeout(timeoutMs)) as T;
    } catch (error) {
      throw orDiscard(error);
    }
  };
  const send = async (sql: string, bindings: readonly Binding[]): Promise<Result> => {
    if (dialect.name === 'sqlite') {
      await nextTurn();
      return runSqlite(connection, sql, bindings);
    }
    try {
      return await runMysql(connection, sql, bindings, timeoutMs);
    } catch (error) {
      throw orDiscard(error);
    }
  };
  const session: Session = {
    dialect,
    all: async <Row>(sql: string, bindings: readonly Binding[] = []) => (await send(sql, bindings)) as Row[],
    async run(sql, bindings = []) {
      const result = await send(sql, bindings);
      return 'changes' in result ? result.changes : 'affectedRows' in result ? result.affectedRows : 0;
    },
    async insert(table, rows) {
      if (rows.length > 0) await execute(knex(table).insert([...rows]));
    },
    async insertOrKeep(table, row, key) {
      // Not INSERT IGNORE: MySQL would turn errors such as a text that is too long into warnings.
      await execute(
        knex(table)
          .insert(row)
          .onConflict([...key])
          .merge(key.slice(0, 1)),
      );
    },
    async upsert(table, row, key, merge) {
      await execute(
        knex(table)
          .insert(row)
          .onConflict([...key])
          .merge([...merge]),
      );
    },
  };
  return session;
}

/** Throws a connection away. Its socket, too: on a half-open one a farewell would wait for an answer. */
export function discard(connection: RawConnection, reason: unknown): void {
  connection.__knex__disposed = reason;
  connection.destroy?.();
  connection.stream?.destroy();
}

/** Gives knex's time-outs, of a statement or of waiting for a connection, and a closed connection a code. */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code =
    error.name === 'KnexTimeoutError'
      ? 'QUERY_TIMEOUT'
      : /in closed state/.test(error.message)
        ? 'CONNECTION_CLOSED'
        : undefined;
  return code === undefined ? error : Object.assign(new Error(error.message, { cause: error }), { code });
}
