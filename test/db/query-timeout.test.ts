import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { claimDue, whileRenewing } from '../../src/db/lease.ts';
import { migrate } from '../../src/db/migrate.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const mysql = dialects.find(({ name }) => name === 'mysql');
const queryTimeoutMs = 500;
/** How much longer than its time-out something may take on a busy machine. */
const slackMs = 1500;
const once = { patienceMs: 0 };

describe('a MySQL connection that goes silent', { skip: mysql === undefined && 'there is no MySQL' }, () => {
  let fresh: TestDatabase;
  let proxy: TcpProxy;
  let direct: Database;
  let database: Database;
  before(async () => {
    fresh = await mysql!.create();
    proxy = await startTcpProxy(new URL(fresh.url));
    direct = openDatabase({ url: fresh.url, poolSize: 2, queryTimeoutMs: 10_000 });
    await migrate(direct, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
  });
  after(async () => {
    await direct.close();
    await proxy.close();
    await fresh.drop();
  });
  /** Each test has a pool of one connection, so that a lost one is felt. */
  const open = async (poolSize = 1) => {
    proxy.heal();
    await database?.close();
    database = openDatabase({ url: proxy.through(fresh.url), poolSize, queryTimeoutMs });
  };
  beforeEach(() => open());
  after(() => database.close());

  const select = () => database.tx((tx) => tx.all('select 1 one'), once);
  /** Must fail as something that may succeed later, in about the time given. */
  const failsWithin = async (limitMs: number, attempt: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await assert.rejects(attempt(), (error) => database.dialect.isTransient(error) || assert.fail(String(error)));
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < limitMs + slackMs, `failed after ${Math.round(tookMs)} ms`);
  };
  const worksAtOnce = async () => {
    const startedMs = performance.now();
    assert.deepEqual(await select(), [{ one: 1 }]);
    assert.ok(performance.now() - startedMs < slackMs, `worked after ${performance.now() - startedMs} ms`);
  };

  test('a transaction fails within the query time-out, and after healing the next one works at once', async () => {
    await worksAtOnce();
    proxy.goSilent();
    await failsWithin(queryTimeoutMs, select);
    await until('its socket is closed', () => proxy.clients() === 0, 3000);
    proxy.heal();
    await worksAtOnce();
  });

  test('on connecting, nothing is asked of the server without a time-out', async () => {
    proxy.goSilentAt('version()'); // knex asks for it unless told otherwise, and waits without end
    await worksAtOnce();
  });

  test('one that goes silent in the middle of a transaction fails within the time-out and leaves nothing', async () => {
    proxy.goSilentAt('update lane');
    const work = database.tx(async (tx) => {
      await tx.insert('lane', [{ lane_id: 'half' }]);
      await tx.run("update lane set failures = 1 where lane_id = 'half'");
    }, once);
    await failsWithin(queryTimeoutMs, () => work);
    proxy.heal();
    await worksAtOnce();
    assert.deepEqual(await direct.all("select 1 from lane where lane_id = 'half'"), []);
  });

  test('one that goes silent at the rollback fails within twice the time-out', async () => {
    proxy.goSilentAt('rollback');
    const failing = database.tx(async (tx) => {
      await tx.all('select 1');
      throw new Error('the business has failed');
    }, once);
    const startedMs = performance.now();
    await assert.rejects(failing, /business has failed/);
    assert.ok(performance.now() - startedMs < queryTimeoutMs + slackMs);
    proxy.heal();
    await worksAtOnce();
  });

  for (const at of ['', 'set session transaction', 'set session time_zone']) {
    test(`one that is silent from ${at || 'its greeting'} on does not block the pool after healing`, async () => {
      if (at === '') proxy.goSilent();
      else proxy.goSilentAt(at);
      await failsWithin(2 * queryTimeoutMs, select);
      await failsWithin(2 * queryTimeoutMs, select);
      proxy.heal();
      await worksAtOnce();
    });
  }

  test('many that wait for a connection fail in time, each as something that may succeed later', async () => {
    await open(2);
    await worksAtOnce();
    proxy.goSilent();
    await Promise.all(Array.from({ length: 10 }, () => failsWithin(3 * queryTimeoutMs, select)));
    proxy.heal();
    const rows = await Promise.all(Array.from({ length: 10 }, () => database.tx((tx) => tx.all('select 1 one'))));
    assert.deepEqual(rows, Array(10).fill([{ one: 1 }]));
  });

  test('a statement outside of a transaction goes on once the network is back', async () => {
    await worksAtOnce();
    proxy.goSilent();
    const waiting = database.all('select 2 two');
    await failsWithin(3 * queryTimeoutMs, select); // by then the statement has failed at least once
    proxy.heal();
    const startedMs = performance.now();
    assert.deepEqual(await waiting, [{ two: 2 }]);
    assert.ok(performance.now() - startedMs < 2 * queryTimeoutMs + slackMs);
  });

  test('the pool keeps no half-open socket, and closes at once while the network is silent', async () => {
    await open(3);
    await Promise.all([select(), select(), select()]);
    proxy.goSilent();
    await Promise.allSettled([select(), select(), select(), database.tx((tx) => tx.run('select 3'), once)]);
    const startedMs = performance.now();
    await database.close();
    assert.ok(performance.now() - startedMs < slackMs);
    await until('all sockets are closed', () => proxy.clients() === 0, 3000);
  });

  test('the server ends what a vanished peer has open within 20 seconds, and idle connections are closed before', async () => {
    const [row] = await database.tx((tx) => tx.all<{ seconds: number }>('select @@session.wait_timeout seconds'));
    assert.equal(row?.seconds, 20);
  });

  test('work under a lease is told before the lease is over that it can not be renewed', async () => {
    await open(3);
    await direct.run(`insert into lane (lane_id, due_at) values ('leased', ${direct.dialect.now})`);
    const leased = { table: 'lane', key: 'lane_id' } as const;
    const claimedMs = performance.now();
    const [lease] = await claimDue(database, leased, { limit: 1, leaseMs: 1500 });
    const told = whileRenewing(database, lease!, new AbortController().signal, async (signal) => {
      proxy.goSilent();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await assert.rejects(told, /lost the lease/);
    const tookMs = performance.now() - claimedMs;
    assert.ok(tookMs < 1500 + 300, `told after ${Math.round(tookMs)} ms`);
  });
});
