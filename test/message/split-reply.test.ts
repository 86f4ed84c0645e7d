import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toConfig } from '../../src/config.ts';
import type { Citation, Place } from '../../src/expert/expert.ts';
import { createFixedTexts } from '../../src/message/fixed-texts.ts';
import { formatQuotation } from '../../src/message/quotation.ts';
import { maxSegmentBytes, splitReply } from '../../src/message/split-reply.ts';

const bytes = (text: string) => Buffer.byteLength(text);
const withoutSpace = (text: string) => text.replace(/\s+/gu, '');

/** Characters as people see them: one and many code points, one to four bytes each and far more. */
const grapheme = fc.constantFrom(
  ...['海', '洋', '馆', 'a', 'Z', '7', '，', '、', '：', ',', ':', '。', '！', '？', '!', '?', ';', '；', '…', '.'],
  ...[' ', '\n', '\r\n', '\u3000', '\t', '”', '）', '"', ')', '》', '%', '-', '/'],
  ...[
    '😀',
    '𠮷',
    '👍🏽',
    '👩‍👩‍👧‍👦',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '🇨🇳',
    '🇫🇷',
    '1️⃣',
    '❤️‍🔥',
    'e\u0301',
    '한',
    '각',
    'नि',
    'กำ',
    '。\u0301',
    '!\ufe0f',
  ],
);
const text = fc.array(grapheme, { maxLength: 400, size: 'max' }).map((parts) => parts.join(''));
const limit = fc.integer({ min: 40, max: 300 });

/** Where one may cut without breaking a character. */
function boundariesOf(whole: string): Set<number> {
  const starts = Array.from(new Intl.Segmenter().segment(whole), ({ index }) => index);
  return new Set([...starts, whole.length]);
}

test('every segment is within the limit, not empty, and without white space at its ends', () => {
  fc.assert(
    fc.property(text, limit, (whole, maxBytes) => {
      for (const segment of splitReply(whole, maxBytes)) {
        assert.ok(bytes(segment) <= maxBytes, `${bytes(segment)} bytes`);
        assert.ok(segment !== '' && segment === segment.trim());
      }
    }),
  );
});

test('nothing but white space is lost, and nothing is added or moved', () => {
  fc.assert(
    fc.property(text, limit, (whole, maxBytes) => {
      assert.equal(withoutSpace(splitReply(whole, maxBytes).join('')), withoutSpace(whole));
    }),
  );
});

test('white space is lost at cuts only', () => {
  fc.assert(
    fc.property(text, limit, (whole, maxBytes) => {
      let at = 0;
      for (const segment of splitReply(whole, maxBytes)) {
        const start = whole.indexOf(segment, at);
        assert.ok(start >= 0 && whole.slice(at, start).trim() === '');
        at = start + segment.length;
      }
      assert.equal(whole.slice(at).trim(), '');
    }),
  );
});

test('no character that people see as one is cut in two: emoji, flags, families, accents', () => {
  fc.assert(
    fc.property(text, limit, (whole, maxBytes) => {
      const trimmed = whole.trim();
      const boundaries = boundariesOf(trimmed);
      let at = 0;
      for (const segment of splitReply(trimmed, maxBytes)) {
        const start = trimmed.indexOf(segment, at);
        at = start + segment.length;
        assert.ok(boundaries.has(start) && boundaries.has(at), JSON.stringify(segment.slice(-8)));
        assert.ok(segment.isWellFormed());
      }
    }),
  );
});

test('a text within the limit stays one segment, to the byte', () => {
  fc.assert(
    fc.property(text, (whole) => {
      const trimmed = whole.trim();
      assert.deepEqual(splitReply(whole, Math.max(4, bytes(trimmed))), trimmed === '' ? [] : [trimmed]);
    }),
  );
  assert.deepEqual(splitReply('海'.repeat(682)), ['海'.repeat(682)]); // 2,046 bytes
  assert.deepEqual(splitReply('海'.repeat(683)).map(bytes), [2046, 3]);
});

test('sentences that fit in half a segment are never cut, in Chinese and in English', () => {
  const chinese = fc
    .tuple(
      fc.stringMatching(/^[海洋馆票价开门，]{1,30}$/u),
      fc.constantFrom('。', '！', '？', '；', '……', '。”', '？）'),
    )
    .map((parts) => parts.join(''));
  const english = fc
    .tuple(fc.stringMatching(/^[a-z]{1,9}( [a-z]{1,9}){0,8}$/), fc.constantFrom('. ', '! ', '? ', '." '))
    .map((parts) => parts.join(''));
  for (const sentence of [chinese, english]) {
    fc.assert(
      fc.property(fc.array(sentence, { minLength: 3, maxLength: 40, size: 'max' }), (sentences) => {
        const ends = new Set<number>();
        let at = 0;
        for (const each of sentences) {
          at += withoutSpace(each).length;
          ends.add(at);
        }
        at = 0;
        for (const segment of splitReply(sentences.join(''), 220)) {
          at += withoutSpace(segment).length;
          assert.ok(ends.has(at), segment);
        }
      }),
    );
  }
});

test('without a sentence end, a cut is at a comma or white space; without these, between two characters', () => {
  const words = Array.from({ length: 800 }, (_, index) => `word${index}`).join(' ');
  for (const segment of splitReply(words)) assert.match(segment, /^word\d+ .* word\d+$/);
  const commas = '企鹅馆，'.repeat(300);
  for (const segment of splitReply(commas)) assert.match(segment, /^企鹅馆，.*企鹅馆，$/);
  const endless = splitReply('长'.repeat(5000));
  assert.deepEqual(endless.map(bytes), [2046, 2046, 2046, 2046, 2046, 2046, 2046, 678]);
});

test('an address, a number or a time of day is not cut where a sign in it looks like the end of a sentence', () => {
  const address = 'https://mp.weixin.qq.com/s?__biz=MzA4;mid=22,idx:1&sn=abc!def.ghi';
  for (let padding = 600; padding < 682; padding++) {
    const whole = `${'海'.repeat(300)}。${'洋'.repeat(padding - 300)}\n《开馆时间》${address}`;
    const segments = splitReply(whole);
    assert.ok(
      segments.some((segment) => segment.includes(address)),
      `with ${padding} characters before: ${JSON.stringify(segments.map((segment) => segment.slice(-40)))}`,
    );
  }
  for (const token of ['10:30', '1,000', '3.5', 'a;b', 'v2!x']) {
    for (let padding = 0; padding < 12; padding++) {
      const segments = splitReply(`${'x'.repeat(padding)} ${`${token}米 `.repeat(200)}`, 500);
      for (const segment of segments.slice(1)) assert.ok(segment.startsWith(`${token}米`), segment.slice(0, 12));
    }
  }
});

test('one character that is larger than a segment is cut between code points, and no surrogate is torn', () => {
  const giant = `e${'\u0301'.repeat(3000)}`;
  const family = `👩${'\u200d👧'.repeat(400)}`;
  for (const whole of [giant, family]) {
    const segments = splitReply(whole);
    assert.equal(segments.join(''), whole);
    for (const segment of segments) assert.ok(segment.isWellFormed() && bytes(segment) <= maxSegmentBytes);
  }
});

test('a text of white space has no segments', () => {
  assert.deepEqual(splitReply(''), []);
  assert.deepEqual(splitReply(' \r\n\t\u3000'), []);
});

test('a text of a megabyte is split in a few seconds at most', () => {
  const startedMs = performance.now();
  const segments = splitReply('海洋馆的企鹅👩‍👩‍👧‍👦在三摄氏度里走路。'.repeat(15_000));
  assert.ok(segments.length > 400);
  assert.ok(performance.now() - startedMs < 5000, `${performance.now() - startedMs} ms`);
});

test('the quotation names each source in a line, title and address or place, in the order of the citations, at most five', () => {
  const source = (index: number, url = `https://mp.weixin.qq.com/s/${index}`) => ({
    documentId: `d${index}`,
    title: `第${index}篇`,
    url,
    places: [] as Place[],
  });
  assert.equal(quotationOf([]), '');
  assert.equal(
    quotationOf([source(2), source(1)]),
    '《第2篇》https://mp.weixin.qq.com/s/2\n《第1篇》https://mp.weixin.qq.com/s/1',
  );
  assert.equal(quotationOf([source(1, '')]), '《第1篇》', 'a file has no address');
  const places = [
    { page: 12, heading: '请假' },
    { page: 12, heading: '年假' },
    { page: 3, heading: '' },
  ];
  assert.equal(quotationOf([{ ...source(1, ''), places }]), '《第1篇》第 12、3 页');
  assert.equal(quotationOf([{ ...source(1, ''), places }], 'en'), '《第1篇》 p. 12, 3');
  const headings = places.map(({ heading }) => ({ heading }));
  assert.equal(quotationOf([{ ...source(1, ''), places: headings }]), '《第1篇》“请假”、“年假”');
  assert.equal(quotationOf([{ ...source(1, ''), places: headings }], 'en'), '《第1篇》 “请假”, “年假”');
  assert.equal(quotationOf([{ ...source(1), places }]), '《第1篇》https://mp.weixin.qq.com/s/1', 'an article has one');
  assert.equal(quotationOf([1, 2, 3, 4, 5, 6, 7].map((index) => source(index))).split('\n').length, 5);
  const long = [1, 2, 3, 4].map((index) => source(index, `https://mp.weixin.qq.com/s/${'x'.repeat(600)}${index}`));
  const lines = quotationOf(long).split('\n');
  assert.deepEqual(
    lines,
    long.slice(0, lines.length).map(({ title, url }) => `《${title}》${url}`),
  );
  assert.ok(lines.length === 3 && bytes(lines.join('\n')) <= maxSegmentBytes, 'whole lines within the limit');
});

function quotationOf(citations: Citation[], language: 'zh' | 'en' = 'zh'): string {
  return formatQuotation(citations, createFixedTexts(toConfig({ TEXT_LANGUAGE: language })));
}
