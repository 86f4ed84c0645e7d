/**
 * Migrations run under our own lease, since knex's migrator fails when several processes start at once and stays
 * locked after a kill. Whoever starts waits until the schema is up to date: it takes the lease and migrates, or waits
 * for the one who does; when that one dies, its lease runs out and the next takes over where it stopped.
 *
 * A step may have been run before without having been recorded, so each can be run again. A schema change commits by
 * itself on MySQL; nothing here relies on a transaction.
 *
 * Expand now, contract a release later: the previous binary must run on the new schema.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import { claimDue, releaseLease, whileRenewing } from './lease.ts';
import { migrations } from './migrations/index.ts';
import { createTable } from './schema.ts';
import type { Session } from './session.ts';

/** A step of the schema's history. */
export interface Migration {
  /** Its time and what it does: the order of the names is the order of the steps. */
  name: string;
  /** Runs the step; must succeed when it ran before, wholly or in part. */
  run(session: Session): Promise<void>;
}

export interface MigrateOptions {
  signal: AbortSignal;
  /** How long the lease of a process that died in mid-migration keeps the others waiting. */
  leaseMs: number;
  /** Called after each step that was run; tests kill the process here. */
  onStep?: (name: string) => void;
  /** Called each time that a step could not be run for a while, since others use its tables. It is tried again. */
  onWait?: (name: string) => void;
  steps?: readonly Migration[];
}

/** Brings the schema up to date, and returns the names of the steps that this process ran. */
export async function migrate(database: Database, options: MigrateOptions): Promise<string[]> {
  const { signal, leaseMs, steps = migrations } = options;
  await createTable(database, leaseTable);
  await createTable(database, migrationTable);
  await database.insertOrKeep('lease', { name: 'migrations', due_at: 0 }, ['name']);
  for (;;) {
    signal.throwIfAborted();
    if ((await pending(database, steps)).length === 0) return [];
    const [lease] = await claimDue(
      database,
      { table: 'lease', key: 'name' },
      {
        limit: 1,
        leaseMs,
        where: { sql: 'name = ?', bindings: ['migrations'] },
      },
    );
    if (lease === undefined) {
      await sleep(50 + Math.random() * 100, undefined, { signal });
      continue;
    }
    try {
      return await whileRenewing(database, lease, signal, (held) => runPending(database, steps, options, held));
    } finally {
      await releaseLease(database, lease, 0);
    }
  }
}

/** Names of the steps that the database has not had. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  return (await pending(database, migrations)).map(({ name }) => name);
}

async function runPending(
  database: Database,
  steps: readonly Migration[],
  { onStep, onWait }: MigrateOptions,
  held: AbortSignal,
): Promise<string[]> {
  const ran: string[] = [];
  for (const step of await pending(database, steps)) {
    while (!(await ranFree(database, step, held))) onWait?.(step.name);
    const row = { name: step.name };
    await database.insertOrKeep('schema_migration', row, ['name']);
    ran.push(step.name);
    onStep?.(step.name);
  }
  return ran;
}

/** How long a step waits that was held up by others: no shorter than they had to wait behind it. */
const pauseMs = 1000;

/** Runs a step; false: others have held its tables for too long, and have had a while of their own since. */
async function ranFree(database: Database, step: Migration, held: AbortSignal): Promise<boolean> {
  held.throwIfAborted();
  try {
    await step.run(database);
    return true;
  } catch (error) {
    if (!database.dialect.isLockTimeout(error)) throw error;
    await sleep(pauseMs, undefined, { signal: held });
    return false;
  }
}

async function pending(database: Database, steps: readonly Migration[]): Promise<Migration[]> {
  const rows = await database.all<{ name: string }>('select name from schema_migration');
  const done = new Set(rows.map(({ name }) => name));
  return steps.filter(({ name }) => !done.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const leaseTable = {
  name: 'lease',
  columns: ['name varchar(128) not null', 'due_at bigint null', 'lease_token varchar(36) null'],
  primaryKey: ['name'],
  index: { lease_by_token: ['lease_token'] },
};

const migrationTable = { name: 'schema_migration', columns: ['name varchar(128) not null'], primaryKey: ['name'] };
