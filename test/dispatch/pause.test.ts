import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { operations } from '../../src/db/migrations/20261122-operations.ts';
import { beginHead, findHead } from '../../src/dispatch/begin.ts';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { pauseScope } from '../../src/dispatch/pause-delivery.ts';
import { appidScope, globalScope, integrationScope } from '../../src/dispatch/pause-store.ts';
import { resumeScope } from '../../src/dispatch/resume-delivery.ts';
import { eachDatabase } from '../support/databases.ts';
import {
  claimLanes,
  deliverOptions,
  emptied,
  enqueueAll,
  listDispatches,
  newDispatch,
  recordingSender,
  startWorker,
} from '../support/dispatching.ts';
import { until } from '../support/until.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`pauses on ${dialect}`, () => {
    const pause = (database: Database, scope: string) => pauseScope(database, scope, 'anna', 'a test');
    const resume = (database: Database, scope: string) => resumeScope(database, scope, 'anna', 'a test');
    const pending = async (database: Database, laneId?: string) =>
      (await listDispatches(database, laneId)).filter(({ state }) => state === 'pending').length;
    const allDelivered = (database: Database) =>
      until('all is delivered', async () =>
        (await listDispatches(database)).every(({ state }) => state === 'delivered'),
      );
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

    for (const [what, scope] of [
      ['everything', globalScope],
      ['the account', appidScope('wx')],
      ['the integration', integrationScope('bot')],
    ] as const) {
      test(`no try begins after the answer to a pause of ${what}; after the resume all arrive once, in order`, async () => {
        const database = await open();
        const lanes = numbers(8).map((lane) => `lane-${lane}`);
        const enqueueOn = async (lane: string) => {
          for (const payload of numbers(12)) {
            const more = { integrationId: 'bot' };
            await database.tx((tx) => enqueue(tx, newDispatch(lane, `${lane}/${payload}`, more)));
          }
        };
        await Promise.all(lanes.map(enqueueOn));
        let underWay = 0;
        const { send, sent } = recordingSender();
        const slow: Sender = async (dispatch, signal) => {
          underWay++;
          await new Promise((resolve) => setTimeout(resolve, 3));
          await send(dispatch, signal);
          underWay--;
        };
        const workers = [1, 2].map(() => startWorker({ ...deliverOptions(database, slow), concurrency: 4 }));
        for (const round of numbers(2)) {
          const before = sent.length;
          await until('some are sent', () => sent.length > before + 10);
          await pause(database, scope);
          const [begun] = await database.all<{ many: number }>('select sum(started) many from dispatch');
          await until('what was begun has ended', async () => {
            const held = await database.all('select 1 from lane where lease_token is not null');
            return held.length === 0 && underWay === 0;
          });
          const [after] = await database.all<{ many: number }>('select sum(started) many from dispatch');
          assert.equal(Number(after!.many), Number(begun!.many), `round ${round}: begun after the pause`);
          assert.ok((await pending(database)) > 0, 'something is left to be paused');
          assert.equal(sent.length, 96 - (await pending(database)));
          assert.equal(await resume(database, scope), true);
        }
        await allDelivered(database);
        for (const worker of workers) await worker.stop();
        for (const lane of lanes) {
          const arrived = sent.filter((payload) => payload.startsWith(`${lane}/`));
          assert.deepEqual(
            arrived,
            numbers(12).map((payload) => `${lane}/${payload}`),
          );
        }
      });
    }

    test('a pause of one account or integration leaves the others alone', async () => {
      const database = await open();
      const add = (laneId: string, more: object) => database.tx((tx) => enqueue(tx, newDispatch(laneId, laneId, more)));
      await pause(database, appidScope('wx-paused'));
      await pause(database, integrationScope('bot-paused'));
      await add('a', { appid: 'wx-paused' });
      await add('b', { appid: 'wx', integrationId: 'bot-paused' });
      await add('c', { appid: 'bot-paused', integrationId: 'wx-paused' }); // same ids, other scopes
      await add('d', { appid: 'wx' });
      const { send, sent } = recordingSender();
      const worker = startWorker(deliverOptions(database, send));
      await until('both are parked', async () => {
        const lanes = await database.all<{ due: number }>(
          `select due_at - ${database.dialect.now} due from lane where lane_id in ('a', 'b') and lease_token is null`,
        );
        return lanes.length === 2 && lanes.every(({ due }) => Number(due) > 60_000);
      });
      await until('the others are delivered', () => sent.length === 2);
      assert.deepEqual(sent.toSorted(), ['c', 'd']);
      await resume(database, integrationScope('bot-paused'));
      await until('b is delivered', () => sent.includes('b'));
      assert.equal(await pending(database, 'a'), 1);
      await resume(database, appidScope('wx-paused'));
      await allDelivered(database);
      await worker.stop();
      assert.equal(sent.length, 4);
    });

    test('pausing waits for a begin that has not seen it, and the answer comes after that try is counted', async () => {
      const database = await open();
      if (dialect === 'sqlite') return; // transactions don't overlap there
      await enqueueAll(database, 'lane', ['p']);
      const [lease] = await claimLanes(database, 1, 60_000);
      const head = (await findHead(database, 'lane'))!;
      let isPaused = false;
      let paused: Promise<unknown> | undefined;
      await database.tx(async (tx) => {
        assert.equal(await beginHead(tx, lease!, head), 'begun');
        paused = pause(database, globalScope).then(() => {
          isPaused = true;
        });
        await until('the pause is written', async () => (await database.all('select 1 from delivery_pause')).length);
        for (let turns = 0; turns < 20; turns++) await database.all('select 1'); // it would have answered by now
        assert.equal(isPaused, false);
      });
      await paused;
      assert.equal((await listDispatches(database))[0]?.started, 1);
    });

    test('a resume at any moment of a lane being parked leaves no lane behind', async () => {
      const database = await open();
      const scope = appidScope('wx');
      for (let round = 0; round < 15; round++) {
        await enqueueAll(database, 'lane', [`p${round}`]);
        await pause(database, scope);
        const [lease] = await claimLanes(database, 1, 60_000);
        const head = (await findHead(database, 'lane'))!;
        const begin = database.tx((tx) => beginHead(tx, lease!, head));
        const [begun] = await Promise.all([begin, resume(database, scope)]);
        // Where it isn't parked, it is held still: its holder goes on.
        if (begun !== 'paused') await database.run('update lane set lease_token = null, due_at = 0');
        const [next] = await claimLanes(database, 1, 60_000);
        assert.equal(next?.id, 'lane', `round ${round}: ${begun} and not due`);
        await database.run("update dispatch set state = 'delivered'");
        await database.run('update lane set lease_token = null, due_at = null');
      }
    });

    test('time goes on: what expires while paused ends as expired, is never sent, and holds up nobody', async () => {
      const database = await open();
      await pause(database, appidScope('wx'));
      await pause(database, globalScope);
      await database.tx((tx) => enqueue(tx, newDispatch('lane', 'late', { windowMs: 40 })));
      await enqueueAll(database, 'lane', ['next']);
      await until(
        'its time is over',
        async () => (await database.all(`select 1 from dispatch where expires_at < ${database.dialect.now}`)).length,
      );
      const { send, tried } = recordingSender();
      const worker = startWorker(deliverOptions(database, send));
      await resume(database, globalScope);
      await until('it has ended, the account still paused', async () =>
        (await listDispatches(database)).some(({ state }) => state === 'expired'),
      );
      assert.equal(await pending(database), 1);
      await resume(database, appidScope('wx'));
      await until('next is delivered', () => tried.length === 1);
      await worker.stop();
      assert.deepEqual(tried, ['next']);
    });

    test('pausing twice replaces who and why, resuming twice changes nothing, and all of it is written down', async () => {
      const database = await open();
      const since = await pauseScope(database, globalScope, 'anna', 'first');
      assert.equal(await pauseScope(database, globalScope, 'ben', 'second'), since);
      assert.deepEqual(await database.all('select scope, actor, reason from delivery_pause'), [
        { scope: 'global', actor: 'ben', reason: 'second' },
      ]);
      assert.equal(await resumeScope(database, globalScope, 'cleo', 'third'), true);
      assert.equal(await resumeScope(database, globalScope, 'cleo', 'fourth'), false);
      assert.deepEqual(await database.all('select scope from delivery_pause'), []);
      // Two of one millisecond have no order.
      assert.deepEqual(await database.all('select actor, action, target, reason from audit order by reason'), [
        { actor: 'anna', action: 'PauseDelivery', target: 'delivery:global', reason: 'first' },
        { actor: 'cleo', action: 'ResumeDelivery', target: 'delivery:global', reason: 'fourth' },
        { actor: 'ben', action: 'PauseDelivery', target: 'delivery:global', reason: 'second' },
        { actor: 'cleo', action: 'ResumeDelivery', target: 'delivery:global', reason: 'third' },
      ]);
    });

    test('lanes of the release before learn their account, from the migration or from the next dispatch', async () => {
      const database = await open();
      await enqueueAll(database, 'old', ['p']);
      await enqueueAll(database, 'older', ['p']);
      await database.insert('lane', [{ lane_id: 'empty' }]);
      await database.run("update lane set appid = ''");
      await enqueueAll(database, 'older', ['q']);
      const accounts = () => database.all('select lane_id, appid from lane order by lane_id');
      assert.deepEqual((await accounts()).slice(1), [
        { lane_id: 'old', appid: '' },
        { lane_id: 'older', appid: 'wx' },
      ]);
      await operations.run(database);
      assert.deepEqual(await accounts(), [
        { lane_id: 'empty', appid: '' },
        { lane_id: 'old', appid: 'wx' },
        { lane_id: 'older', appid: 'wx' },
      ]);
    });
  });
});
