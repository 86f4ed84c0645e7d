import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { CallError } from '../../src/errors.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, emptied, enqueueAll, listDispatches, startWorker } from '../support/dispatching.ts';
import { asked, operate } from '../support/operating.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

const rounds = 200;

eachDatabase((dialect, create) => {
  const open = emptied(create);
  test(`${rounds} races of cancel and retry with the delivery, on ${dialect}: what was answered holds`, async (t) => {
    const database = await open();
    const random = createRandom();
    t.diagnostic(`seed ${random.seed}`);
    /** What reached the sender, and what the receiver took. */
    const tried: string[] = [];
    const taken: string[] = [];
    const send: Sender = async ({ payload }) => {
      tried.push(payload);
      await sleep(random.below(6));
      if (random.chance(0.15)) throw new CallError('busy');
      taken.push(payload);
    };
    const operator = operate(database);
    /** Of each payload, its retries that were taken, and the last answer of a cancel that no retry followed. */
    const retries = new Map<string, number>();
    const cancelled = new Map<string, { isOut: boolean; triedBefore: number }>();
    const triesOf = (payload: string) => tried.filter((each) => each === payload).length;

    const operateOn = async (round: number) => {
      const lane = `lane-${round}`;
      await enqueueAll(
        database,
        lane,
        ['a', 'b', 'c'].map((letter) => `${round}/${letter}`),
      );
      const rows = await listDispatches(database, lane);
      for (let commands = 0; commands < 4; commands++) {
        await sleep(random.below(12));
        const { dispatch_id: dispatchId, payload } = random.pick(rows);
        try {
          if (random.chance(0.5)) {
            const { mayHaveArrived } = await operator.cancelDispatch({ dispatchId, ...asked });
            cancelled.set(payload, { isOut: mayHaveArrived, triedBefore: triesOf(payload) });
          } else {
            await operator.retryDispatch({ dispatchId, ...asked });
            cancelled.delete(payload);
            retries.set(payload, (retries.get(payload) ?? 0) + 1);
          }
        } catch (error) {
          assert.equal(ConnectError.from(error).code, Code.FailedPrecondition);
        }
      }
    };
    const workers = [1, 2].map(() => startWorker(deliverOptions(database, send)));
    const running = new Set<Promise<void>>();
    for (let round = 0; round < rounds; round++) {
      const run = operateOn(round).finally(() => running.delete(run));
      running.add(run);
      if (running.size === 10) await Promise.race(running);
    }
    await Promise.all(running);
    await until(
      'all are settled',
      async () => (await database.all("select 1 from dispatch where state = 'pending' limit 1")).length === 0,
    );
    for (const worker of workers) await worker.stop();

    const attempts = await database.all<{ dispatch_id: string; many: number }>(
      'select dispatch_id, count(*) many from dispatch_attempt group by dispatch_id',
    );
    const recorded = new Map(attempts.map(({ dispatch_id, many }) => [dispatch_id, Number(many)]));
    const rows = await listDispatches(database);
    for (const { payload, state, dispatch_id: dispatchId, started, finished } of rows) {
      const what = `${payload}, ${state}, cancelled ${JSON.stringify(cancelled.get(payload))}`;
      const arrivals = taken.filter((each) => each === payload).length;
      const answer = cancelled.get(payload);
      assert.equal(state, answer === undefined ? 'delivered' : 'cancelled', what);
      if (answer?.isOut === false)
        assert.equal(triesOf(payload), answer.triedBefore, `${what}: tried after the answer`);
      if (state === 'delivered') assert.ok(arrivals >= 1, `${what}: not sent`);
      assert.ok(arrivals <= 1 + (retries.get(payload) ?? 0), `${what}: sent ${arrivals} times`);
      assert.deepEqual(
        [finished, recorded.get(dispatchId) ?? 0],
        [started, triesOf(payload)],
        `${what}: every try has an end`,
      );
    }
    const untouched = rows.filter(({ payload }) => !cancelled.has(payload) && !retries.has(payload));
    const order = untouched.map(({ payload }) => taken.indexOf(payload));
    for (const [index, { lane_id }] of untouched.entries()) {
      if (untouched[index + 1]?.lane_id === lane_id) assert.ok(order[index]! < order[index + 1]!, `${lane_id}: order`);
    }
    t.diagnostic(`${taken.length} sent, ${cancelled.size} cancelled, ${retries.size} retried`);
  });
});
