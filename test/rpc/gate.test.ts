import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createGate, type GateOptions, Refused } from '../../src/rpc/admission/gate.ts';

const never = new AbortController().signal;

/** A gate with a clock of its own, and what became of the calls that entered it. */
function makeGate(options: Partial<GateOptions> = {}) {
  let nowMs = 0;
  const gate = createGate({ slots: 4, maxWaiting: 10, maxWaitMs: 60_000, now: () => nowMs, ...options });
  const order: string[] = [];
  const leaves: (() => void)[] = [];
  const enter = (account: string, signal = never) =>
    gate.enter(account, signal).then(
      (leave) => {
        order.push(account);
        leaves.push(leave);
        return 'in';
      },
      (error) => (error instanceof Refused ? error.refusal : error.message),
    );
  /** Ends the oldest call that was let in, `tookMs` later. */
  const end = async (tookMs = 0) => {
    await settled();
    nowMs += tookMs;
    leaves.shift()!();
    await settled();
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { gate, enter, end, pass, order, leaves };
}

/** All that is resolved so far has been handled. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the gate of calls that write', () => {
  test('leaves a slot to others while the calls of one account take long', async () => {
    const { enter, order, gate } = makeGate();
    const flood = Array.from({ length: 9 }, () => enter('flood'));
    await settled();
    assert.equal(order.length, 3);
    assert.equal(await enter('other'), 'in');
    assert.deepEqual(gate.count(), { running: 4, waiting: 6 });
    assert.equal(flood.length, 9);
  });

  test('lets accounts have their turn one after another, and the calls of one in their order', async () => {
    const { enter, end, order, gate } = makeGate({ slots: 1 });
    const letters = ['a', 'a', 'a', 'a', 'b', 'c', 'b'];
    const all = letters.map((account) => enter(account));
    for (let ended = 0; ended < letters.length; ended++) await end();
    assert.deepEqual(
      await Promise.all(all),
      letters.map(() => 'in'),
    );
    assert.equal(order.join(''), 'aabcaba');
    assert.deepEqual(gate.count(), { running: 0, waiting: 0 });
  });

  test('refuses the last call of the account that waits most, to let one of another wait', async () => {
    const { enter } = makeGate({ slots: 1, maxWaiting: 3 });
    const flood = Array.from({ length: 4 }, () => enter('flood'));
    assert.equal(await enter('flood'), 'full');
    const other = enter('other');
    assert.equal(await flood[3], 'full');
    assert.equal(await Promise.race([other, settled().then(() => 'waits')]), 'waits');
    assert.equal(await Promise.race([flood[2]!, settled().then(() => 'waits')]), 'waits');
  });

  test('an account whose queue is never empty waits for a tenth of the time at most, until it is', async () => {
    const { enter, end, gate, pass, leaves } = makeGate({ slots: 1, maxWaitMs: 1000, maxWaiting: 1000 });
    for (let at = 0; at < 50; at++) void enter('a');
    await settled();
    assert.deepEqual(gate.count(), { running: 1, waiting: 49 }, 'a burst waits');
    for (let at = 0; at < 41; at++) await end(25);
    assert.deepEqual(gate.count(), { running: 1, waiting: 8 }, 'what waits already is not refused');
    assert.equal(await enter('a'), 'busy', 'it would be the ninth, at 25 ms each');
    for (let at = 0; at < 6; at++) await end(25);
    const inTime = [enter('a'), enter('a')];
    assert.equal(await enter('a'), 'busy', 'the fifth');
    const other = [enter('b'), enter('b'), enter('b'), enter('b'), enter('b'), enter('b')];
    await settled();
    assert.equal(gate.count().waiting, 10, 'another has its burst');
    await end(25);
    assert.equal(await enter('a'), 'busy', 'with two that take turns, the third waits for 150 ms');
    while (leaves.length > 0) await end(25);
    for (const call of [...inTime, ...other]) assert.equal(await call, 'in');
    for (let at = 0; at < 20; at++) void enter('a');
    pass(500);
    assert.equal(gate.count().waiting, 19, 'a new burst may wait again');
  });

  test('refuses at once what of a burst could not have its turn in twice the time that it may wait', async () => {
    const { enter, end, gate } = makeGate({ slots: 1, maxWaitMs: 1000, maxWaiting: 1000 });
    for (let at = 0; at < 20; at++) {
      void enter('a');
      await end(100);
    }
    const burst = Array.from({ length: 30 }, () => enter('a'));
    assert.equal(await burst[21], 'busy');
    assert.deepEqual(gate.count(), { running: 1, waiting: 20 });
  });

  test('refuses at once when nothing has come out for so long, and begins again when something does', async () => {
    const { enter, end, pass } = makeGate({ slots: 2, maxWaitMs: 1000 });
    assert.equal(await enter('a'), 'in');
    assert.equal(await enter('b'), 'in');
    pass(1001);
    assert.equal(await enter('b'), 'stuck');
    assert.equal(await enter('c'), 'stuck');
    await end();
    assert.equal(await enter('c'), 'in');
  });

  test('refuses who has waited for too long, and forgets who waits no longer', async () => {
    const { enter, gate, end, order } = makeGate({ slots: 1, maxWaitMs: 30 });
    assert.equal(await enter('a'), 'in');
    assert.equal(await enter('b'), 'busy');
    const left = new AbortController();
    const gone = enter('b', left.signal);
    left.abort(new Error('gone'));
    assert.equal(await gone, 'gone');
    assert.deepEqual(gate.count(), { running: 1, waiting: 0 });
    await end();
    assert.deepEqual(order, ['a']);
    assert.deepEqual(gate.count(), { running: 0, waiting: 0 });
  });

  test('gives a slot back once, however often it is given back', async () => {
    const { gate } = makeGate({ slots: 1 });
    const leave = await gate.enter('a', never);
    leave();
    leave();
    await gate.enter('b', never);
    assert.deepEqual(gate.count(), { running: 1, waiting: 0 });
  });
});
