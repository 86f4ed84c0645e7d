/**
 * `make bench`: search and index (bench.ts), then many bots over the long connection (connections/run.ts); PART=name: only
 * this one. Brings a MySQL-compatible server along, as the tests do, for what is measured on one.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { provideMysqlServer } from '../support/mysql-server.ts';

const needsServer = process.env.BENCH_DIALECT === 'mysql';
const parts = [
  { name: 'search', file: 'bench.ts', needsServer: true },
  { name: 'connections', file: 'connections/run.ts', needsServer },
];
const asked = process.env.PART ?? '';
const chosen = parts.filter(({ name }) => asked === '' || asked.split(',').includes(name));
if (chosen.length === 0) {
  process.stderr.write(`no such part: ${asked}; there are ${parts.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const say = (line: string) => process.stderr.write(`${line}\n`);
const server = chosen.some((part) => part.needsServer) ? await provideMysqlServer(say) : undefined;
for (const { file } of chosen) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, file)], {
    stdio: 'inherit',
    env: { ...process.env, ...(server && { TEST_DATABASE_URL: server.url }) },
  });
  if (status !== 0) process.exitCode = status ?? 1;
}
await server?.stop();
