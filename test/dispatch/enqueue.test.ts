import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { AppError } from '../../src/errors.ts';
import { eachDatabase } from '../support/databases.ts';
import { emptied, enqueueAll, listDispatches, newDispatch } from '../support/dispatching.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`enqueueing on ${dialect}`, () => {
    test('a dispatch exists if and only if the transaction that causes it commits', async () => {
      const database = await open();
      const write = (fails: boolean) =>
        database.tx(async (tx) => {
          await tx.insert('cron_task', [{ task: `business-${fails}` }]);
          await enqueue(tx, newDispatch('lane', `p-${fails}`));
          if (fails) throw new Error('the business has failed');
        });
      await assert.rejects(write(true), /has failed/);
      assert.deepEqual(await database.all('select task from cron_task'), []);
      assert.deepEqual(await listDispatches(database), []);
      assert.deepEqual(await database.all('select lane_id from lane'), []);
      await write(false);
      assert.deepEqual(await database.all('select task from cron_task'), [{ task: 'business-false' }]);
      assert.deepEqual(
        (await listDispatches(database)).map(({ payload, sequence }) => [payload, sequence]),
        [['p-false', 1]],
      );
    });

    test('the same key twice is one dispatch, and both callers get its id', async () => {
      const database = await open();
      const dispatch = newDispatch('lane', 'p');
      const first = await database.tx((tx) => enqueue(tx, dispatch));
      const [before] = await listDispatches(database);
      assert.equal(await database.tx((tx) => enqueue(tx, dispatch)), first);
      assert.deepEqual(await listDispatches(database), [before]);
    });

    test('the same key fifty times at once is one dispatch, and all callers get its id', async () => {
      const database = await open();
      const ids = await Promise.all(
        Array.from({ length: 50 }, () => database.tx((tx) => enqueue(tx, newDispatch('lane', 'p')))),
      );
      assert.equal(new Set(ids).size, 1);
      assert.equal((await listDispatches(database)).length, 1);
    });

    test('the same key on many lanes at once is one dispatch on one of them', async () => {
      const database = await open();
      const onLane = (index: number) => newDispatch(`lane-${index % 5}`, 'p', { dedupeKey: 'everywhere' });
      const ids = await Promise.all(
        Array.from({ length: 20 }, (_, index) => database.tx((tx) => enqueue(tx, onLane(index)))),
      );
      assert.equal(new Set(ids).size, 1);
      assert.equal((await listDispatches(database)).length, 1);
    });

    test('the same key with another payload is refused, and takes its transaction with it', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['p']);
      const before = await listDispatches(database);
      const other = database.tx(async (tx) => {
        await tx.insert('cron_task', [{ task: 'business' }]);
        await enqueue(tx, newDispatch('lane', 'q', { dedupeKey: 'lane:p' }));
      });
      await assert.rejects(other, (error) => error instanceof AppError && error.reason === 'CONFLICT');
      assert.deepEqual(await listDispatches(database), before);
      assert.deepEqual(await database.all('select task from cron_task'), []);
    });

    test('enqueueing makes a free lane due at once, but moves nothing where somebody holds it or it waits', async () => {
      const database = await open();
      const dueIn = async () => {
        const [row] = await database.all<{ ms: number }>(`select due_at - ${database.dialect.now} ms from lane`);
        return Number(row!.ms);
      };
      await enqueueAll(database, 'lane', ['free']);
      assert.ok((await dueIn()) <= 0);
      const { now } = database.dialect;
      await database.run(`update lane set due_at = ${now} + 60000, lease_token = 'held'`);
      await enqueueAll(database, 'lane', ['held']);
      assert.ok((await dueIn()) > 50_000, 'the lease of the holder was cut short');
      await database.run(`update lane set due_at = ${now} + 60000, lease_token = null`);
      await enqueueAll(database, 'lane', ['waiting']);
      assert.ok((await dueIn()) > 50_000, 'the wait after a failure was cut short');
    });

    test('payloads of a megabyte, of four-byte characters and with NUL are stored as they are', async () => {
      const database = await open();
      const payloads = ['x'.repeat(1024 * 1024), '👩‍👩‍👧‍👦𠮷'.repeat(5000), 'a\u0000b', 'x'.repeat(65_536)];
      for (const [index, payload] of payloads.entries()) {
        await database.tx((tx) => enqueue(tx, newDispatch('odd', payload, { dedupeKey: `odd-${index}` })));
      }
      const stored = (await listDispatches(database)).map(({ payload }) => payload);
      assert.ok(stored.every((payload, index) => payload === payloads[index]));
    });
  });
});
