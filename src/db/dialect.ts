/**
 * Everything in which SQLite and MySQL differ for us. All other SQL is written once, in what MySQL 8, MariaDB 10.6+
 * and SQLite share: no RETURNING, no FOR UPDATE OF, no AUTO_INCREMENT, no functions of JSON or time but those here.
 */
export interface Dialect {
  name: 'sqlite' | 'mysql';
  /** SQL for the database's clock: milliseconds since 1970 as a signed integer. Every decision about time uses it. */
  now: string;
  /** Opens a transaction that may write. SQLite: IMMEDIATE, since a deferred one fails when it turns to writing. */
  begin: string;
  /** Ends a SELECT that locks its rows. SQLite needs none: a transaction there holds the only write lock. */
  forUpdate: string;
  /** The same where others may hold the rows as well, and nobody may change them. MariaDB has no FOR SHARE. */
  forShare: string;
  /** Stands after a table's name: the index to use, where another one looks better and reads more. */
  byIndex(name: string): string;
  /** `data` with the inserted bytes appended, in the update part of an upsert into index_block. */
  appendInserted: string;
  /** SELECTs that list the columns, and the indexes, of the table that is bound, as `name`. */
  columnsOf: string;
  indexesOf: string;
  /** Nothing was wrong with the statement: the same transaction may succeed when it is run again from the start. */
  isTransient(error: unknown): boolean;
  /** Others held a row or a table for too long. */
  isLockTimeout(error: unknown): boolean;
  /** A unique key already holds the value. */
  isDuplicateKey(error: unknown): boolean;
}

export const sqlite: Dialect = {
  name: 'sqlite',
  now: "cast(round(unixepoch('subsec') * 1000) as integer)",
  begin: 'begin immediate',
  forUpdate: '',
  forShare: '',
  byIndex: (name) => `indexed by ${name}`,
  appendInserted: 'cast(data || excluded.data as blob)',
  columnsOf: 'select name from pragma_table_xinfo(?)', // table_info leaves out what is computed
  indexesOf: 'select name from pragma_index_list(?)',
  isTransient: (error) => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)),
  isLockTimeout: (error) => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)),
  isDuplicateKey: (error) => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(codeOf(error)),
};

export const mysql: Dialect = {
  name: 'mysql',
  now: 'cast(floor(unix_timestamp(now(6)) * 1000) as signed)',
  begin: 'begin',
  forUpdate: ' for update',
  forShare: ' lock in share mode',
  byIndex: (name) => `force index (${name})`,
  appendInserted: 'concat(data, values(data))',
  columnsOf:
    'select column_name name from information_schema.columns where table_schema = database() and table_name = ?',
  indexesOf:
    'select index_name name from information_schema.statistics where table_schema = database() and table_name = ?',
  isTransient: (error) => transientErrnos.has(errnoOf(error)) || transientCodes.has(codeOf(error)),
  isLockTimeout: (error) => errnoOf(error) === 1205,
  isDuplicateKey: (error) => errnoOf(error) === 1062,
};

/** By number: for what is MariaDB's own, mysql2 names the code wrongly. */
const transientErrnos = new Set([
  1020, // record has changed since last read
  1040, // too many connections
  1047, // Galera: the node isn't ready
  1053, // the server is shutting down
  1180, // Galera: the cluster broke up during the commit
  1205, // lock wait timed out
  1213, // deadlock, and Galera's failed certification
  1290, // read-only: a failover is under way
  1317, // the statement was interrupted
  1927, // the connection was killed
  2006, // the server has gone away
  2013, // the connection was lost in mid-query
  3101, // Group Replication: failed certification
  4031, // the server closed an idle connection
  8002, // TiDB: a conflict with what was selected for update
  8022, // TiDB: the commit failed and can be tried again
  8028, // TiDB: the schema was changed meanwhile
  9002, // TiDB: the storage took too long
  9003, // TiDB: the storage is busy
  9005, // TiDB: a region has no leader for the moment
  9007, // TiDB: a conflict of writes
]);

const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'QUERY_TIMEOUT',
  'CONNECTION_CLOSED',
]);

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function errnoOf(error: unknown): number {
  return typeof error === 'object' && error !== null && 'errno' in error ? Number(error.errno) : 0;
}
