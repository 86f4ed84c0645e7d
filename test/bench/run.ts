/** `make bench`: see bench.ts. Brings a MySQL-compatible server along, as the tests do. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { provideMysqlServer } from '../support/mysql-server.ts';

const server = await provideMysqlServer((line) => process.stderr.write(`${line}\n`));
const { status } = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, 'bench.ts')], {
  stdio: 'inherit',
  env: { ...process.env, ...(server && { TEST_DATABASE_URL: server.url }) },
});
await server?.stop();
process.exitCode = status ?? 1;
