import type { Session } from './session.ts';

/** A table, in types that MySQL and SQLite both take. */
export interface Table {
  name: string;
  /** Column definitions: varchar(n), bigint, int, longtext, mediumblob. */
  columns: string[];
  primaryKey: string[];
  /** Unique keys by name. */
  unique?: Record<string, string[]>;
  /** Other indexes by name. */
  index?: Record<string, string[]>;
  /** SQLite: stored in the order of the primary key, as MySQL always does. For small rows. */
  clustered?: true;
}

/**
 * Creates a table unless it exists, in one statement on MySQL, where each statement of a schema commits by itself: a
 * process that is killed leaves either the table with its indexes or nothing. Text compares byte by byte.
 */
export async function createTable(session: Session, table: Table): Promise<void> {
  const unique = Object.entries(table.unique ?? {});
  const index = Object.entries(table.index ?? {});
  const isMysql = session.dialect.name === 'mysql';
  const parts = [
    ...table.columns,
    `primary key (${table.primaryKey.join(', ')})`,
    ...(isMysql ? unique.map(([name, columns]) => `unique key ${name} (${columns.join(', ')})`) : []),
    ...(isMysql ? index.map(([name, columns]) => `key ${name} (${columns.join(', ')})`) : []),
  ];
  const options = isMysql
    ? 'engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin'
    : table.clustered
      ? 'without rowid'
      : '';
  await session.run(`create table if not exists ${table.name} (${parts.join(', ')}) ${options}`);
  if (isMysql) return;
  for (const [name, columns] of unique) {
    await session.run(`create unique index if not exists ${name} on ${table.name} (${columns.join(', ')})`);
  }
  for (const [name, columns] of index) {
    await session.run(`create index if not exists ${name} on ${table.name} (${columns.join(', ')})`);
  }
}

/** Adds the columns that a table has not got yet. On MySQL 8 and MariaDB that costs the same however long the table. */
export async function addColumns(session: Session, table: string, columns: readonly string[]): Promise<void> {
  const present = await namesOf(session, session.dialect.columnsOf, table);
  for (const column of columns) {
    const name = column.slice(0, column.indexOf(' '));
    if (present.has(name)) continue;
    const add = session.run(`alter table ${table} add column ${column}`);
    await unlessThere(add, session, session.dialect.columnsOf, table, name);
  }
}

/** Adds an index unless it is there. */
export async function addIndex(
  session: Session,
  table: string,
  name: string,
  columns: readonly string[],
): Promise<void> {
  const present = await namesOf(session, session.dialect.indexesOf, table);
  if (present.has(name)) return;
  const add = session.run(`create index ${name} on ${table} (${columns.join(', ')})`);
  await unlessThere(add, session, session.dialect.indexesOf, table, name);
}

/** A connection that breaks off makes the statement be sent again, and the first one may have taken effect. */
async function unlessThere(
  add: Promise<unknown>,
  session: Session,
  sql: string,
  table: string,
  name: string,
): Promise<void> {
  try {
    await add;
  } catch (error) {
    if (!(await namesOf(session, sql, table)).has(name)) throw error;
  }
}

async function namesOf(session: Session, sql: string, table: string): Promise<Set<string>> {
  const rows = await session.all<{ name: string }>(sql, [table]);
  return new Set(rows.map(({ name }) => name));
}
