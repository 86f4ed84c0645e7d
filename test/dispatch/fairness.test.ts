import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, emptied, listDispatches, newDispatch, startWorker } from '../support/dispatching.ts';
import { until } from '../support/until.ts';

eachDatabase((dialect, open) => {
  describe(`accounts that share the workers of deliveries, on ${dialect}`, () => {
    const fresh = emptied(open);

    test('what is delivered slowly to one leaves a worker to others', { timeout: 120_000 }, async () => {
      const database = await fresh();
      const add = (appid: string, user: string) =>
        database.tx((tx) => enqueue(tx, newDispatch(`${appid}-${user}`, user, { appid })));
      for (let at = 0; at < 20; at++) await add('slow', `u${at}`);
      const gate = Promise.withResolvers<void>();
      let hanging = 0;
      const sent: string[] = [];
      const worker = startWorker({
        ...deliverOptions(database, async ({ appid, payload }) => {
          if (appid === 'slow') {
            hanging++;
            await gate.promise;
          }
          sent.push(`${appid}-${payload}`);
        }),
        concurrency: 4,
      });
      try {
        await until('the slow ones hang', () => hanging === 3);
        for (let at = 0; at < 5; at++) {
          await add('quick', `u${at}`);
          await until('the other is delivered', () => sent.length === at + 1);
        }
        assert.equal(hanging, 3);
        gate.resolve();
        await until('all are delivered', async () =>
          (await listDispatches(database)).every(({ state }) => state === 'delivered'),
        );
        assert.equal(new Set(sent).size, 25);
        assert.equal(sent.length, 25);
      } finally {
        gate.resolve();
        await worker.stop();
      }
    });

    test('a lane has its turn though hundreds of another account wait', { timeout: 120_000 }, async () => {
      const database = await fresh();
      const flood = Array.from({ length: 500 }, (_, at) => newDispatch(`flood-${at}`, 'f', { appid: 'flood' }));
      for (let at = 0; at < 500; at += 50) {
        await database.tx(async (tx) => {
          for (const dispatch of flood.slice(at, at + 50)) await enqueue(tx, dispatch);
        });
      }
      await database.tx((tx) => enqueue(tx, newDispatch('small', 's', { appid: 'small' })));
      const sent: string[] = [];
      const worker = startWorker({
        ...deliverOptions(database, async ({ appid }) => {
          sent.push(appid);
        }),
        concurrency: 4,
      });
      try {
        await until('it is delivered', () => sent.includes('small'));
        assert.ok(sent.indexOf('small') < 20, `${sent.indexOf('small')} came before`);
      } finally {
        await worker.stop();
      }
    });
  });
});
