import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { createGate } from '../support/accounts.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { listDispatches, newDispatch } from '../support/dispatching.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const mysql = dialects.find(({ name }) => name === 'mysql');

describe('a MySQL transaction that is broken off', { skip: mysql === undefined && 'there is no MySQL' }, () => {
  let fresh: TestDatabase;
  let proxy: TcpProxy;
  let database: Database;
  let other: Database;
  before(async () => {
    fresh = await mysql!.create();
    proxy = await startTcpProxy(new URL(fresh.url));
    database = openDatabase({ url: proxy.through(fresh.url), poolSize: 4, queryTimeoutMs: 2000 });
    other = openDatabase({ url: fresh.url, poolSize: 4, queryTimeoutMs: 20_000 });
    await migrate(other, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
  });
  after(async () => {
    await database.close();
    await other.close();
    await proxy.close();
    await fresh.drop();
  });
  beforeEach(async () => {
    proxy.cut = undefined;
    await other.run('delete from lane');
    await other.run('delete from dispatch');
    await other.insert('lane', [{ lane_id: 'a' }, { lane_id: 'b' }]);
  });

  const countUp = (session: Pick<Database, 'run'>, lane: string) =>
    session.run('update lane set failures = failures + 1 where lane_id = ?', [lane]);
  /** Waits until a connection is in the middle of a statement that takes long. */
  const isAsleep = (id: number) =>
    until('the statement runs', async () => {
      const list = 'select 1 from information_schema.processlist where id = ? and info like ?';
      return (await other.all(list, [id, 'select sleep%'])).length === 1;
    });
  const counts = () => other.all<{ failures: number }>('select failures from lane order by lane_id');

  test('by a deadlock is run again as a whole: both take effect once', async () => {
    const gates = [createGate(), createGate()] as const;
    let attempts = 0;
    let told = 0;
    const cross = (mine: 0 | 1, first: string, second: string) =>
      database.tx(async (tx) => {
        attempts++;
        tx.afterCommit(() => told++);
        await countUp(tx, first);
        gates[mine].open();
        await gates[1 - mine]!.opened; // open from the first time on
        await countUp(tx, second);
        return `${first}${second}`;
      });
    assert.deepEqual(await Promise.all([cross(0, 'a', 'b'), cross(1, 'b', 'a')]), ['ab', 'ba']);
    assert.deepEqual(await counts(), [{ failures: 2 }, { failures: 2 }]);
    assert.equal(attempts, 3, 'one of them was run twice');
    assert.equal(told, 2, 'what follows a commit follows once');
  });

  test('by waiting too long for a lock is run again until the lock is free', async () => {
    const holds = createGate();
    const release = createGate();
    const holder = other.tx(async (tx) => {
      await countUp(tx, 'a');
      holds.open();
      await release.opened;
    });
    await holds.opened;
    let attempts = 0;
    const waiting = database.tx(async (tx) => {
      attempts++;
      if (attempts === 2) release.open(); // the first attempt has given up
      await countUp(tx, 'b');
      await countUp(tx, 'a');
    });
    await Promise.all([holder, waiting.finally(release.open)]);
    assert.deepEqual(await counts(), [{ failures: 2 }, { failures: 1 }]);
    assert.ok(attempts >= 2);
  });

  for (const [name, breakOff] of [
    ['by a server that ends the connection', (id: number) => other.run(`kill ${id}`).then(() => {})],
    ['by a server that ends the statement', (id: number) => other.run(`kill query ${id}`).then(() => {})],
    [
      'by a cut of the network',
      async () => {
        proxy.cutAll();
      },
    ],
  ] as const) {
    test(`${name} is run again as a whole, with the same result`, async () => {
      let attempts = 0;
      const result = await database.tx(async (tx) => {
        attempts++;
        const [row] = await tx.all<{ id: number }>('select connection_id() id');
        await countUp(tx, 'a');
        await enqueue(tx, newDispatch('a', 'p'));
        if (attempts === 1)
          await Promise.all([tx.all('select sleep(1)'), isAsleep(row!.id).then(() => breakOff(row!.id))]);
        await countUp(tx, 'b');
        return 'done';
      });
      assert.equal(result, 'done');
      assert.deepEqual(await counts(), [{ failures: 1 }, { failures: 1 }]);
      assert.equal((await listDispatches(other)).length, 1);
      assert.ok(attempts >= 2, 'until the server has noticed, it holds its locks');
    });
  }

  test('again and again is given up in the end, and leaves nothing', async () => {
    proxy.cut = (statement) => (statement.startsWith('update lane') ? 'before' : undefined);
    let attempts = 0;
    const failing = database.tx(
      async (tx) => {
        attempts++;
        await countUp(tx, 'a');
      },
      { patienceMs: 500 },
    );
    await assert.rejects(failing, (error) => database.dialect.isTransient(error));
    assert.ok(attempts > 2, `${attempts} attempts`);
    assert.deepEqual(await counts(), [{ failures: 0 }, { failures: 0 }]);
  });

  test('by an error of its own is not run again', async () => {
    let attempts = 0;
    const failing = database.tx(async (tx) => {
      attempts++;
      await tx.run('insert into nowhere (x) values (1)');
    });
    await assert.rejects(failing, /nowhere/);
    assert.equal(attempts, 1);
  });

  test('after its commit took effect finds that out, if it looks: one dispatch, one id, one sequence', async () => {
    const id = await commitUnseen(() => database.tx((tx) => enqueue(tx, newDispatch('a', 'p'))));
    const rows = await listDispatches(other);
    assert.deepEqual(
      rows.map(({ dispatch_id: each, state }) => [each, state]),
      [[id, 'pending']],
    );
  });

  /** The server's answer to the first commit is lost on the way. */
  async function commitUnseen<T>(work: () => Promise<T>): Promise<T> {
    const before = proxy.cuts;
    proxy.cut = (statement) => {
      if (!statement.startsWith('commit')) return undefined;
      proxy.cut = undefined;
      return 'after';
    };
    const result = await work();
    assert.equal(proxy.cuts - before, 1);
    return result;
  }
});
