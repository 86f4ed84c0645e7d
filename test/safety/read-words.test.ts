import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readWordList } from '../../src/safety/word-list.ts';
import { listOf, withFile } from './write-list.ts';

describe('a list of words', () => {
  test('has a word or phrase a line; comments, blank lines, a byte order mark and any line ends are left out', () => {
    const words = withFile('\ufeff甲醇\r\n# 乙醇\r\n\r\n  bad word \n \t\n丙酮\r丁烷', readWordList);
    assert.equal(words.size, 4);
    assert.deepEqual(
      ['甲醇', '乙醇', 'bad word', '丙酮', '丁烷', ''].map((text) => words.findWord(text)),
      [1, undefined, 4, 6, 7, undefined],
    );
  });

  test('without words finds nothing', () => {
    for (const words of [withFile('', readWordList), listOf('# nothing', '')]) {
      assert.equal(words.size, 0);
      assert.equal(words.findWord('任何 text'), undefined);
    }
  });

  test('may have a word twice, also in two spellings; the first line is named', () => {
    const words = listOf('Bad', 'ｂａｄ', '門票', '门票');
    assert.equal(words.size, 4);
    assert.deepEqual([words.findWord('bad'), words.findWord('门票')], [1, 3]);
  });

  test('takes words of 64 characters, in any plane, and 100,000 of them', () => {
    const long = '\u{20000}'.repeat(64);
    assert.equal(listOf('x', long).findWord(`a${long}b`), 2);
    assert.equal(listOf(...Array.from({ length: 100_000 }, (_, at) => `w${at}`)).findWord('a w99999'), 100_000);
  });

  const secret = 'planted';
  const broken: [what: string, content: string | Uint8Array, rule: RegExp][] = [
    ['65 characters', `ok\n${secret.padEnd(65, '毒')}`, /line 2: longer than 64 characters$/],
    ['a line of a million characters', `ok\n${secret.padEnd(1_000_000, '毒')}`, /line 2: longer than 64 characters$/],
    ['100,001 words', `${secret}\n`.repeat(100_001), /line 100001: more than 100000 words$/],
    ['8 MB and one byte', Buffer.alloc(8 * 1024 * 1024 + 1, `# ${secret}`), /more than 8388608 bytes$/],
    [
      'another encoding',
      Buffer.concat([Buffer.from(`# 好\n${secret}\n`), Buffer.of(0xb6, 0xbe)]),
      /line 3: not UTF-8$/,
    ],
    ['UTF-16', Buffer.from(`\ufeff${secret}`, 'utf16le'), /line 1: not UTF-8$/],
    ['UTF-16 without a mark', Buffer.from(`ok\n${secret}`, 'utf16le'), /line 1: a control character$/],
    ['a control character', `ok\n\n${secret}\u0007`, /line 3: a control character$/],
    ['a word of marks', 'ok\n…！?\n', /line 2: nothing but marks$/],
    ['a word of what is not seen', 'ok\n\u200b\u00ad\n', /line 2: nothing but marks$/],
    ['a letter with marks', 'b\n毒\nc++', /line 3: one letter, apart from marks$/],
    ['ligatures of eighteen letters', '\ufdfa'.repeat(64), /line 1: too long once its ligatures are written out$/],
  ];
  for (const [what, content, rule] of broken) {
    test(`is refused for ${what}, by the line's number and without what stands there`, () => {
      withFile(content, (path) => {
        assert.throws(
          () => readWordList(path),
          ({ message }: Error) => rule.test(message) && message.startsWith(path) && !/planted|毒|\ufffd/.test(message),
        );
      });
    });
  }

  test('is refused where there is no such file, or a folder', () => {
    withFile('', (path) => {
      mkdirSync(`${path}.d`);
      assert.throws(() => readWordList(`${path}.d`), /not a file/);
      assert.throws(() => readWordList(`${path}.none`), /ENOENT/);
    });
  });
});
