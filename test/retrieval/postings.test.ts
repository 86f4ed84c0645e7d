import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  blockOrdinals,
  countRow,
  decodePlain,
  decodeTagged,
  encodeRow,
  frequencies,
  impactOf,
  isShared,
  lengths,
  ordinalOf,
  packPosting,
  rowOf,
  sharedRows,
  tagOf,
  termOf,
} from '../../src/retrieval/postings.ts';

function restore(posting: number): { frequency: number; tokens: number } {
  const impact = impactOf(posting);
  return { frequency: frequencies[Math.floor(impact / lengths.length)]!, tokens: lengths[impact % lengths.length]! };
}

describe('termOf', () => {
  test('gives the numbers that stored indexes hold', () => {
    assert.deepEqual(
      ['票价', '票', 'wifi', '𠮷', 'a', ''].map(termOf),
      [45047025130, 796313780224, 147286673698, 2524216033280, 276505296896, 58041556152],
    );
  });

  test('keeps 200,000 pairs of characters apart, spread evenly over the rows that are shared', () => {
    const terms = new Set<number>();
    for (let first = 0; first < 500; first++) {
      for (let second = 0; second < 400; second++) {
        terms.add(termOf(String.fromCharCode(0x4e00 + first, 0x4e00 + 31 * second)));
      }
    }
    assert.equal(terms.size, 200_000);
    const inRow = new Map<number, number>();
    for (const term of terms) inRow.set(rowOf(term), (inRow.get(rowOf(term)) ?? 0) + 1);
    assert.ok(inRow.size > 0.999 * sharedRows);
    assert.ok(Math.max(...inRow.values()) < 40, 'about twelve in each');
  });

  test('a single character has a row of its own, in which there are no tags', () => {
    const rows = ['票', '价', 'a', '1', '𠮷', 'あ'].map((character) => rowOf(termOf(character)));
    assert.equal(new Set(rows).size, rows.length);
    assert.ok(rows.every((row) => !isShared(row)));
    assert.ok(['票价', 'ab', '12', 'がぎ'].every((token) => isShared(rowOf(termOf(token)))));
  });
});

describe('a posting', () => {
  test('keeps its ordinal, frequencies to ten exactly, and of longer ones the next step below', () => {
    for (const ordinal of [0, 1, 255, 256, blockOrdinals - 1, blockOrdinals, 5 * blockOrdinals + 7]) {
      assert.equal(ordinalOf(packPosting(ordinal, 1, 100)), ordinal % blockOrdinals);
    }
    const restored = [1, 2, 10, 11, 12, 39, 79, 80, 100_000].map((n) => restore(packPosting(3, n, 100)).frequency);
    assert.deepEqual(restored, [1, 2, 10, 10, 12, 24, 40, 80, 80]);
  });

  test('keeps a length to 5 %, from one token to tens of thousands', () => {
    for (const length of [1, 2, 10, 77, 400, 5000, 59_000]) {
      const { tokens } = restore(packPosting(3, 1, length));
      assert.ok(Math.abs(tokens - length) / (length + 1) < 0.05, `${length} became ${tokens}`);
    }
    assert.equal(restore(packPosting(3, 1, 1e9)).tokens, lengths.at(-1));
  });

  test('fits 24 bits, and is read back from either kind of row', () => {
    const postings = [packPosting(0, 1, 1), packPosting(blockOrdinals - 1, 1000, 1e9), packPosting(77, 3, 200)];
    assert.ok(postings.every((posting) => posting > 0 && posting < 2 ** 24));
    const plain = encodeRow(postings);
    assert.deepEqual([...decodePlain(plain)], postings);
    assert.equal(countRow(plain.length), 3);
    const tags = [0, 2 ** 24 - 1, tagOf(termOf('票价'))];
    const tagged = encodeRow(postings.flatMap((posting, at) => [tags[at]!, posting, 0xffff00, 1]));
    for (const [at, tag] of tags.entries()) assert.deepEqual([...decodeTagged(tagged, tag)], [postings[at]!]);
    assert.deepEqual([...decodeTagged(tagged, 0xff00ff)], []);
  });

  test('that was cut off is left out', () => {
    const cut = encodeRow([5, 6, 5, 7]);
    assert.deepEqual([...decodePlain(cut.subarray(0, 8))], [5, 6]);
    assert.deepEqual([...decodeTagged(cut.subarray(0, 11), 5)], [6]);
  });
});
