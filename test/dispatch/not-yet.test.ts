import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotYet, type Sender } from '../../src/dispatch/dispatch.ts';
import { settleFetched } from '../../src/dispatch/settle-elsewhere.ts';
import { startDispatch } from '../../src/dispatch/start-dispatch.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, emptied, enqueueAll, listDispatches } from '../support/dispatching.ts';
import { until } from '../support/until.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);

  test(`what its sender finds too early waits in its place, and no try of it is counted, on ${dialect}`, async () => {
    const database = await open();
    await enqueueAll(database, 'lane', ['one', 'two']);
    const asked: string[] = [];
    const sent: string[] = [];
    const send: Sender = async ({ payload }) => {
      asked.push(payload);
      if (asked.length <= 4) throw new NotYet(20);
      sent.push(payload);
    };
    const loop = startDispatch(deliverOptions(database, send));
    loop.wake();
    try {
      await until('both are sent', () => sent.length === 2);
    } finally {
      await loop.stop(5000);
    }
    assert.deepEqual(asked, ['one', 'one', 'one', 'one', 'one', 'two']);
    const rows = await listDispatches(database);
    assert.deepEqual(
      rows.map(({ payload, state, started, finished, reason }) => [payload, state, started, finished, reason]),
      [
        ['one', 'delivered', 1, 1, null],
        ['two', 'delivered', 1, 1, null],
      ],
    );
    assert.equal((await database.all('select 1 from dispatch_attempt')).length, 2);
  });

  test(`what is fetched while it waits is delivered, and what follows goes on, on ${dialect}`, async () => {
    const database = await open();
    await enqueueAll(database, 'lane', ['one', 'two']);
    const sent: string[] = [];
    const send: Sender = async ({ payload }) => {
      if (payload === 'one') throw new NotYet(30);
      sent.push(payload);
    };
    const loop = startDispatch(deliverOptions(database, send));
    loop.wake();
    try {
      await database.tx((tx) => settleFetched(tx, 'lane:one'));
      await until('the other is sent', () => sent.length === 1);
    } finally {
      await loop.stop(5000);
    }
    const rows = await listDispatches(database);
    assert.deepEqual(
      rows.map(({ payload, state }) => [payload, state]),
      [
        ['one', 'delivered'],
        ['two', 'delivered'],
      ],
    );
    assert.ok(rows.every(({ settled_at }) => settled_at !== null));
  });
});
