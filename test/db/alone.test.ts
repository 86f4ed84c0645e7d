import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAlone } from '../../src/db/alone.ts';
import { createGate } from '../support/accounts.ts';

test('suspects are tried one after another, as they came, though one fails', async () => {
  const alone = createAlone(60_000);
  const gate = createGate();
  const told: string[] = [];
  const first = alone(async () => {
    await gate.opened;
    told.push('first ends');
    throw new Error('it failed');
  });
  const others = ['second', 'third'].map((name) =>
    alone(async () => {
      told.push(`${name} begins`);
      await new Promise(setImmediate);
      told.push(`${name} ends`);
      return name;
    }),
  );
  await new Promise(setImmediate);
  assert.deepEqual(told, []);
  gate.open();
  await assert.rejects(first, /it failed/);
  assert.deepEqual(await Promise.all(others), ['second', 'third']);
  assert.deepEqual(told, ['first ends', 'second begins', 'second ends', 'third begins', 'third ends']);
});

test('whoever waits in vain is told so and is never tried; those behind it still wait for those before it', async () => {
  const alone = createAlone(30);
  const gate = createGate();
  let underWay = true;
  const first = alone(async () => {
    await gate.opened;
    underWay = false;
    return 'done';
  });
  for (const name of ['one', 'another']) {
    assert.equal(await alone(async () => assert.fail(`${name} was tried`)), undefined);
  }
  gate.open();
  assert.equal(await alone(async () => !underWay), true);
  assert.equal(await first, 'done');
});
