import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { eachDatabase } from '../support/databases.ts';
import { emptied, enqueueAll, listDispatches } from '../support/dispatching.ts';
import { asked, operate } from '../support/operating.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`what operators did, on ${dialect}`, () => {
    const find = async (database: Database, payload: string) =>
      (await listDispatches(database)).find((row) => row.payload === payload)!;

    test('it is listed in pages, the last first, of one target or one actor', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b', 'c']);
      const operator = operate(database);
      const ids = (await listDispatches(database)).map(({ dispatch_id }) => dispatch_id);
      for (const [index, dispatchId] of ids.entries()) {
        await operator.cancelDispatch({ dispatchId, actor: index === 1 ? 'ben' : 'anna', reason: `r${index}` });
      }
      const targets = ids.map((id) => `dispatch:${id}`);
      const first = await operator.listAudit({ pageSize: 2 });
      const second = await operator.listAudit({ pageSize: 2, pageToken: first.nextPageToken });
      const listed = [...first.entries, ...second.entries];
      assert.deepEqual(
        listed.map(({ target }) => target),
        targets.toReversed(),
      );
      assert.equal(second.nextPageToken, '');
      assert.deepEqual([listed[0]?.reason, listed[0]?.detail], ['r2', '{"mayHaveArrived":false,"underWay":false}']);
      const reasons = async (request: object) =>
        (await operator.listAudit(request)).entries.map(({ reason }) => reason);
      assert.deepEqual(await reasons({ actor: 'anna' }), ['r2', 'r0']);
      assert.deepEqual(await reasons({ target: targets[1] }), ['r1']);
      assert.deepEqual(await reasons({ target: targets[1], actor: 'anna' }), []);
    });

    test('a command that its caller gives again does nothing twice, but for bury_head, which takes the next', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b', 'c']);
      const operator = operate(database);
      const dispatchId = (await find(database, 'a')).dispatch_id;
      await operator.cancelDispatch({ dispatchId, ...asked });
      await assert.rejects(operator.cancelDispatch({ dispatchId, ...asked }), /is cancelled, not pending/);
      for (let times = 0; times < 2; times++) await operator.retryDispatch({ dispatchId, ...asked });
      assert.deepEqual([(await find(database, 'a')).state, await countRetries(database)], ['pending', 1]);
      const everything = { scope: { case: 'everything', value: true } } as const;
      const first = await operator.pauseDelivery({ scope: everything, ...asked });
      assert.deepEqual((await operator.pauseDelivery({ scope: everything, ...asked })).since, first.since);
      const resumed = [];
      for (let times = 0; times < 2; times++) {
        resumed.push((await operator.resumeDelivery({ scope: everything, ...asked })).wasPaused);
      }
      assert.deepEqual(resumed, [true, false]);
      for (let times = 0; times < 2; times++) await operator.unblockLane({ laneId: 'lane', ...asked, buryHead: true });
      assert.deepEqual(
        (await listDispatches(database)).map(({ state }) => state),
        ['dead', 'dead', 'pending'],
      );
    });

    test('a command whose commit took effect unseen is done once and answered as it was', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b']);
      const twice: Database = {
        ...database,
        tx: async (work, options) => {
          await database.tx(work, options);
          return database.tx(work, options);
        },
      };
      const operator = operate(twice);
      const dispatchId = (await find(database, 'a')).dispatch_id;
      await operator.cancelDispatch({ dispatchId, ...asked });
      await operator.retryDispatch({ dispatchId, ...asked });
      assert.equal(
        (await operator.unblockLane({ laneId: 'lane', ...asked, buryHead: true })).buriedDispatchId,
        dispatchId,
      );
      assert.equal((await find(database, 'b')).state, 'pending', 'one head was buried');
      const everything = { scope: { case: 'everything', value: true } } as const;
      await operator.pauseDelivery({ scope: everything, ...asked });
      assert.equal((await operator.resumeDelivery({ scope: everything, ...asked })).wasPaused, true);
      const actions = await database.all<{ action: string }>('select action from audit order by id');
      assert.deepEqual(
        actions.map(({ action }) => action),
        ['CancelDispatch', 'RetryDispatch', 'UnblockLane', 'PauseDelivery', 'ResumeDelivery'],
      );
      const all = await operator.listAudit({});
      assert.deepEqual(
        all.entries.map(({ action }) => action),
        actions.map(({ action }) => action).toReversed(),
      );
      const [row] = await database.all<{ retries: number }>("select retries from dispatch where payload = 'a'");
      assert.equal(row?.retries, 1);
    });
  });
});

async function countRetries(database: Database): Promise<number> {
  const rows = await database.all<{ retries: number }>('select retries from dispatch');
  return rows.reduce((sum, { retries }) => sum + retries, 0);
}
