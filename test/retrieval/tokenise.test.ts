import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { tokenise } from '../../src/retrieval/tokenise.ts';

describe('tokenise', () => {
  const cases: [guarantee: string, text: string, tokens: string[]][] = [
    ['Chinese is cut into neighbours and single characters', '海豚馆', ['海', '海豚', '豚', '豚馆', '馆']],
    ['a character that is everywhere counts in pairs only', '我的票', ['我', '我的', '的票', '票']],
    ['alone it is all there is, and counts', '的', ['的']],
    ['full width, case and compatibility forms are folded', 'ＷｉＦｉ ①２ ﾃｽ', ['wifi', '12', 'テス']],
    [
      'traditional characters are those of the simplified script',
      '臺灣門票',
      ['台', '台湾', '湾', '湾门', '门', '门票', '票'],
    ],
    ['words and numbers end where another script begins', 'A380飞', ['a380', '飞']],
    ['numbers are cut at their marks', '1,280.5', ['1', '280', '5']],
    ['Japanese and Korean are cut into neighbours', 'かな한국', ['かな', 'な한', '한국']],
    ['characters outside the basic plane are whole', '𠀀𠀁', ['𠀀', '𠀀𠀁', '𠀁']],
    ['punctuation, emoji and controls are nothing', '，。!？😀\u0000\u200b', []],
    ['nothing comes of nothing', '', []],
  ];
  for (const [guarantee, text, tokens] of cases) test(guarantee, () => assert.deepEqual(tokenise(text), tokens));

  test('any text gives at most two tokens for each folded character, none longer than 64', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const tokens = tokenise(text);
        assert.ok(tokens.length <= 2 * text.normalize('NFKC').toLowerCase().length);
        assert.ok(tokens.every((token) => token.length > 0 && token.length <= 64));
      }),
    );
  });

  for (const [what, unit] of [
    ['combining marks out of order', '\u0316\u0301'],
    ['one ligature that stands for eighteen letters', '\ufdfa'],
    ['one Chinese character', '票'],
    ['one letter', 'a'],
    ['halves of surrogate pairs', '\ud842'],
  ] as const) {
    test(`a million of ${what} take no longer than their length warrants`, () => {
      const startedMs = performance.now();
      const tokens = tokenise(unit.repeat(1_000_000 / unit.length));
      assert.ok(tokens.length <= 200_000);
      assert.ok(performance.now() - startedMs < 2000);
    });
  }
});
