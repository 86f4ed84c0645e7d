import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { interleave } from '../../src/message/interleave.ts';

/** Gives the values that are pushed, until it is ended or fails. */
function source() {
  const waiting: ((step: () => IteratorResult<string>) => void)[] = [];
  const ready: (() => IteratorResult<string>)[] = [];
  const push = (step: () => IteratorResult<string>) => {
    const next = waiting.shift();
    if (next) next(step);
    else ready.push(step);
  };
  let returned = false;
  const generator = (async function* () {
    try {
      for (;;) {
        const step =
          ready.shift() ?? (await new Promise<() => IteratorResult<string>>((resolve) => waiting.push(resolve)));
        const { done, value } = step();
        if (done) return;
        yield value as string;
      }
    } finally {
      returned = true;
    }
  })();
  return {
    generator,
    give: (value: string) => push(() => ({ done: false, value })),
    end: () => push(() => ({ done: true, value: undefined })),
    fail: (error: Error) =>
      push(() => {
        throw error;
      }),
    wasEnded: () => returned,
  };
}

describe('interleave', () => {
  test('gives each value as soon as it is there, whichever generator it is of', async () => {
    const [a, b] = [source(), source()];
    const both = interleave([a.generator, b.generator]);
    const next = async () => (await both.next()).value;
    b.give('b1');
    assert.equal(await next(), 'b1');
    a.give('a1');
    assert.equal(await next(), 'a1');
    b.end();
    a.give('a2');
    assert.equal(await next(), 'a2');
    a.end();
    assert.deepEqual(await both.next(), { done: true, value: undefined });
  });

  test('an error of one ends all, also while the reader is busy with a value of another', async () => {
    const [a, b] = [source(), source()];
    const both = interleave([a.generator, b.generator]);
    a.give('a1');
    assert.equal((await both.next()).value, 'a1');
    b.fail(new Error('broken'));
    a.end();
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail the test
    await assert.rejects(Array.fromAsync(both), /broken/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(a.wasEnded() && b.wasEnded());
  });

  test('a reader that leaves ends all', async () => {
    const [a, b] = [source(), source()];
    a.give('a1');
    for await (const value of interleave([a.generator, b.generator])) {
      assert.equal(value, 'a1');
      a.end();
      b.end();
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(a.wasEnded() && b.wasEnded());
  });
});
