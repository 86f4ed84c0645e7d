import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { beginHead, findHead } from '../../src/dispatch/begin.ts';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { CallError } from '../../src/errors.ts';
import { createGate } from '../support/accounts.ts';
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
  describe(`how dispatches end on ${dialect}`, () => {
    const settled = (database: Database) =>
      until(
        'all are settled',
        async () => {
          const rows = await listDispatches(database);
          return rows.every(({ state }) => state !== 'pending') && rows;
        },
        20_000,
      );
    /** Delivers until everything is settled, and returns what became of it by payload. */
    const drain = async (database: Database, send: Sender) => {
      const worker = startWorker(deliverOptions(database, send));
      const rows = await settled(database).finally(() => worker.stop());
      return Object.fromEntries(rows.map((row) => [row.payload, row]));
    };
    /** A process that dies between begin and settle: its lease runs out, and that is all. */
    const dieInMidTry = async (database: Database, laneId: string) => {
      await database.run('update lane set due_at = null where lane_id <> ?', [laneId]);
      const [lease] = await claimLanes(database, 1, 60_000);
      assert.equal(lease?.id, laneId);
      const head = await findHead(database, laneId);
      assert.equal(await database.tx((tx) => beginHead(tx, lease!, head!)), 'begun');
      await database.run(`update lane set due_at = ${database.dialect.now}`);
    };

    test('one whose time is over is never sent, ends visibly, and holds up nobody', async () => {
      const database = await open();
      await database.tx((tx) => enqueue(tx, newDispatch('lane', 'late', { windowMs: -1 })));
      await enqueueAll(database, 'lane', ['next']);
      const { send, tried } = recordingSender();
      const { late, next } = await drain(database, send);
      assert.deepEqual(tried, ['next']);
      assert.equal(next?.state, 'delivered');
      assert.equal(late?.state, 'expired');
      assert.match(late?.reason ?? '', /time was over/);
      assert.ok(Number(late?.settled_at) > 0);
    });

    test('one whose time runs out while it waits for another try is not tried again', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['late']);
      const { send: fail, tried } = recordingSender(() => {
        throw new CallError('busy', { retryAfterMs: 300 });
      });
      const send: Sender = async (dispatch, signal) => {
        await database.run(`update dispatch set expires_at = ${database.dialect.now} + 100`);
        await fail(dispatch, signal);
      };
      const { late } = await drain(database, send);
      assert.equal(late?.state, 'expired');
      assert.deepEqual(tried, ['late']);
    });

    test('one at which the process died three times in mid-try is buried, and only that one', async () => {
      const database = await open();
      await enqueueAll(database, 'poisoned', ['before', 'poison', 'after']);
      await enqueueAll(database, 'innocent', ['unlucky', 'lucky']);
      const { send, sent, tried } = recordingSender();
      for (let deaths = 0; deaths < 2; deaths++) await dieInMidTry(database, 'innocent');
      await database.run(
        `update dispatch set state = 'delivered', started = 5, finished = 5 where payload = 'before'`, // was sent long ago
      );
      for (let deaths = 0; deaths < 3; deaths++) await dieInMidTry(database, 'poisoned');
      const { poison, ...others } = await drain(database, send);
      assert.equal(poison?.state, 'dead');
      assert.match(poison?.reason ?? '', /kills the process/);
      assert.ok(!tried.includes('poison'));
      assert.deepEqual(
        Object.values(others).map(({ state }) => state),
        ['delivered', 'delivered', 'delivered', 'delivered'],
      );
      assert.deepEqual(sent.toSorted(), ['after', 'lucky', 'unlucky']);
    });

    test('failing however often is no dying: a try that ended does not count towards the burial', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['stubborn']);
      const { send, tried } = recordingSender((_, earlier) => {
        if (earlier.length < 8) throw new CallError('busy');
      });
      const { stubborn } = await drain(database, send);
      assert.equal(stubborn?.state, 'delivered');
      assert.equal(tried.length, 9);
      assert.deepEqual([stubborn?.started, stubborn?.finished], [9, 9]);
    });

    test('a kind without a sender is left for a replica that knows it', async () => {
      const database = await open();
      await database.tx((tx) => enqueue(tx, newDispatch('new', 'p', { kind: 'from.the.future' })));
      await enqueueAll(database, 'old', ['q']);
      const { send, sent, tried } = recordingSender();
      const old = startWorker(deliverOptions(database, send));
      await until('the old replica has come across it', async () =>
        (await listDispatches(database, 'new')).some(({ reason }) => reason?.includes('from.the.future')),
      );
      await until('the old replica delivers what it knows', () => sent.includes('q'));
      await old.stop();
      const [left] = await listDispatches(database, 'new');
      assert.equal(left?.state, 'pending');
      assert.equal(left?.started, left?.finished, 'it counts as no death');
      const worker = startWorker(deliverOptions(database, send, 'from.the.future'));
      await settled(database);
      await worker.stop();
      assert.deepEqual(tried, ['q', 'p']);
    });

    test('one that fails for good is dead at once with its reason, and those behind it go on', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'refused', 'b', 'c']);
      const { send, sent, tried } = recordingSender(({ payload }) => {
        if (payload === 'refused') throw new CallError('errcode 45015 too late', { verdict: 'permanent' });
      });
      const { refused } = await drain(database, send);
      assert.deepEqual(tried, ['a', 'refused', 'b', 'c']);
      assert.deepEqual(sent, ['a', 'b', 'c']);
      assert.deepEqual([refused?.state, refused?.reason], ['dead', 'errcode 45015 too late']);
    });

    test('one that is tried again holds up its own lane, in order, and no other', async () => {
      const database = await open();
      await enqueueAll(database, 'A', ['a1', 'a2', 'a3', 'a4', 'a5']);
      await enqueueAll(database, 'B', ['b1', 'b2', 'b3', 'b4', 'b5']);
      const { send, sent } = recordingSender(({ payload }) => {
        if (payload === 'a3' && !sent.includes('b5')) throw new CallError('busy');
      });
      await drain(database, send); // ends only if B gets through while A waits
      const lane = (letter: string) => sent.filter((payload) => payload.startsWith(letter));
      assert.deepEqual(lane('a'), ['a1', 'a2', 'a3', 'a4', 'a5']);
      assert.deepEqual(lane('b'), ['b1', 'b2', 'b3', 'b4', 'b5']);
    });

    test('a lane that failed starts with a short wait again once one got through', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['p', 'q']);
      const { send } = recordingSender(({ payload }, earlier) => {
        if (payload === 'p' && earlier.length < 4) throw new CallError('busy');
      });
      await drain(database, send);
      assert.deepEqual(await database.all('select failures from lane'), [{ failures: 0 }]);
    });

    test('four replicas with eight workers each deliver each dispatch once, in the order of its lane', async () => {
      const database = await open();
      const lanes = Array.from({ length: 12 }, (_, index) => `lane-${index}`);
      const payloads = (lane: string) => Array.from({ length: 10 }, (_, index) => `${lane}/${index}`);
      await Promise.all(lanes.map((lane) => enqueueAll(database, lane, payloads(lane))));
      const { send, sent } = recordingSender();
      const slowSend: Sender = async (dispatch, signal) => {
        await send(dispatch, signal);
        await new Promise((resolve) => setImmediate(resolve));
      };
      const replicas = [1, 2, 3, 4].map(() => startWorker(deliverOptions(database, slowSend)));
      await settled(database);
      for (const replica of replicas) await replica.stop();
      assert.equal(sent.length, 120);
      for (const lane of lanes)
        assert.deepEqual(
          sent.filter((payload) => payload.startsWith(`${lane}/`)),
          payloads(lane),
        );
    });

    test('a send that a stop cuts off is recorded as failed: however many stops, it is no death', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['slow']);
      for (let stops = 1; stops <= 4; stops++) {
        await database.run(`update lane set due_at = ${database.dialect.now}`);
        const arrived = createGate();
        const worker = startWorker(
          deliverOptions(database, async (_, signal) => {
            arrived.open();
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          }),
        );
        await arrived.opened;
        await worker.stop(0);
        const [slow] = await listDispatches(database);
        assert.deepEqual([slow?.state, slow?.started, slow?.finished], ['pending', stops, stops]);
      }
    });

    test('a stop ends what is being sent, releases its lane and begins nothing more', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['p', 'q']);
      let arrive = () => {};
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      let answer = () => {};
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const { send, sent } = recordingSender();
      const worker = startWorker(
        deliverOptions(database, async (dispatch, signal) => {
          arrive();
          await answered;
          await send(dispatch, signal);
        }),
      );
      await arrived;
      const stopped = worker.stop();
      answer();
      await stopped;
      assert.deepEqual(sent, ['p']);
      const [lane] = await database.all<{ due: number; lease_token: string | null }>(
        `select lease_token, due_at <= ${database.dialect.now} due from lane`,
      );
      assert.deepEqual([lane?.lease_token, Number(lane?.due)], [null, 1], 'another replica may go on at once');
      const [, q] = await listDispatches(database);
      assert.deepEqual([q?.state, q?.started], ['pending', 0]);
    });
  });
});
