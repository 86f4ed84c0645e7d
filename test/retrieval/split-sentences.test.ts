import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { splitSentences } from '../../src/retrieval/split-sentences.ts';

describe('splitSentences', () => {
  const cases: [guarantee: string, text: string, sentences: string[]][] = [
    ['ends after Chinese marks', '九点开门。几点关？六点！', ['九点开门。', '几点关？', '六点！']],
    ['keeps closing quotes with their sentence', '他说：“好。”然后走了。', ['他说：“好。”', '然后走了。']],
    ['keeps numbers, prices and addresses whole', '1.4 米收 98.5 元。', ['1.4 米收 98.5 元。']],
    ['ends after Latin marks before white space', 'It opens at 9. Come early!', ['It opens at 9.', 'Come early!']],
    ['ends at every line', '一\n二\n\n三', ['一', '二', '三']],
    ['finds nothing in nothing', ' \n ', []],
  ];
  for (const [guarantee, text, sentences] of cases)
    test(guarantee, () => assert.deepEqual(splitSentences(text), sentences));

  test('loses nothing but white space', () => {
    const marks = fc.constantFrom('。', '！', '.', '!', '"', '”', '…', '\n', ' ', '票', 'a', '1', '，');
    fc.assert(
      fc.property(fc.array(marks, { maxLength: 80 }), (parts) => {
        const text = parts.join('');
        assert.equal(splitSentences(text).join('').replace(/\s/g, ''), text.replace(/\s/g, ''));
      }),
    );
  });

  test('a hundred thousand marks take no longer than their length warrants', () => {
    const startedMs = performance.now();
    for (const unit of ['。', '.', '"', '!"', 'a.', '“']) splitSentences(unit.repeat(100_000));
    assert.ok(performance.now() - startedMs < 2000);
  });
});
