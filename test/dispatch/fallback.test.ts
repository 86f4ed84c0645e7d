import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { type AttemptRow, loadAttempts } from '../../src/dispatch/attempts.ts';
import type { Dispatch, Sender } from '../../src/dispatch/dispatch.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { pauseScope } from '../../src/dispatch/pause-delivery.ts';
import { globalScope } from '../../src/dispatch/pause-store.ts';
import { resumeScope } from '../../src/dispatch/resume-delivery.ts';
import type { DispatchOptions } from '../../src/dispatch/start-dispatch.ts';
import { CallError } from '../../src/errors.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, emptied, listDispatches, newDispatch, startWorker } from '../support/dispatching.ts';
import { until } from '../support/until.ts';

/** A dispatch by either route, as its sender was given it. */
type Sent = [kind: string, payload: string];

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`deadlines and routes on ${dialect}`, () => {
    const fallback = { kind: 'second', payload: 'the other way', windowMs: 60_000 };
    const add = (database: Database, payload: string, more: object = {}) =>
      database.tx((tx) => enqueue(tx, newDispatch('lane', payload, { kind: 'first', ...more })));
    /** Delivers until everything is settled, by the senders `first` and `second`, and returns what they were given. */
    const drain = async (database: Database, fail: Record<string, Sender>, more: Partial<DispatchOptions> = {}) => {
      const tried: Sent[] = [];
      const note =
        (kind: string): Sender =>
        async (dispatch, signal) => {
          tried.push([kind, dispatch.payload]);
          await fail[kind]?.(dispatch, signal);
        };
      const senders = new Map(['first', 'second'].map((kind) => [kind, note(kind)]));
      const worker = startWorker({ ...deliverOptions(database, note('first')), senders, ...more });
      const rows = await until('all are settled', async () => {
        const all = await listDispatches(database);
        return all.every(({ state }) => state !== 'pending') && all;
      }).finally(() => worker.stop());
      return { tried, rows };
    };
    const outcomesOf = async (database: Database, dispatchId: string) =>
      (await loadAttempts(database, dispatchId)).map(({ attempt, outcome, route }: AttemptRow) => [
        attempt,
        route,
        outcome,
      ]);

    for (const [what, verdict, outcome] of [
      ['refuses it', 'permanent', 'refused'],
      ['says that it is closed', 'closed', 'closed'],
    ] as const) {
      const refuse: Sender = async ({ payload }: Dispatch) => {
        if (payload === 'p') throw new CallError('not by this way', { verdict });
      };

      test(`where the first route ${what}, it goes by its fallback, at its place in the lane`, async () => {
        const database = await open();
        const id = await add(database, 'p', { fallback });
        await add(database, 'q');
        const { tried, rows } = await drain(database, { first: refuse });
        assert.deepEqual(tried, [
          ['first', 'p'],
          ['second', 'the other way'],
          ['first', 'q'],
        ]);
        assert.deepEqual(
          rows.map(({ state, started, finished }) => [state, started, finished]),
          [
            ['delivered', 2, 2],
            ['delivered', 1, 1],
          ],
        );
        assert.deepEqual(await outcomesOf(database, id), [
          [1, 'first', outcome],
          [1, 'first', 'fallback'],
          [2, 'fallback', 'delivered'],
        ]);
      });

      test(`where the first route ${what} and there is no other, it is dead with its reason`, async () => {
        const database = await open();
        const id = await add(database, 'p');
        await add(database, 'q');
        const { tried, rows } = await drain(database, { first: refuse });
        assert.deepEqual(tried, [
          ['first', 'p'],
          ['first', 'q'],
        ]);
        assert.deepEqual([rows[0]?.state, rows[0]?.reason], ['dead', 'not by this way']);
        assert.deepEqual(await outcomesOf(database, id), [[1, 'first', outcome]]);
      });
    }

    test('what is expired goes by its fallback, with a window of its own, and is not tried by the first', async () => {
      const database = await open();
      const id = await add(database, 'late', { windowMs: -1, fallback });
      const { tried } = await drain(database, {});
      assert.deepEqual(tried, [['second', 'the other way']]);
      const [row] = await database.all<{ ms: number }>(
        `select expires_at - ${database.dialect.now} ms from dispatch where dispatch_id = ?`,
        [id],
      );
      assert.ok(row!.ms > 30_000 && row!.ms <= 60_000, `${row!.ms} ms are left`);
      assert.deepEqual(await outcomesOf(database, id), [
        [0, 'first', 'expired'],
        [0, 'first', 'fallback'],
        [1, 'fallback', 'delivered'],
      ]);
    });

    test('a fallback has no fallback: refused or late there, it ends as dead or expired', async () => {
      const database = await open();
      const refused = await add(database, 'p', { windowMs: -1, fallback });
      const late = await add(database, 'q', { windowMs: -1, fallback: { ...fallback, windowMs: -1 } });
      const refuse: Sender = async () => {
        throw new CallError('neither', { verdict: 'permanent' });
      };
      const { tried, rows } = await drain(database, { second: refuse });
      assert.deepEqual(tried, [['second', 'the other way']]);
      assert.deepEqual(
        rows.map(({ dispatch_id, state }) => [dispatch_id, state]),
        [
          [refused, 'dead'],
          [late, 'expired'],
        ],
      );
    });

    test('a failure for now does not take the fallback: the first route is tried until its time is over', async () => {
      const database = await open();
      await add(database, 'p', { windowMs: 3000, fallback });
      const fail: Sender = async () => {
        throw new CallError('busy');
      };
      const { tried } = await drain(database, { first: fail });
      assert.ok(tried.length >= 2);
      assert.deepEqual(tried.at(-1), ['second', 'the other way']);
      assert.ok(tried.slice(0, -1).every(([kind]) => kind === 'first'));
    });

    test('a send is cut off when the time of its dispatch is over, and nothing of it is sent after', async () => {
      const database = await open();
      const id = await add(database, 'p', { windowMs: 3000, fallback });
      let allowedMs = 0;
      const hang: Sender = (_, signal) => {
        const begunMs = performance.now();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            allowedMs = performance.now() - begunMs;
            reject(signal.reason);
          });
        });
      };
      const { tried } = await drain(database, { first: hang }, { sendTimeoutMs: 30_000, leaseMs: 60_000 });
      assert.ok(allowedMs < 5000, `the send was given ${Math.round(allowedMs)} ms`);
      assert.deepEqual(tried, [
        ['first', 'p'],
        ['second', 'the other way'],
      ]);
      const [expires] = await database.all<{ late: number }>(
        'select max(a.started_at) - d.created_at - 3000 late from dispatch d join dispatch_attempt a on a.dispatch_id = d.dispatch_id' +
          " where d.dispatch_id = ? and a.outcome = 'failed' group by d.created_at",
        [id],
      );
      assert.ok(Number(expires!.late) < 0, 'the try began in time');
    });

    test('what expires between begin and send is not sent', async () => {
      const database = await open();
      const windowMs = 250;
      await add(database, 'late', { windowMs });
      await add(database, 'next', { windowMs: 60_000 });
      let isSlow = true;
      // The begin's answer comes only when the time is over.
      const slow: Database = {
        ...database,
        tx: async (work, options) => {
          const result = await database.tx(work, options);
          if (result === 'begun' && isSlow) {
            isSlow = false;
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, windowMs + 50);
          }
          return result;
        },
      };
      const { tried, rows } = await drain(slow, {});
      assert.deepEqual(tried, [['first', 'next']]);
      assert.deepEqual([rows[0]?.state, rows[0]?.started], ['expired', 0], 'the try that was not made does not count');
    });

    test('what passes its deadline while paused goes by its fallback after the resume, never by the first', async () => {
      const database = await open();
      await pauseScope(database, globalScope, 'anna', 'a test');
      await add(database, 'p', { windowMs: 30, fallback });
      await add(database, 'q', { windowMs: 30 });
      await until('their time is over', async () => {
        const sql = `select 1 from dispatch where expires_at >= ${database.dialect.now}`;
        return (await database.all(sql)).length === 0;
      });
      await resumeScope(database, globalScope, 'anna', 'a test');
      const { tried, rows } = await drain(database, {});
      assert.deepEqual(tried, [['second', 'the other way']]);
      assert.deepEqual(
        rows.map(({ state }) => state),
        ['delivered', 'expired'],
      );
    });

    test('enqueueing again after the fallback was taken is still enqueueing once', async () => {
      const database = await open();
      const id = await add(database, 'p', { windowMs: -1, fallback });
      await drain(database, {});
      assert.equal(await add(database, 'p', { windowMs: -1, fallback }), id);
      assert.equal((await listDispatches(database)).length, 1);
    });

    test('of very many tries the last fifty are kept, with their numbers and reasons', async () => {
      const database = await open();
      const id = await add(database, 'p');
      let tries = 0;
      const fail: Sender = async () => {
        if (++tries < 55) throw new CallError(`busy ${tries}`);
      };
      await drain(database, { first: fail }, { backoff: { baseMs: 1, maxMs: 2 } });
      const attempts = await loadAttempts(database, id);
      assert.deepEqual(
        attempts.map(({ attempt }) => attempt),
        Array.from({ length: 50 }, (_, index) => index + 6),
      );
      assert.deepEqual([attempts[0]?.outcome, attempts[0]?.reason], ['failed', 'busy 6']);
      assert.equal(attempts.at(-1)?.outcome, 'delivered');
      assert.ok(attempts.every(({ started_at, ended_at }) => started_at > 0 && ended_at >= started_at));
    });
  });
});
