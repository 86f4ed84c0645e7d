import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Block } from '../../src/parsing/block.ts';
import { splitPassages } from '../../src/parsing/split-passages.ts';
import { splitSentences } from '../../src/retrieval/split-sentences.ts';

const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const text = (value: string): Block => ({ kind: 'text', text: value });
const row = (value: string): Block => ({ kind: 'row', text: value });
const heading = (value: string): Block => ({ kind: 'heading', text: value });
const dense = (value: string): string => value.replace(/\s/g, '');
const chars = (value: string): number => [...value].length;
/** A text of `length` characters without sentence ends, all the same. */
const fill = (char: string, length: number): Block => text(char.repeat(length));
const texts = (blocks: Block[], options?: { targetChars?: number; maxChars?: number }): string[] =>
  splitPassages(blocks, options).map((passage) => passage.text);

const anyText = fc.string({
  unit: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...'中文字。！？；…”（）《》"\'.,!?:; \n\t\u00a0\u3000aB1') },
    { weight: 1, arbitrary: fc.constantFrom('😀', '𠀀', '\ud800', '\udc00', 'No. 5', '3.5', 'https://a.cn/b?c=d.') },
  ),
  maxLength: 120,
});

describe('splitSentences', () => {
  for (const [guarantee, input, expected] of [
    [
      'Chinese end marks end a sentence',
      '你好。在吗？在！甲；乙…丙',
      ['你好。', '在吗？', '在！', '甲；', '乙…', '丙'],
    ],
    ['repeated end marks stay together', '什么？！真的……好。。', ['什么？！', '真的……', '好。。']],
    ['closing quotes and brackets stay', '他说：“走吧。”（见图。）然后', ['他说：“走吧。”', '（见图。）', '然后']],
    ['straight quotes are closed, not opened', '他说"走吧。"她说。"不。"', ['他说"走吧。"', '她说。', '"不。"']],
    ['a quotation inside a sentence does not end it', '他喊“好！”，就走了。', ['他喊“好！”，就走了。']],
    [
      'Latin marks end before white space',
      'Go! Why? Wait... "Yes." (No.) End',
      ['Go!', 'Why?', 'Wait...', '"Yes."', '(No.)', 'End'],
    ],
    ['decimals, times and versions are whole', '涨3.5倍，9:30到，v1.2.3好。', ['涨3.5倍，9:30到，v1.2.3好。']],
    ['addresses are whole', '见https://a.cn/b.html?x=1!y 。a.b@c.com', ['见https://a.cn/b.html?x=1!y 。', 'a.b@c.com']],
    [
      'abbreviations are whole',
      'See No.5, Dr. Li, e.g. Fig. 2 and No. 7. End',
      ['See No.5, Dr. Li, e.g. Fig. 2 and No. 7.', 'End'],
    ],
    ['the number of an item stays with it', '1. 打开页面。\n12. 点击。', ['1. 打开页面。', '12. 点击。']],
    ['a word that is an abbreviation only before a number ends', 'Is it? No. Then go', ['Is it?', 'No.', 'Then go']],
    ['a newline ends a sentence, blank lines are none', '甲\n乙\r\n\r\n  \n丙', ['甲', '乙', '丙']],
    ['an empty text has none', ' \n ', []],
  ] as const) {
    test(guarantee, () => assert.deepEqual(splitSentences(input), expected));
  }

  test('nothing but white space is lost, and no sentence is empty, untrimmed or of two lines', (t) => {
    t.diagnostic(`seed ${seed}`);
    fc.assert(
      fc.property(anyText, (value) => {
        const sentences = splitSentences(value);
        assert.equal(dense(sentences.join('')), dense(value));
        for (const sentence of sentences) {
          assert.ok(sentence !== '' && sentence === sentence.trim() && !/[\r\n]/.test(sentence), sentence);
        }
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('splitPassages', () => {
  test('short blocks are packed whole, in order, joined by newlines', () => {
    assert.deepEqual(splitPassages([text('甲'), text('乙'), row('名：丙')]), [{ heading: '', text: '甲\n乙\n名：丙' }]);
    assert.deepEqual(splitPassages([]), []);
    assert.deepEqual(splitPassages([text(' \n'), heading(''), row('\u3000')]), []);
  });

  test('a passage is closed at the target, by default 400', () => {
    const blocks = Array.from({ length: 10 }, () => fill('字', 99));
    assert.deepEqual(texts(blocks).map(chars), [399, 399, 199]);
  });

  test('a block goes past the target only if that ends nearer to it', () => {
    assert.deepEqual(texts([fill('甲', 100), fill('乙', 450)]).map(chars), [551]);
    assert.deepEqual(texts([fill('甲', 350), fill('乙', 240)]).map(chars), [350, 240]);
    assert.deepEqual(texts([fill('甲', 100), fill('乙', 550)]).map(chars), [100, 550]);
  });

  test('a heading opens a passage once the current one has a third of the target', () => {
    const [few, many] = [fill('甲', 133), fill('甲', 134)];
    assert.equal(texts([few, heading('题'), text('乙')]).length, 1);
    assert.deepEqual(splitPassages([many, heading('题'), text('乙')]), [
      { heading: '', text: '甲'.repeat(134) },
      { heading: '题', text: '题\n乙' },
    ]);
  });

  test('every passage under a heading remembers it, the nearest one', () => {
    const passages = splitPassages([
      heading('章'),
      heading('节'),
      fill('甲', 380),
      fill('乙', 380),
      heading('次'),
      fill('丙', 380),
    ]);
    assert.deepEqual(
      passages.map((passage) => [passage.heading, passage.text.slice(0, 5)]),
      [
        ['节', '章\n节\n甲'],
        ['节', '乙乙乙乙乙'],
        ['次', '次\n丙丙丙'],
      ],
    );
  });

  test('a passage keeps the heading it began under, and without one takes the first inside it', () => {
    const passages = splitPassages([heading('一'), fill('甲', 390), fill('乙', 20), heading('二'), text('丙')]);
    assert.deepEqual(
      passages.map((passage) => passage.heading),
      ['一', '一'],
    );
    assert.equal(splitPassages([text('引'), heading('一'), text('甲')])[0]?.heading, '一');
  });

  test('no passage ends with the heading of the next', () => {
    const passages = texts([fill('甲', 120), heading('题'), fill('乙', 500)]);
    assert.deepEqual(passages, ['甲'.repeat(120), `题\n${'乙'.repeat(500)}`]);
    const sentences = text('一二三四五六七八九。'.repeat(60));
    assert.ok(texts([heading('题'), sentences])[0]?.startsWith('题\n一二三'));
  });

  test('headings without text, or too long to be any, are not lost', () => {
    assert.deepEqual(splitPassages([text('甲'), heading('尾')]), [{ heading: '尾', text: '甲\n尾' }]);
    const many = Array.from({ length: 100 }, (_, index) => heading(`第${index}节的标题`));
    assert.equal(dense(texts(many).join('')), many.map((block) => block.text).join(''));
    const [first, second] = splitPassages([heading('题'.repeat(700)), text('甲')]);
    assert.deepEqual([first?.heading, first?.text], ['题'.repeat(100), '题'.repeat(600)]);
    assert.equal(second?.heading, '题'.repeat(100));
  });

  test('rows in succession stay together where they fit', () => {
    const rows = Array.from({ length: 5 }, (_, index) => row(`列：${index}${'值'.repeat(96)}`));
    const table = rows.map((block) => block.text).join('\n');
    assert.deepEqual(texts([fill('甲', 300), ...rows, fill('乙', 300)]), ['甲'.repeat(300), table, '乙'.repeat(300)]);
    const long = texts([...rows, ...rows]);
    assert.deepEqual(long.map(chars), [399, 399, 199]);
  });

  test('a block over the maximum is cut at sentence ends, near the target', () => {
    const sentence = '一二三四五六七八九。';
    assert.deepEqual(texts([text(sentence.repeat(61))]), [sentence.repeat(40), sentence.repeat(21)]);
    const english = 'It is a sentence of words. ';
    const passages = texts([text(english.repeat(40))]);
    assert.ok(
      passages.every((passage) => passage.startsWith('It is') && passage.endsWith('words.') && chars(passage) <= 600),
    );
    assert.equal(passages.join(' '), english.repeat(40).trim());
  });

  test('a sentence over the maximum is cut between code points', () => {
    const passages = texts([text('😀'.repeat(1_500))]);
    assert.deepEqual(passages.map(chars), [600, 600, 300]);
    assert.ok(passages.every((passage) => passage.isWellFormed()));
    assert.deepEqual(texts([text('😀a😀')], { targetChars: 1, maxChars: 1 }), ['😀', 'a', '😀']);
  });

  test('senseless sizes fall back on sensible ones', () => {
    for (const size of [0, -1, Number.NaN]) {
      assert.deepEqual(texts([fill('甲', 900)], { targetChars: size, maxChars: size }).map(chars), [600, 300]);
    }
    assert.deepEqual(texts([fill('甲', 9)], { targetChars: 100, maxChars: 5 }).map(chars), [5, 4]);
  });

  test('whatever the blocks and sizes, nothing is lost and no passage is empty or too long', (t) => {
    t.diagnostic(`seed ${seed}`);
    const block = fc.record({
      kind: fc.constantFrom<Block['kind']>('heading', 'text', 'text', 'row', 'row'),
      text: anyText,
    });
    const size = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 300 }));
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), size, size, (blocks, targetChars, maxChars) => {
        const passages = splitPassages(blocks, { targetChars, maxChars });
        const all = passages.map((passage) => passage.text).join('');
        assert.equal(dense(all), dense(blocks.map((one) => one.text).join('')));
        for (const passage of passages) {
          assert.ok(passage.text.trim() !== '' && chars(passage.text) <= maxChars && chars(passage.heading) <= 100);
        }
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('an article of 2,000,000 characters is cut, whatever it is made of', () => {
    for (const unit of ['字', '。', '"', '. ', 'a.) ', '\n', '😀', '“好！”，', "'"]) {
      const whole = unit.repeat(2_000_000 / unit.length);
      const passages = texts([text(whole)]);
      assert.equal(dense(passages.join('')).length, dense(whole).length, unit);
    }
  });

  test('200,000 blocks of any kind are packed', () => {
    for (const kind of ['text', 'heading', 'row'] as const) {
      const blocks = Array.from({ length: 200_000 }, (): Block => ({ kind, text: '名：值' }));
      assert.equal(dense(texts(blocks).join('')).length, 600_000);
      assert.equal(texts(blocks, { targetChars: 1e9, maxChars: 1e9 }).length, 1);
    }
  });
});

test('a passage stands on one page, and a heading goes with the text under it to the next', () => {
  const passages = splitPassages([
    { kind: 'text', text: '第一页的话。', page: 1 },
    { kind: 'heading', text: '请假', page: 1 },
    { kind: 'text', text: '请假要提前一天。', page: 2 },
    { kind: 'row', text: '天数：1；批准：组长', page: 2 },
    { kind: 'row', text: '天数：3；批准：经理', page: 3 },
    { kind: 'text', text: '长'.repeat(1500), page: 4 },
  ]);
  assert.deepEqual(
    passages.map(({ page, heading, text }) => [page, heading, text.slice(0, 20)]),
    [
      [1, '', '第一页的话。'],
      [2, '请假', '请假\n请假要提前一天。\n天数：1；批准：'],
      [3, '请假', '天数：3；批准：经理'],
      [4, '请假', '长'.repeat(20)],
      [4, '请假', '长'.repeat(20)],
      [4, '请假', '长'.repeat(20)],
    ],
  );
});
