import { Agent, request } from 'undici';
import type { Config } from './config.ts';
import { openDatabase } from './db/database.ts';
import { pendingMigrations } from './db/migrate.ts';
import { readNow } from './db/read-now.ts';
import type { Session } from './db/session.ts';
import { describeError } from './errors.ts';
import { checkAddress } from './wecom/long-connection/check-address.ts';
import { countConnections } from './wecom/long-connection/connection-store.ts';

const dialMs = 5000;

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
    [
      'WeCom, long connections',
      async () => {
        const bots = await countDialled(database);
        if (bots === 0) return 'no bot has one';
        await checkAddress(config.WECOM_WS_URL, dialMs);
        return `${bots} bots, ${config.WECOM_WS_URL} answers`;
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

/** Bots that are to be connected; none where the schema is not there yet. */
async function countDialled(session: Session): Promise<number> {
  const counts = await countConnections(session).catch((error) => {
    if (isMissingTable(error)) return new Map<string, number>();
    throw error;
  });
  return [...counts.values()].reduce((sum, bots) => sum + bots, 0);
}

/** Nothing was ever migrated there. */
function isMissingTable(error: unknown): boolean {
  return error instanceof Error && /no such (table|column)|doesn't exist|unknown column/i.test(error.message);
}
