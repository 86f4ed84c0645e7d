import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { startApp } from '../../src/app.ts';
import { toConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { dialects } from '../support/databases.ts';
import { createGrpc } from '../support/grpc.ts';
import { testEnv } from '../support/service.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const serving = 1;
const notServing = 2;

/** A service on a database, and what balancers see of it: over gRPC and at /readyz. */
async function serveOn(url: string) {
  const config = toConfig({ ...testEnv(url, undefined), QUERY_TIMEOUT_MS: '1000' });
  const app = await startApp({ config, logger: createLogger('silent') });
  const grpc = createGrpc(app.url);
  const look = async () => {
    const { status } = await grpc.call(Health.method.check, { service: '' });
    const page = await fetch(`${app.url}/readyz`, { signal: AbortSignal.timeout(60_000) });
    return [status, page.status] as const;
  };
  const become = (status: number, page: number) =>
    until(`health is ${status} and /readyz ${page}`, async () => {
      const seen = await look();
      return seen[0] === status && seen[1] === page;
    });
  const stop = async () => {
    grpc.close();
    await app.stop();
  };
  return { app, become, look, stop };
}

for (const { name: dialect, create } of dialects) {
  describe(`readiness on ${dialect}`, () => {
    test('a schema that lacks a step is told by the health and by /readyz, and so is its completion', async () => {
      const { url, drop } = await create();
      const service = await serveOn(url);
      const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 10_000 });
      assert.deepEqual(await service.look(), [serving, 200]);
      await database.run("update schema_migration set name = 'x' where name = '20261121-base'");
      await service.become(notServing, 503);
      await database.run("update schema_migration set name = '20261121-base' where name = 'x'");
      await service.become(serving, 200);
      await database.close();
      await service.stop();
      await drop();
    });
  });
}

const mysql = dialects.find(({ name }) => name === 'mysql');

test('a database that goes silent is told by the health and by /readyz, and so is its return', {
  skip: mysql === undefined && 'there is no MySQL',
}, async () => {
  const { url, drop } = await mysql!.create();
  const proxy = await startTcpProxy(new URL(url));
  const service = await serveOn(proxy.through(url));
  await service.become(serving, 200);
  proxy.goSilent();
  await service.become(notServing, 503);
  const alive = await fetch(`${service.app.url}/healthz`, { signal: AbortSignal.timeout(10_000) });
  assert.equal(alive.status, 200, 'the process is well: to restart it would not help');
  proxy.heal();
  await service.become(serving, 200);
  await service.stop();
  await proxy.close();
  await drop();
});
