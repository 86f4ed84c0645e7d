import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/dispatch/backoff.ts';

const dayMs = 24 * 60 * 60 * 1000;
const failures = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 1_000_000_000 }));
const options = fc
  .record({ baseMs: fc.integer({ min: 10, max: 60_000 }), maxMs: fc.integer({ min: 1000, max: dayMs }) })
  .filter(({ baseMs, maxMs }) => baseMs <= maxMs);
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the wait doubles with each failure, and lies in the upper half of what it has doubled to', () => {
  fc.assert(
    fc.property(failures, options, chance, (count, { baseMs, maxMs }, random) => {
      const ceiling = Math.min(maxMs, baseMs * 2 ** (count - 1));
      const waitMs = backoffMs(count, { baseMs, maxMs }, undefined, () => random);
      assert.ok(waitMs >= ceiling / 2 && waitMs <= Math.ceil(ceiling), `${waitMs} of ${ceiling}`);
    }),
  );
});

test('the wait never exceeds the limit, however many failures there were', () => {
  fc.assert(
    fc.property(failures, options, (count, limits) => {
      const waitMs = backoffMs(count, limits);
      assert.ok(Number.isSafeInteger(waitMs) && waitMs > 0 && waitMs <= limits.maxMs);
    }),
  );
});

test('a thousand lanes that fail together come back spread over more than 80 % of the range', () => {
  const waits = Array.from({ length: 1000 }, () => backoffMs(5, { baseMs: 1000, maxMs: 300_000 }));
  const [least, most] = [Math.min(...waits), Math.max(...waits)];
  assert.ok(most - least > 0.8 * 8000, `${least} to ${most}`);
  const asked = Array.from({ length: 1000 }, () => backoffMs(1, { baseMs: 10, maxMs: 20 }, 60_000));
  assert.ok(Math.max(...asked) - Math.min(...asked) > 0.8 * 6000, 'also those that were told the same Retry-After');
});

test('Retry-After is a floor up to a day, also beyond our own limit, and lasts at most a tenth longer', () => {
  fc.assert(
    fc.property(
      failures,
      options,
      fc.integer({ min: 0, max: 10 * dayMs }),
      chance,
      (count, limits, askedMs, random) => {
        const waitMs = backoffMs(count, limits, askedMs, () => random);
        const floor = Math.min(askedMs, dayMs);
        assert.ok(waitMs >= floor, `${waitMs} where ${askedMs} was asked for`);
        assert.ok(waitMs <= Math.max(Math.ceil(1.1 * floor) + 1, limits.maxMs));
      },
    ),
  );
});

test('without Retry-After, and with one that is over, the wait is our own', () => {
  const own = backoffMs(3, { baseMs: 100, maxMs: 10_000 }, undefined, () => 0.5);
  assert.equal(own, 300);
  assert.equal(
    backoffMs(3, { baseMs: 100, maxMs: 10_000 }, 0, () => 0.5),
    own,
  );
});
