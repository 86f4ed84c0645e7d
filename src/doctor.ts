import type { Config } from './config.ts';
import { openDatabase } from './db/database.ts';
import { pendingMigrations } from './db/migrate.ts';
import { describeError } from './errors.ts';

/** Checks what the service needs, a line each, and returns whether all is well. Changes nothing. */
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
        const [row] = await database.all<{ now: number }>(`select ${database.dialect.now} now`);
        const skewMs = Math.round(Number(row!.now) - (before + Date.now()) / 2);
        return `${database.dialect.name}, its clock is ${skewMs} ms from this machine's`;
      },
    ],
    [
      'schema',
      async () => {
        const pending = await pendingMigrations(database);
        return pending.length === 0 ? 'up to date' : `lacks ${pending.join(', ')}: the next start adds it`;
      },
    ],
    ...(config.BIZCOMM_URL ?? []).map((url): [string, () => Promise<string>] => [
      'WeChat side',
      async () => {
        const { status } = await fetch(url, { signal: AbortSignal.timeout(config.BIZCOMM_TIMEOUT_MS) });
        return `${url} answers (HTTP ${status})`;
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
