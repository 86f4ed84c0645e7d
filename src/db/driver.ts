/**
 * The drivers themselves, on connections that knex's pool hands out. Plain SQL goes to them past knex, which takes as
 * long over a short statement as the database does.
 */
import type { Binding } from './session.ts';

/** A driver's connection as knex hands it out. */
export interface RawConnection {
  /** knex: when set, the connection isn't given out again. */
  __knex__disposed?: unknown;
  destroy?(): void;
  stream?: { destroy(): void };
  /** SQLite: the statements that it has prepared, by their text. */
  statements?: Map<string, Statement>;
}

interface Statement {
  /** It returns rows. */
  reader: boolean;
  all(bindings: readonly Binding[]): unknown[];
  run(bindings: readonly Binding[]): { changes: number };
}

interface SqliteConnection extends RawConnection {
  prepare(sql: string): Statement;
}

interface MysqlConnection extends RawConnection {
  query(
    statement: { sql: string; values: readonly Binding[] },
    done: (error: Error | null, result: unknown) => void,
  ): void;
}

/** What a statement gives: rows, or how many it has changed. */
export type Result = unknown[] | { changes: number } | { affectedRows: number };

/** So many statements are kept prepared. A long one, of many rows, would take much memory and seldom come again. */
const maxStatements = 200;
const maxKeptChars = 1500;

/** Runs a statement, synchronously. */
export function runSqlite(connection: RawConnection, sql: string, bindings: readonly Binding[]): Result {
  const statement = connection.statements?.get(sql) ?? (connection as SqliteConnection).prepare(sql);
  if (sql.length <= maxKeptChars) keep(connection, sql, statement);
  return statement.reader ? statement.all(bindings) : statement.run(bindings);
}

function keep(connection: RawConnection, sql: string, statement: Statement): void {
  connection.statements ??= new Map();
  if (connection.statements.size >= maxStatements) connection.statements.clear();
  connection.statements.set(sql, statement);
}

/** Runs a statement; one that takes longer fails with the code QUERY_TIMEOUT, and its connection is of no more use. */
export function runMysql(
  connection: RawConnection,
  sql: string,
  values: readonly Binding[],
  timeoutMs: number,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(Object.assign(new Error('the statement took too long'), { code: 'QUERY_TIMEOUT' }));
    }, timeoutMs);
    (connection as MysqlConnection).query({ sql, values }, (error, result) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(result as Result);
    });
  });
}
