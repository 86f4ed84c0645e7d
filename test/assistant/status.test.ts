import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveStatus } from '../../src/assistant/status.ts';

test('the status is 1, then 5, then 3 while such work is open, else the one that finished last', () => {
  const table: [phase: string, finishedPhase: string | null, hasEvents: boolean, status: number][] = [
    ['first', null, false, 1],
    ['first', null, true, 1],
    ['first', 'update', false, 1],
    ['supplement', 'first', false, 5],
    ['supplement', 'first', true, 5],
    ['supplement', 'update', false, 5],
    ['idle', 'first', false, 2],
    ['idle', 'first', true, 3],
    ['idle', 'supplement', false, 6],
    ['idle', 'supplement', true, 3],
    ['idle', 'update', false, 4],
    ['idle', 'update', true, 3],
    // A comparison with the WeChat side is no such work.
    ['sync', 'first', false, 2],
    ['sync', 'first', true, 3],
    ['sync', 'supplement', false, 6],
    ['sync', 'update', false, 4],
  ];
  for (const [phase, finishedPhase, hasEvents, status] of table) {
    assert.equal(deriveStatus({ phase, finishedPhase, hasEvents }), status, `${phase} ${finishedPhase} ${hasEvents}`);
  }
});
