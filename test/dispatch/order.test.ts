import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { dialects } from '../support/databases.ts';
import { listDispatches, newDispatch } from '../support/dispatching.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

for (const { name, create } of dialects) {
  describe(`the order of a lane on ${name}`, async () => {
    const { url, drop } = await create();
    // Three replicas: each has connections of its own.
    const replicas = [1, 2, 3].map(() => openDatabase({ url, poolSize: 8, queryTimeoutMs: 20_000 }));
    const [first, second, looking] = replicas as [Database, Database, Database];
    await migrate(first, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
    after(async () => {
      for (const replica of replicas) await replica.close();
      await drop();
    });

    test('a transaction that enqueues later on a lane waits for the earlier one, and comes behind it', async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      let enqueued = false;
      const slow = first.tx(async (tx) => {
        await enqueue(tx, newDispatch('one', 'slow'));
        enqueued = true;
        await gate;
      });
      await until('the slow one has its number', () => enqueued);
      const ended: string[] = [];
      void slow.then(() => ended.push('slow'));
      const quick = second.tx((tx) => enqueue(tx, newDispatch('one', 'quick'))).then(() => ended.push('quick'));
      await sleep(150); // it would be through by now if nothing held it
      assert.deepEqual(ended, []);
      assert.deepEqual(await listDispatches(looking, 'one'), [], 'nobody sees the later one before the earlier one');
      open();
      await Promise.all([slow, quick]);
      const rows = await listDispatches(looking, 'one');
      assert.deepEqual(
        rows.map(({ payload, sequence }) => [payload, sequence]),
        [
          ['slow', 1],
          ['quick', 2],
        ],
      );
    });

    test('whoever looks while many transactions enqueue never sees a number before the smaller ones', async (t) => {
      const random = createRandom();
      t.diagnostic(`seed ${random.seed}`);
      const produce = async (database: Database, producer: string) => {
        for (let index = 0; index < 12; index++) {
          const fails = random.chance(0.2);
          const pausesMs = [random.below(8), random.below(8)];
          const work = database.tx(async (tx) => {
            await sleep(pausesMs[0]);
            await enqueue(tx, newDispatch('many', `${producer}-${index}`));
            await sleep(pausesMs[1]);
            if (fails) throw new Error('rolled back on purpose');
          });
          await work.catch((error) => assert.match(String(error), /on purpose/));
        }
      };
      let producing = true;
      let looks = 0;
      const look = async () => {
        for (; producing; looks++) {
          const numbers = (await listDispatches(looking, 'many')).map(({ sequence }) => sequence);
          assert.deepEqual(
            numbers,
            numbers.map((_, index) => index + 1),
          );
          await sleep(1);
        }
      };
      const watching = look();
      const producers = [first, second].flatMap((database, at) =>
        ['a', 'b', 'c'].map((id) => produce(database, id + at)),
      );
      await Promise.all(producers).finally(() => {
        producing = false;
      });
      await watching;
      assert.ok(looks > 10, `looked ${looks} times`);
      // Each producer's own dispatches are in the order of its commits.
      const rows = await listDispatches(looking, 'many');
      for (const id of ['a0', 'b0', 'c0', 'a1', 'b1', 'c1']) {
        const own = rows.filter(({ payload }) => payload.startsWith(id)).map(({ payload }) => Number(payload.slice(3)));
        assert.deepEqual(
          own,
          [...own].sort((a, b) => a - b),
        );
      }
    });
  });
}
