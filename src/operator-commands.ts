/** Commands that act on the database directly, whether or not a service runs on it. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Config } from './config.ts';
import { backUpSqlite } from './db/back-up.ts';
import { type Database, openDatabase } from './db/database.ts';
import { migrateSchema } from './db/migrate-schema.ts';
import { pauseScope } from './dispatch/pause-delivery.ts';
import { appidScope, globalScope, integrationScope } from './dispatch/pause-store.ts';
import { resumeScope } from './dispatch/resume-delivery.ts';

/** The options are not what the command takes. */
export class UsageError extends Error {}

/** `backup <file>`: copies SQLite's database; whoever starts on the copy delivers nothing until that is resumed. */
export async function backUp(config: Config, options: string[]): Promise<void> {
  const [file, ...more] = options;
  if (file === undefined || file.startsWith('-') || more.length > 0) throw new UsageError('backup <file>');
  if (existsSync(file)) throw new Error(`${file} exists`);
  const part = `${file}.part`;
  rmSync(part, { force: true });
  await backUpSqlite(config.DATABASE_URL, part);
  const taken = new Date().toISOString();
  await onDatabase(config, `sqlite:${part}`, (copy) =>
    pauseScope(copy, globalScope, 'wxmp-assistant backup', `a copy that was taken at ${taken}: look, then resume`),
  );
  renameSync(part, file);
  process.stdout.write(`${file}: a copy whose deliveries are paused\n`);
}

/** `pause`: see DispatchService.PauseDelivery. Before the first start on what was restored from a dump. */
export async function pause(config: Config, options: string[]): Promise<void> {
  const { scope, actor, reason } = readOptions('pause', options);
  const since = await onDatabase(config, config.DATABASE_URL, (database) => pauseScope(database, scope, actor, reason));
  process.stdout.write(`deliveries are paused (${scope}) since ${new Date(since).toISOString()}\n`);
}

/** `resume`: see DispatchService.ResumeDelivery. */
export async function resume(config: Config, options: string[]): Promise<void> {
  const { scope, actor, reason } = readOptions('resume', options);
  const was = await onDatabase(config, config.DATABASE_URL, (database) => resumeScope(database, scope, actor, reason));
  process.stdout.write(was ? `deliveries go on (${scope})\n` : `deliveries were not paused (${scope})\n`);
}

function readOptions(command: string, args: string[]) {
  const option = { type: 'string' } as const;
  const usage = new UsageError(`${command} [--appid <appid> | --integration <id>] --actor <who> --reason <why>`);
  try {
    const { values } = parseArgs({
      args,
      options: { appid: option, integration: option, actor: option, reason: option },
    });
    const { appid, integration, actor, reason } = values;
    if (!actor || !reason || appid === '' || integration === '' || (appid && integration)) throw usage;
    const scope = appid ? appidScope(appid) : integration ? integrationScope(integration) : globalScope;
    return { scope, actor, reason };
  } catch {
    throw usage;
  }
}

/** Works on a database whose schema is up to date. */
async function onDatabase<T>(config: Config, url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ url, poolSize: 2, queryTimeoutMs: config.QUERY_TIMEOUT_MS });
  try {
    const { signal } = new AbortController();
    await migrateSchema(database, url, { signal, leaseMs: config.LEASE_SECONDS * 1000 });
    return await work(database);
  } finally {
    await database.close();
  }
}
