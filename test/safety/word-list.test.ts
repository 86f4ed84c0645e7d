import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createFinder } from '../../src/safety/find-any.ts';
import { listOf } from './write-list.ts';

const never = new AbortController().signal;

describe('a word is found', () => {
  const cases: [guarantee: string, word: string, text: string][] = [
    ['as it stands', '毒品', '他卖毒品。'],
    ['at the start and the end', '毒品', '毒品'],
    ['with white space inside', '毒品', '毒  \n\t\u3000品'],
    ['with marks and symbols inside', '毒品', '毒*。_…—🌟品'],
    ['with what nobody sees inside', '毒品', '毒\u200b\u200d\ufeff\u00ad\u2060\u0000\u{e0041}\ufe0f品'],
    ['with combining marks inside', '毒品', '毒\u0336\u20dd品'],
    ['with ten thousand of these inside', '毒品', `毒${'. \u200b'.repeat(10_000)}品`],
    ['written with marks in the list', '毒-品', '毒品'],
    ['in traditional script', '门票', '門票'],
    ['listed in traditional script', '門票', '门票'],
    ['in another width', '加qq群', '加ＱＱ群'],
    ['in compatibility forms', '电话1', '電話①'],
    ['in another case', 'Bad', 'so bAD!'],
    ['beside Chinese', 'sb', '你sb吗'],
    ['between marks', 'sb', '(sb)'],
    ['after an underscore', 'sb', 'you_sb'],
    ['with what nobody sees inside a word', 'bad', 'b\u200ba\u00add'],
    ['with accents that are no letters of their own', 'bad', 'b\u0336a\u0336d'],
    ['composed or not', 'caf\u00e9', 'a cafe\u0301.'],
    ['beside any line end', 'bad', 'not\u0085bad\u2028'],
    ['as a phrase with other marks between', 'bad word', 'bad,\n word'],
    ['of two scripts', 'K粉', '卖 k 粉'],
    ['in Japanese, half-width', 'ガス', 'ｶﾞ ｽ'],
    ['with what nobody sees between a letter and its voice mark', 'ガス', 'ｶ\u200bﾞス'],
    ['in Korean, decomposed', '마약', '마 약'.normalize('NFD')],
    ['in Thai, inside a run of letters', 'ยาบ้า', 'ขายยาบ้าที่นี่'],
    ['outside the basic plane', '\u{20000}\u{20001}', '𠮷\u{20000} \u{20001}'],
    ['as a number', '8964', '第8964号'],
    ['where another one began before it', '品牌', '毒毒品牌'],
    ['over the end of a sentence', '毒品', '他有毒。品质好。'],
  ];
  for (const [guarantee, word, text] of cases) {
    test(guarantee, async () => {
      assert.equal(listOf('something', word).findWord(text), 2);
      assert.deepEqual(await listOf(word, '毒品牌子').findWordInTurns([text], never), { index: 0, line: 1 });
    });
  }
});

describe('a word is not found', () => {
  const cases: [guarantee: string, word: string, text: string][] = [
    ['inside a longer Latin word', 'ass', 'class assume passe'],
    ['inside a longer number', '8964', '189641 8964a'],
    ['where its Latin part is longer', 'K粉', 'OK粉丝'],
    ['in Cyrillic inside a word', 'дом', 'домик'],
    ['with an accent that makes another letter', 'pate', 'p\u00e2t\u00e9'],
    ['as a phrase written as one', 'bad word', 'badword'],
    ['with a letter inside', '毒品', '毒a品 毒药品'],
    ['in part', '毒品', '毒 '],
    ['in halves of surrogate pairs', '\u{20000}', '\ud840 \udc00'],
  ];
  for (const [guarantee, word, text] of cases) {
    test(guarantee, async () => {
      assert.equal(listOf(word).findWord(text), undefined);
      assert.equal(await listOf(word).findWordInTurns([text], never), undefined);
    });
  }
});

test('of several texts each is looked at by itself, and the first that has a word is named', async () => {
  const words = listOf('毒品', 'bad');
  const find = (...texts: string[]) => words.findWordInTurns(texts, never);
  assert.deepEqual(await find('好', '毒', '品', 'so bad', '毒品'), { index: 3, line: 2 });
  assert.equal(await find('毒', '品'), undefined);
  assert.equal(await find(), undefined);
});

/** Word by word, with a regular expression each: the letters in order, with gaps, tokens of spaced scripts whole. */
function oracle(word: string, text: string): boolean {
  const fold = (s: string) =>
    s
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll('門', '门')
      .replace(/\u200b|\u00ad|\u0336/gu, '');
  const parts = fold(word).match(/[门毒品粉]|[a-zé\d]+/gu)!;
  const gap = '[^门毒品粉a-zé\\d]';
  let pattern = '';
  parts.forEach((part, at) => {
    const isToken = /[a-zé\d]/u.test(part);
    const followsToken = at > 0 && /[a-zé\d]/u.test(parts[at - 1]!);
    if (at > 0) pattern += isToken && followsToken ? `${gap}+` : `${gap}*`;
    pattern += isToken ? `(?<![a-zé\\d])${part}(?![a-zé\\d])` : part;
  });
  return new RegExp(pattern, 'u').test(fold(text));
}

const anything = fc.constantFrom(...'門门毒品粉aAb1Ｂé', 'e\u0301', ' ', '。', '-', '\n', '\u200b', '\u00ad', '\u0336');

test('any list finds in any text what a regular expression for each word finds', () => {
  const word = fc
    .array(anything, { minLength: 2, maxLength: 6 })
    .map((parts) => parts.join('').replaceAll('\n', ' ').trim())
    .filter((text) => (text.normalize('NFKC').match(/[門门毒品粉a-zé\d]/giu) ?? []).length > 1);
  const list = fc.array(word, { minLength: 1, maxLength: 6 }).chain((lines) => {
    const part = fc.oneof(anything, fc.constantFrom(...lines));
    return fc.tuple(fc.constant(lines), fc.array(part, { maxLength: 30 }), fc.array(anything, { maxLength: 60 }));
  });
  let hits = 0;
  fc.assert(
    fc.property(list, ([lines, ...texts]) => {
      const words = listOf(...lines);
      for (const text of texts.map((parts) => parts.join(''))) {
        const found = words.findWord(text);
        if (found !== undefined) hits++;
        if (found === undefined) for (const line of lines) assert.ok(!oracle(line, text), JSON.stringify([line, text]));
        else assert.ok(oracle(lines[found - 1]!, text), JSON.stringify([lines[found - 1], text]));
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(hits > 100, `${hits} hits`);
});

test('in any units, the pattern that ends first is found, however the text is cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 7 });
  const toUnits = (text: string) => Uint16Array.from(text, (unit) => unit.charCodeAt(0));
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), fc.array(letters), (patterns, pieces) => {
      const scan = createFinder(patterns)();
      const text = pieces.join('');
      let before = 0;
      let found: number | undefined;
      for (const piece of pieces) {
        found = scan(toUnits(piece));
        if (found !== undefined) break;
        before += piece.length;
      }
      const endOf = (each: string) => (text.includes(each) ? text.indexOf(each) + each.length : Infinity);
      const first = Math.min(...patterns.map(endOf));
      assert.equal(found !== undefined, first !== Infinity);
      if (found !== undefined) assert.equal(endOf(patterns[found]!), first);
      assert.ok(before <= first);
    }),
    { numRuns: 500 },
  );
});

test('a word is found wherever it stands in a long text', () => {
  const spellings = ['毒\u200b品', '마약'.normalize('NFD'), 'ｶ\u00adﾞｽ', 'bad', 'cafe\u0301', '\u{20000}\u{20001}'];
  const words = listOf('毒品', '마약', 'ガス', 'bad', 'café', '\u{20000}\u{20001}');
  for (const [at, spelling] of spellings.entries()) {
    for (const filling of ['好', 'ｶ', '.', '\u{20002}'])
      for (let before = 4096 - 8; before <= 4096 + 2; before++) {
        const text = `${' '.repeat(before % filling.length)}${filling.repeat(before / filling.length)},${spelling}.`;
        assert.equal(words.findWord(text + filling.repeat(9)), at + 1, `${before} ${filling} before ${spelling}`);
      }
  }
});

describe('with 100,000 words', () => {
  const han = (at: number) => String.fromCharCode(0x4e00 + ((at * 7919) % 4999));
  const lines = Array.from({ length: 50_000 }, (_, at) => `${han(at)}${han(at >> 3)}${han(at >> 6)}甲乙`);
  const words = listOf(...lines, ...Array.from({ length: 50_000 }, (_, at) => `${'a'.repeat(at % 50)}${at}`));

  for (const [what, unit] of [
    ['Chinese', Array.from({ length: 1000 }, (_, at) => han(at * 31)).join('')],
    ['the beginning of a thousand words, again and again', 'a'],
    ['nothing that is seen', '\u200b'],
    ['gaps', ' 。'],
    ['marks', '\u0316\u0301'],
    ['halves of surrogate pairs', '\ud842'],
  ] as const) {
    test(`five million characters of ${what} are bounded in time, and others have their turn`, async () => {
      const text = unit.repeat(5_000_000 / unit.length);
      let turns = 0;
      let isLooking = true;
      const count = () => {
        turns++;
        if (isLooking) setImmediate(count);
      };
      setImmediate(count);
      const startedMs = performance.now();
      assert.equal(await words.findWordInTurns([text], never), undefined);
      const tookMs = performance.now() - startedMs;
      isLooking = false;
      assert.ok(tookMs < 15_000, `${tookMs} ms`);
      assert.ok(turns >= 3, `${turns} turns in ${tookMs} ms`);
    });
  }

  test('many short texts let others have their turn as well', async () => {
    let turns = 0;
    const count = () => {
      if (++turns < 1000) setImmediate(count);
    };
    setImmediate(count);
    assert.equal(await words.findWordInTurns(Array(5000).fill('这里什么也没有。'.repeat(50)), never), undefined);
    assert.ok(turns >= 3, `${turns} turns`);
    turns = 1000;
  });

  test('what is called off stops, with the reason', async () => {
    const stop = new AbortController();
    const looking = words.findWordInTurns(['好'.repeat(5_000_000)], stop.signal);
    stop.abort(new Error('called off'));
    await assert.rejects(looking, /called off/);
  });
});
