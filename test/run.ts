/** `make test`: all tests, on SQLite and on a MySQL-compatible server. Arguments: files or options of `node --test`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { provideMysqlServer } from './support/mysql-server.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);
const given = process.argv.slice(2);
const files = given.some((argument) => !argument.startsWith('-')) ? [] : ['test/**/*.test.ts'];

const server = await provideMysqlServer(say);
if (server === undefined) {
  say('');
  say('*** NOT TESTED ON MYSQL: no TEST_DATABASE_URL, no mariadbd, no Docker, and not root on Debian. ***');
  say('*** Only SQLite is tested.                                                                     ***');
  say('');
  if (process.env.CI) process.exit(1);
} else say(`tests on SQLite and on ${server.origin}`);

const child = spawn(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-timeout=180000', '--test-force-exit', ...given, ...files],
  {
    stdio: 'inherit',
    env: { ...process.env, ...(server && { TEST_DATABASE_URL: server.url }) },
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const [code] = (await once(child, 'exit')) as [number | null];
await server?.stop();
process.exitCode = code ?? 1;
