import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDraft, renderMarkdown, takePiece } from '../../src/wecom/markdown/index.ts';

/** The time that the event loop stands still at least, in ms, of some runs. */
function leastTime(run: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

test('lines that begin with a pipe are left out of a draft as far as they are no table', () => {
  assert.equal(closeDraft('甲\n| a |\n| b |\n\n| c |'), '甲');
  assert.equal(closeDraft('| a |\n| - |\n| b |\n\n| c |'), '| a |\n| - |\n| b |');
  assert.equal(closeDraft('- 甲\n\n| a |\n\n\n| b'), '- 甲');
  assert.equal(closeDraft('**甲\n| a |'), '**甲**');
  assert.equal(closeDraft('| a |\n| b |'), '');
});

/** Far more than it takes on a machine with much else to do, and far less than it took before it was bounded. */
const mostMs = 5000;

/** What took many seconds once: each is cut to the longest text that is rendered. */
const worst: Record<string, string> = {
  'rows without a table': '| a | b |\n'.repeat(6000),
  'short rows without a table': '|a\n'.repeat(20_000),
  'rows apart': '|a\n\n'.repeat(15_000),
  'a last line of spaces': `a\n${' '.repeat(60_000)}x`,
  'a last line of signs': `a\n> ${'- '.repeat(30_000)}x`,
  'spaces in HTML': `<div>${' '.repeat(60_000)}x</div>`,
  'nested items, apart': '- 1. a\n\n'.repeat(10_000),
  'nested items on a line': `${'- '.repeat(10)}a\n`.repeat(3000),
  'items within items': '- a\n  - b\n'.repeat(7000),
  'quotes apart': '> a\n\n'.repeat(13_000),
  'lines that go on with a quote': `${'> '.repeat(10)}a\n${'a\n'.repeat(31_000)}`,
  'lines that go on with an item': `- a\n${'a\n'.repeat(31_000)}`,
  'anchors in one paragraph': 'a <a href="https://e.x">b</a>'.repeat(2200),
  'a wide table with many rows': `${'|a'.repeat(2900)}|\n${'|-'.repeat(2900)}|\n${'a\n'.repeat(18_000)}|a`,
  'a wide table with some rows': `${'|a'.repeat(1900)}|\n${'|-'.repeat(1900)}|\n${'a\n'.repeat(1950)}|a`,
  'spaces in the second row of a table': `|a|b|\n|- ${' '.repeat(60_000)}|-|\n|c|`,
  'a long address with many references': `[a]: https://e.x/${'y'.repeat(50_000)}\n\n${'[a]\n\n'.repeat(1900)}`,
  paragraphs: 'a\n\n'.repeat(20_000),
  'definitions in items': '1. [a]: b "\n\n'.repeat(4700),
  'notes apart': Array.from({ length: 4000 }, (_, at) => `[^${at}]: a\n\n`).join(''),
  'pictures in pictures': '!['.repeat(990) + 'b'.repeat(10_000) + '](a)'.repeat(990),
  'empty lines within items': `${'- '.repeat(19)}a\n${'\n'.repeat(60_000)}`,
};

test('no text keeps the event loop from its work for long', { timeout: 300_000 }, () => {
  for (const [name, text] of Object.entries(worst)) {
    const given = text.slice(0, 61_440);
    for (const act of [renderMarkdown, closeDraft, (text: string) => takePiece(text, 20_480)]) {
      const ms = leastTime(() => act(given));
      assert.ok(ms < mostMs, `${name}: ${Math.round(ms)} ms`);
    }
  }
});

test('a long text as people write them is parsed', () => {
  const lines = Array.from(
    { length: 300 },
    (_, at) => `- **第 ${at} 项**：说明 [链接](https://example.com)\n  - ~~细节~~`,
  );
  const code = Array.from({ length: 400 }, (_, at) => `        call_${at}("x", [1, 2])`);
  const shown = renderMarkdown(`${lines.join('\n')}\n\n\`\`\`\n${code.join('\n')}\n\`\`\`\n`);
  assert.doesNotMatch(shown, /~~/);
  assert.equal(shown.match(/（细节）/g)?.length, 300);
});
