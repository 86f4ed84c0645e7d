import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blockOrdinals, packPosting } from '../../src/retrieval/postings.ts';
import { rarityOf, scoreBlocks, type TermBlock } from '../../src/retrieval/score.ts';

/** A block from postings of ordinal, frequency and length. */
function block(base: number, number: number, term: number, entries: [number, number, number][]): TermBlock {
  const postings = entries.map(([ordinal, frequency, tokens]) => packPosting(ordinal, frequency, tokens));
  return { base, block: number, term, postings: Uint32Array.from(postings) };
}

const options = { weights: [1, 2], averageLength: 100, limit: 10 };
const usual = 100;
const last = blockOrdinals - 1;

describe('scoreBlocks', () => {
  test('is BM25: the sum over terms of weight × tf·(k1+1) / (tf + k1·(1 − b + b·length/average))', () => {
    const [best, second] = scoreBlocks(
      [block(0, 0, 0, [[7, 3, usual]]), block(0, 0, 1, [[7, 1, usual]]), block(0, 1, 1, [[5, 2, 300]])],
      options,
    );
    const bm25 = (tf: number, length: number) => (tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * length) / 100));
    assert.equal(best?.ordinal, 7);
    assert.ok(Math.abs(best.score - (bm25(3, 100) + 2 * bm25(1, 100))) < 0.05);
    assert.equal(second?.ordinal, blockOrdinals + 5);
    assert.ok(Math.abs(second.score - 2 * bm25(2, 300)) < 0.05);
  });

  test('the order in which blocks arrive changes nothing, to the last bit', () => {
    const blocks = [0, 1].flatMap((base) =>
      [0, 1, 2].flatMap((number) =>
        [0, 1].map((term) =>
          block(
            base,
            number,
            term,
            [0, 9, last].map((o) => [o, 1 + term + (o % 3), 90 + number]),
          ),
        ),
      ),
    );
    assert.deepEqual(scoreBlocks([...blocks].reverse(), options), scoreBlocks(blocks, options));
  });

  test('equal scores are in the order of base and ordinal, also where only some of them fit', () => {
    const all = [1, 0].map((base) =>
      block(
        base,
        0,
        0,
        Array.from({ length: 50 }, (_, at) => [at * 3, 1, usual]),
      ),
    );
    const top = scoreBlocks(all, { ...options, limit: 52 });
    const places = top.map(({ base, ordinal }) => [base, ordinal]);
    const expected = Array.from({ length: 100 }, (_, at) => [Math.floor(at / 50), (at % 50) * 3]).slice(0, 52);
    assert.deepEqual(places, expected);
  });

  test('the best are kept wherever they stand', () => {
    const entries = Array.from({ length: blockOrdinals }, (_, at): [number, number, number] => {
      return [at, 1 + (at % 10), at % 512 === 9 ? 50 : usual];
    });
    const best = entries.filter(([, , tokens]) => tokens === 50).sort(([x, n], [y, m]) => m - n || x - y);
    const top = scoreBlocks([block(0, 0, 0, entries)], { ...options, limit: 4 });
    assert.deepEqual(
      top.map(({ ordinal }) => ordinal),
      best.slice(0, 4).map(([ordinal]) => ordinal),
    );
  });
});

test('a word is the rarer the fewer hold it, and never worth less than nothing', () => {
  const rarities = [0, 1, 10, 99, 100, 101].map((found) => rarityOf(100, found));
  assert.ok(rarities.every((rarity, at) => rarity > 0 && (at === 0 || rarity <= rarities[at - 1]!)));
});
