import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { AttemptOutcome, DispatchState } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Database } from '../../src/db/database.ts';
import { beginHead, findHead } from '../../src/dispatch/begin.ts';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { CallError } from '../../src/errors.ts';
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
import { asked, operate } from '../support/operating.ts';
import { until } from '../support/until.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`operators' commands on ${dialect}`, () => {
    const idOf = async (database: Database, payload: string) =>
      (await listDispatches(database)).find((row) => row.payload === payload)!.dispatch_id;
    const stateOf = async (database: Database, payload: string) =>
      (await listDispatches(database)).find((row) => row.payload === payload)!.state;
    const settled = (database: Database) =>
      until('all are settled', async () => (await listDispatches(database)).every(({ state }) => state !== 'pending'));
    const drain = async (database: Database, send: Sender) => {
      const worker = startWorker(deliverOptions(database, send));
      await settled(database).finally(() => worker.stop());
    };
    const refusalOf = async (call: Promise<unknown>) => {
      const error = ConnectError.from(
        await call.then(
          () => assert.fail('it was not refused'),
          (reason) => reason,
        ),
      );
      return [error.code, error.rawMessage];
    };
    const patient = (database: Database, send: Sender) => ({
      ...deliverOptions(database, send),
      ...{ sendTimeoutMs: 30_000, leaseMs: 60_000 },
    });
    /** A sender that hangs at one payload until it is told how to end. */
    const hangingAt = (payload: string) => {
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
      const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>();
      const { send, sent, tried } = recordingSender();
      const hang: Sender = async (dispatch, signal) => {
        if (dispatch.payload !== payload || sent.includes(payload)) return send(dispatch, signal);
        tried.push(payload);
        arrive();
        const error = await ended;
        if (error !== undefined) throw error;
        sent.push(payload);
      };
      return { send: hang, arrived, end, sent, tried };
    };

    for (const state of ['dead', 'expired', 'cancelled'] as const) {
      test(`retry: one that is ${state} is sent, before what waits behind it, with time of its own`, async () => {
        const database = await open();
        await enqueueAll(database, 'lane', ['a', 'b', 'c', 'd']);
        await database.run(
          `update dispatch set state = ?, reason = 'it failed', settled_at = 1, started = 4, finished = 1, expires_at = 5
            where payload = 'b'`,
          [state],
        );
        await database.run("update dispatch set state = 'delivered' where payload in ('a', 'c')");
        const dispatchId = await idOf(database, 'b');
        const operator = operate(database);
        const before = Date.now() / 1000;
        const answer = await operator.retryDispatch({ dispatchId, ...asked, windowSeconds: 600 });
        assert.ok(answer.expiresAt > before + 500 && answer.expiresAt < before + 700);
        assert.deepEqual([answer.isLate, answer.mayHaveArrived], [true, true]);
        const { send, sent } = recordingSender();
        await drain(database, send);
        assert.deepEqual(sent, ['b', 'd'], 'not buried at once, at its old place');
        const { dispatch, attempts, audit } = await operator.getDispatch({ dispatchId });
        assert.deepEqual([dispatch?.state, dispatch?.retries], [DispatchState.DELIVERED, 1]);
        assert.deepEqual(
          attempts.map(({ number, outcome }) => [number, outcome]),
          [[5, AttemptOutcome.DELIVERED]],
        );
        assert.deepEqual(
          audit.map(({ actor, action, target, reason }) => [actor, action, target, reason]),
          [['anna', 'RetryDispatch', `dispatch:${dispatchId}`, 'a test']],
        );
      });
    }

    test('retry: without a window it gets the one that it was enqueued with, or that of its fallback', async () => {
      const database = await open();
      const fallback = { kind: 'test', payload: 'q', windowMs: 900_000 };
      await database.tx((tx) => enqueue(tx, newDispatch('lane', 'p', { windowMs: 300_000, fallback })));
      const dispatchId = await idOf(database, 'p');
      const left = async (route: string) => {
        await database.run("update dispatch set state = 'dead', route = ?, expires_at = 5", [route]);
        const { expiresAt } = await operate(database).retryDispatch({ dispatchId, ...asked });
        return Math.round((expiresAt - Date.now() / 1000) / 100) * 100;
      };
      assert.equal(await left('first'), 300);
      assert.equal(await left('fallback'), 900);
      await database.run('update dispatch set window_ms = 0, created_at = expires_at - 600000'); // the release before
      await database.run("update dispatch set state = 'expired', route = 'first'");
      const { expiresAt } = await operate(database).retryDispatch({ dispatchId, ...asked });
      assert.ok(expiresAt > Date.now() / 1000 + 500);
    });

    test('retry: a pending one is tried at once and keeps its time', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['p']);
      await database.run(`update lane set due_at = ${database.dialect.now} + 3600000, failures = 7`);
      const [was] = await database.all<{ expires_at: number }>('select expires_at from dispatch');
      let woken = 0;
      const operator = operate(database, () => woken++);
      const answer = await operator.retryDispatch({ dispatchId: await idOf(database, 'p'), ...asked });
      assert.deepEqual([answer.isLate, answer.mayHaveArrived], [false, false]);
      assert.equal(answer.expiresAt, Math.floor(was!.expires_at / 1000));
      assert.equal(woken, 1);
      const { send, sent } = recordingSender();
      await drain(database, send);
      assert.deepEqual(sent, ['p']);
    });

    test('retry: one that is delivered is refused, and nothing is written down', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['p']);
      await database.run("update dispatch set state = 'delivered'");
      const dispatchId = await idOf(database, 'p');
      assert.deepEqual(await refusalOf(operate(database).retryDispatch({ dispatchId, ...asked })), [
        Code.FailedPrecondition,
        `dispatch ${dispatchId} is delivered: it isn't sent again`,
      ]);
      assert.deepEqual(await database.all('select 1 from audit'), []);
    });

    test('cancel: it is never sent, what follows it waits no longer, and it can be retried', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b']);
      await database.run(`update lane set due_at = ${database.dialect.now} + 3600000, failures = 7`);
      const operator = operate(database);
      const dispatchId = await idOf(database, 'a');
      const answer = await operator.cancelDispatch({ dispatchId, ...asked });
      assert.deepEqual([answer.mayHaveArrived, answer.underWay], [false, false]);
      const { send, tried } = recordingSender();
      await drain(database, send);
      assert.deepEqual(tried, ['b']);
      const [a] = await listDispatches(database);
      assert.deepEqual([a?.state, a?.reason], ['cancelled', 'cancelled by anna: a test']);
      assert.deepEqual(await refusalOf(operator.cancelDispatch({ dispatchId, ...asked })), [
        Code.FailedPrecondition,
        `dispatch ${dispatchId} is cancelled, not pending`,
      ]);
      assert.equal((await operator.retryDispatch({ dispatchId, ...asked })).isLate, true);
      await drain(database, send);
      assert.deepEqual(tried, ['b', 'a']);
    });

    for (const [how, error, outcome] of [
      ['delivered', undefined, AttemptOutcome.DELIVERED],
      ['refused', new CallError('no', { verdict: 'permanent' }), AttemptOutcome.REFUSED],
      ['failed for now', new CallError('busy', { retryAfterMs: 3_600_000 }), AttemptOutcome.FAILED],
    ] as const) {
      test(`cancel: while it is being sent the answer says so; ${how} then, it stays cancelled, and the try is kept`, async () => {
        const database = await open();
        await enqueueAll(database, 'lane', ['a', 'b']);
        const { send, arrived, end, tried } = hangingAt('a');
        const worker = startWorker(patient(database, send));
        await arrived;
        const operator = operate(database);
        const dispatchId = await idOf(database, 'a');
        const answer = await operator.cancelDispatch({ dispatchId, ...asked });
        assert.deepEqual([answer.mayHaveArrived, answer.underWay], [true, true]);
        end(error);
        await until('what follows is delivered', async () => (await stateOf(database, 'b')) === 'delivered');
        await worker.stop();
        assert.deepEqual(tried, ['a', 'b'], 'it is not tried again, and keeps nobody waiting');
        const { dispatch, attempts } = await operator.getDispatch({ dispatchId });
        assert.equal(dispatch?.state, DispatchState.CANCELLED);
        assert.deepEqual([dispatch?.attempts, dispatch?.unendedAttempts], [1, 0]);
        assert.deepEqual(
          attempts.map((attempt) => attempt.outcome),
          [outcome],
        );
      });
    }

    test('retry: of one that was cancelled while it is being sent, is not sent twice', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b']);
      const { send, arrived, end, tried } = hangingAt('a');
      const worker = startWorker(patient(database, send));
      await arrived;
      const operator = operate(database);
      const dispatchId = await idOf(database, 'a');
      await operator.cancelDispatch({ dispatchId, ...asked });
      assert.equal((await operator.retryDispatch({ dispatchId, ...asked })).mayHaveArrived, true);
      end(undefined);
      await settled(database);
      await worker.stop();
      assert.deepEqual(tried, ['a', 'b']);
      assert.equal(await stateOf(database, 'a'), 'delivered');
    });

    test('unblock: the head is tried at once, however long its lane was to wait', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b']);
      await database.run(`update lane set due_at = ${database.dialect.now} + 3600000, failures = 7`);
      const operator = operate(database);
      const answer = await operator.unblockLane({ laneId: 'lane', ...asked });
      assert.deepEqual([answer.buriedDispatchId, answer.headDispatchId], ['', await idOf(database, 'a')]);
      assert.deepEqual(await database.all('select failures from lane'), [{ failures: 0 }]);
      const { send, sent } = recordingSender();
      await drain(database, send);
      assert.deepEqual(sent, ['a', 'b']);
      const [code] = await refusalOf(operator.unblockLane({ laneId: 'nowhere', ...asked }));
      assert.equal(code, Code.NotFound);
    });

    test('unblock: with bury_head what follows goes on, also while the head is being sent', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a', 'b']);
      const { send, arrived, end, tried } = hangingAt('a');
      const worker = startWorker(patient(database, send));
      await arrived;
      const operator = operate(database);
      const answer = await operator.unblockLane({ laneId: 'lane', ...asked, buryHead: true });
      const dispatchId = await idOf(database, 'a');
      assert.deepEqual(
        [answer.buriedDispatchId, answer.mayHaveArrived, answer.headDispatchId],
        [dispatchId, true, await idOf(database, 'b')],
      );
      end(new CallError('busy', { retryAfterMs: 3_600_000 }));
      await until('what follows is delivered', async () => (await stateOf(database, 'b')) === 'delivered');
      await worker.stop();
      assert.deepEqual(tried, ['a', 'b']);
      const { dispatch, attempts, audit } = await operator.getDispatch({ dispatchId });
      assert.deepEqual(
        [dispatch?.state, dispatch?.reason, dispatch?.unendedAttempts],
        [DispatchState.DEAD, 'buried by anna: a test', 0],
      );
      assert.equal(attempts.length, 1);
      assert.equal(audit[0]?.target, 'lane:lane');
    });

    test('a lane that nothing waits in has no head to bury, and stays idle', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a']);
      await database.run("update dispatch set state = 'delivered'");
      await database.run('update lane set due_at = null');
      const answer = await operate(database).unblockLane({ laneId: 'lane', ...asked, buryHead: true });
      assert.deepEqual([answer.buriedDispatchId, answer.headDispatchId], ['', '']);
      assert.deepEqual(await database.all('select due_at from lane'), [{ due_at: null }]);
    });

    test('a try whose process has died is visible: as unended, and as a number that is missing', async () => {
      const database = await open();
      await enqueueAll(database, 'lane', ['a']);
      const [lease] = await claimLanes(database, 1, 60_000);
      const head = await findHead(database, 'lane');
      assert.equal(await database.tx((tx) => beginHead(tx, lease!, head!)), 'begun');
      const operator = operate(database);
      const died = await operator.getDispatch({ dispatchId: head!.dispatchId });
      assert.deepEqual([died.lane?.held, died.dispatch?.unendedAttempts, died.attempts], [true, 1, []]);
      await database.run(`update lane set due_at = ${database.dialect.now}`); // its lease runs out
      const { send } = recordingSender();
      await drain(database, send);
      const { dispatch, attempts } = await operator.getDispatch({ dispatchId: head!.dispatchId });
      assert.deepEqual([dispatch?.attempts, dispatch?.unendedAttempts], [2, 0]);
      assert.deepEqual(
        attempts.map(({ number, outcome }) => [number, outcome]),
        [[2, AttemptOutcome.DELIVERED]],
      );
    });
  });
});
