import { Agent, request } from 'undici';
import type { Config } from './config.ts';
import { openDatabase } from './db/database.ts';
import { pendingMigrations } from './db/migrate.ts';
import { readNow } from './db/read-now.ts';
import { describeError } from './errors.ts';

/**
 * Checks what the service needs, a line each, and returns whether all is well. Changes nothing; SQLite's file is made
 * where there is none.
 */
export async function runDoctor(config: Config): Promise<boolean> {
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolSize: 1,
    queryTimeoutMs: config.QUERY_TIMEOUT_MS,
  });
  const checks: [string, () => Promise<string>][] = [
    ['settings', async () => 'all valid'],
    [
      'database',
      async () => {
        const before = Date.now();
        const skewMs = Math.round((await readNow(database)) - (before + Date.now()) / 2);
        return `${database.dialect.name}, its clock is ${skewMs} ms from this machine's`;
      },
    ],
    [
      'schema',
      async () => {
        const pending = await pendingMigrations(database).catch((error) => {
          if (isMissingTable(error)) return ['everything'];
          throw error;
        });
        return pending.length === 0 ? 'up to date' : `lacks ${pending.join(', ')}: the next start adds it`;
      },
    ],
    ...(config.BIZCOMM_URL ?? []).map((url): [string, () => Promise<string>] => [
      'WeChat side',
      async () => {
        const { bizcommCa: ca, BIZCOMM_TLS_SERVERNAME: servername } = config;
        const dispatcher = new Agent({ connect: { ...(ca && { ca }), ...(servername && { servername }) } });
        const signal = AbortSignal.timeout(config.BIZCOMM_TIMEOUT_MS);
        const { statusCode, body } = await request(url, { dispatcher, signal });
        await body.dump();
        await dispatcher.close();
        return `${url} answers (HTTP ${statusCode})`;
      },
    ]),
  ];
  let well = true;
  for (const [name, check] of checks) {
    try {
      process.stdout.write(`ok    ${name}: ${await check()}\n`);
    } catch (error) {
      well = false;
      process.stdout.write(`FAIL  ${name}: ${describeError(error)}\n`);
    }
  }
  await database.close();
  return well;
}

/** Nothing was ever migrated there. */
function isMissingTable(error: unknown): boolean {
  return error instanceof Error && /no such table|doesn't exist/.test(error.message);
}
