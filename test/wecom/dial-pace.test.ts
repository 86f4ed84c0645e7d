import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDialPace } from '../../src/wecom/long-connection/dial-pace.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;

test('however many want to dial at once, no more than 50 of them do in a second, in their order', async () => {
  const { turn } = createDialPace();
  const beganMs = performance.now();
  const turns: number[] = [];
  await Promise.all(Array.from({ length: 40 }, (_, index) => turn(never).then(() => turns.push(index))));
  assert.ok(performance.now() - beganMs >= 39 * 20 - 5);
  assert.deepEqual(turns, [...turns.keys()]);
});

test('who is stopped waits no longer, and nobody waits for it', async () => {
  const { turn } = createDialPace();
  await turn(never);
  const stopping = Array.from({ length: 10_000 }, () => new AbortController());
  let done = 0;
  for (const { signal } of stopping) void turn(signal).then(() => done++);
  const another = turn(never);
  for (const each of stopping) each.abort();
  await until('all are let go, who had minutes to wait', () => done === stopping.length, 5000);
  await Promise.race([another, new Promise((_, reject) => setTimeout(reject, 10_000, new Error('it still waits')))]);
});
