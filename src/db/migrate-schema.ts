import { type Database, openDatabase } from './database.ts';
import { type MigrateOptions, migrate } from './migrate.ts';

/** An index on a table of many millions of rows takes minutes. */
const statementTimeoutMs = 60 * 60 * 1000;

/**
 * What alters a table waits for the transactions that have used it, and everybody else behind it. So it gives up after
 * this long, lets the others through, and is tried again.
 */
const tableLockTimeoutMs = 1000;

/**
 * Brings the schema of a database up to date; on MySQL over connections of its own, whose statements may take long.
 * Returns the steps that it ran.
 */
export async function migrateSchema(database: Database, url: string, options: MigrateOptions): Promise<string[]> {
  if (database.dialect.name === 'sqlite') return migrate(database, options);
  const patient = openDatabase({ url, poolSize: 2, queryTimeoutMs: statementTimeoutMs, tableLockTimeoutMs });
  try {
    return await migrate(patient, options);
  } finally {
    await patient.close();
  }
}
