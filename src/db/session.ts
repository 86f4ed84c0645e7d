import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Dialect } from './dialect.ts';

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
  const execute = async <T>(statement: Knex.Raw | Knex.QueryBuilder): Promise<T> => {
    const bound = statement.connection(connection);
    if (dialect.name === 'sqlite') {
      // Runs synchronously: no timer could end it, and no timer or socket would have its turn between statements.
      await nextTurn();
      return (await bound) as T;
    }
    try {
      return (await bound.timeout(timeoutMs)) as T;
    } catch (error) {
      const coded = withCode(error);
      if (coded !== error) discard(connection, coded);
      throw coded;
    }
  };
  const session: Session = {
    dialect,
    async all<Row>(sql: string, bindings: readonly Binding[] = []) {
      const result = await execute<unknown>(knex.raw(sql, [...bindings] as Knex.RawBinding[]));
      return (dialect.name === 'sqlite' ? result : (result as [unknown])[0]) as Row[];
    },
    async run(sql, bindings = []) {
      const result = await execute<unknown>(knex.raw(sql, [...bindings] as Knex.RawBinding[]));
      return dialect.name === 'sqlite'
        ? (result as { changes: number }).changes
        : (result as [{ affectedRows: number }])[0].affectedRows;
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

/** A driver's connection as knex hands it out. */
export interface RawConnection {
  /** knex: when set, the connection isn't given out again. */
  __knex__disposed?: unknown;
  destroy?(): void;
  stream?: { destroy(): void };
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
