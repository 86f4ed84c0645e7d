import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Session } from '../../src/db/session.ts';
import { createOwnClaim, makeKeyDue } from '../../src/dispatch/claim-own.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';

const leaseMs = 30_000;

for (const { name: dialect, create } of dialects) {
  describe(`lanes that only the holder of their key drains, on ${dialect}`, () => {
    let made: TestDatabase;
    let database: Database;
    before(async () => {
      made = await create();
      database = openDatabase({ url: made.url, poolSize: 4, queryTimeoutMs: 10_000 });
      await migrate(database, { signal: AbortSignal.timeout(60_000), leaseMs: 10_000 });
    });
    after(async () => {
      await database?.close();
      await made?.drop();
    });
    const put = (drainKey: string, laneId: string) =>
      database.tx((tx) =>
        enqueue(tx, { laneId, drainKey, dedupeKey: laneId, kind: 'k', appid: 'a', payload: '{}', windowMs: 1e6 }),
      );
    const idsOf = (leases: readonly { id: string }[]) => leases.map(({ id }) => id).sort();

    test('are claimed by it, and by nobody else', async () => {
      await put('mine', 'm1');
      await put('mine', 'm2');
      await put('theirs', 't1');
      const claim = createOwnClaim({ session: database, leaseMs, keys: () => ['mine'] });
      assert.deepEqual(idsOf(await claim.claim(10)), ['m1', 'm2']);
      claim.warmAll();
      assert.deepEqual(await claim.claim(10), []);
    });

    test('that wait for later are due at once when what they wait for is there', async () => {
      await put('later', 'l1');
      await database.run(`update lane set due_at = due_at + 600000 where lane_id = 'l1'`);
      const claim = createOwnClaim({ session: database, leaseMs, keys: () => ['later'] });
      assert.deepEqual(await claim.claim(10), []);
      await makeKeyDue(database, 'later');
      claim.warm('later');
      assert.deepEqual(idsOf(await claim.claim(10)), ['l1']);
    });

    test('are not lost from sight where claiming the next one fails', async () => {
      await put('k1', 'k1-1');
      await put('k2', 'k2-1');
      let fails = true;
      const claims: string[] = [];
      const session: Session = {
        ...database,
        run: async (sql, bindings) => {
          if (!sql.startsWith('update lane')) return database.run(sql, bindings);
          const [key] = ['k1', 'k2'].filter((each) => bindings?.includes(each));
          claims.push(key!);
          if (fails && claims.length === 2) throw new Error('the database is away');
          return database.run(sql, bindings);
        },
      };
      const claim = createOwnClaim({ session, leaseMs, keys: () => ['k1', 'k2'] });
      const first = await claim.claim(2);
      assert.deepEqual(idsOf(first), [`${claims[0]}-1`]);
      fails = false;
      claim.end(first[0]!);
      claim.warmAll();
      assert.deepEqual(idsOf(await claim.claim(2)), [`${claims[1]}-1`]);
    });

    test('of all keys have their turn, however much is always due for each', async () => {
      const keys = ['f0', 'f1', 'f2', 'f3'];
      for (const key of keys) for (let lane = 0; lane < 20; lane++) await put(key, `${key}-${lane}`);
      const claim = createOwnClaim({ session: database, leaseMs, keys: () => keys });
      const running = await claim.claim(2);
      const turns = new Map<string, number>();
      for (let turn = 0; turn < 60; turn++) {
        claim.end(running.shift()!);
        claim.warmAll();
        for (const lease of await claim.claim(2 - running.length)) {
          const key = lease.id.slice(0, 2);
          turns.set(key, (turns.get(key) ?? 0) + 1);
          running.push(lease);
        }
      }
      assert.deepEqual([...turns.keys()].sort(), keys);
    });
  });
}
