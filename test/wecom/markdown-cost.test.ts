import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDraft, renderMarkdown } from '../../src/wecom/markdown/index.ts';

/** The time that the event loop stands still at least, in ms, of some runs. */
function leastTime(run: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

/** Four times as much may take four times as long, and some more; what is quick says nothing of how it grows. */
function assertLinear(act: (text: string) => unknown, textOf: (count: number) => string, count: number): void {
  const [few, many] = [textOf(count), textOf(4 * count)];
  act(few); // compiled
  const [before, after] = [leastTime(() => act(few)), leastTime(() => act(many))];
  assert.ok(after < 9 * before + 60, `${JSON.stringify(few.slice(0, 20))}: ${before} ms, then ${after} ms`);
}

test('lines that begin with a pipe end a draft in time that grows as they do', { timeout: 120_000 }, () => {
  assertLinear(closeDraft, (count) => '| a | b |\n'.repeat(count), 100);
  assertLinear(closeDraft, (count) => '|a\n'.repeat(count), 300);
  assertLinear(closeDraft, (count) => '|a\n\n'.repeat(count), 150);
});

test('lines that begin with a pipe are left out of a draft as far as they are no table', () => {
  assert.equal(closeDraft('甲\n| a |\n| b |\n\n| c |'), '甲');
  assert.equal(closeDraft('| a |\n| - |\n| b |\n\n| c |'), '| a |\n| - |\n| b |');
  assert.equal(closeDraft('- 甲\n\n| a |\n\n\n| b'), '- 甲');
  assert.equal(closeDraft('**甲\n| a |'), '**甲**');
  assert.equal(closeDraft('| a |\n| b |'), '');
});

test('a last line of spaces or of signs ends a draft in time that grows as it does', { timeout: 120_000 }, () => {
  assertLinear(closeDraft, (count) => `a\n${' '.repeat(count)}x`, 500);
  assertLinear(closeDraft, (count) => `a\n> ${'- '.repeat(count)}x`, 500);
});

test('backticks end a draft in time that grows as they do', { timeout: 120_000 }, () => {
  assertLinear(closeDraft, (count) => `a ${'`'.repeat(count)}`, 5000);
});

test('spaces in HTML are rendered in time that grows as they do', { timeout: 120_000 }, () => {
  assertLinear(renderMarkdown, (count) => `<div>${' '.repeat(count)}x</div>`, 7500);
});
