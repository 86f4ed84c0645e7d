import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import { claimDue, isTrusted, lockLease, releaseLease, renewLease, whileRenewing } from '../../src/db/lease.ts';
import { eachDatabase } from '../support/databases.ts';

const lanes = { table: 'lane', key: 'lane_id' } as const;

eachDatabase((dialect, open) => {
  describe(`leases on ${dialect}`, () => {
    const add = (database: Database, id: string) =>
      database.run(`insert into lane (lane_id, due_at) values (?, ${database.dialect.now})`, [id]);
    const claim = (database: Database, leaseMs = 60_000, limit = 10) => claimDue(database, lanes, { limit, leaseMs });

    test('many claimers at once never get the same row twice', async () => {
      const database = await open();
      for (let index = 0; index < 60; index++) await add(database, `lane-${index}`);
      const claims = await Promise.all(Array.from({ length: 12 }, () => claim(database)));
      const ids = claims.flat().map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      const rest = await claim(database, 60_000, 100);
      assert.equal(ids.length + rest.length, 60);
    });

    test('a row is due again when its lease has run out, and its old holder changes nothing', async () => {
      const database = await open();
      await add(database, 'a');
      const [old] = await claim(database, 50);
      await sleep(80);
      const [next] = await claim(database);
      assert.equal(next?.id, 'a');
      assert.equal(await renewLease(database, old!), false);
      assert.equal(await lockLease(database, old!), false);
      await releaseLease(database, old!, 0);
      assert.equal(await lockLease(database, next!), true);
    });

    test('a released row without work is not due; one with work is due after its wait', async () => {
      const database = await open();
      await add(database, 'a');
      const [first] = await claim(database);
      await releaseLease(database, first!, undefined);
      assert.deepEqual(await claim(database), []);
      await database.run(`update lane set due_at = ${database.dialect.now}`);
      const [second] = await claim(database);
      await releaseLease(database, second!, 60_000);
      assert.deepEqual(await claim(database), []);
    });

    test('locking a lease writes its row, since Galera knows no lock of another node, only what it has written', async () => {
      const database = await open();
      await add(database, 'a');
      const [lease] = await claim(database);
      const row = async () => (await database.all('select due_at from lane'))[0];
      const before = await row();
      assert.equal(await database.tx((tx) => lockLease(tx, lease!)), true);
      assert.notDeepEqual(await row(), before);
    });

    test('a holder does not trust its lease for longer than the lease lasts', async () => {
      const database = await open();
      await add(database, 'a');
      const [lease] = await claim(database, 1000);
      assert.equal(isTrusted(lease!), true);
      assert.equal(isTrusted(lease!, 1000), false);
    });

    test('work is told when its lease is stolen', async () => {
      const database = await open();
      await add(database, 'a');
      const [lease] = await claim(database, 300);
      await database.run("update lane set lease_token = 'thief'");
      const told = whileRenewing(database, lease!, new AbortController().signal, async (signal) => {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      });
      await assert.rejects(told, /lost the lease/);
    });
  });
});
