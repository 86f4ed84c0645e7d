import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { analyseQuery } from '../../src/retrieval/analyse-query.ts';

const tokensOf = (query: string) => analyseQuery(query).map(({ token }) => token);
const massOf = (query: string, token: string) => analyseQuery(query).find((term) => term.token === token)?.mass;

describe('analyseQuery', () => {
  for (const query of ['', '请问什么时候？', '为什么呢', '?!。，', 'what is the', '\u0000', '😀😀']) {
    test(`${JSON.stringify(query)} asks about nothing`, () => assert.deepEqual(analyseQuery(query), []));
  }

  test('what makes a question a question is not searched for', () => {
    assert.deepEqual(tokensOf('请问水母馆在哪里呢？'), ['水', '水母', '母', '母馆', '馆']);
  });

  test('a function word inside another word stays', () => {
    assert.ok(tokensOf('会员卡怎么办理').includes('会员'));
  });

  test('a pair that joins two words weighs little when it is missing', () => {
    assert.equal(massOf('水母表演', '母表'), 0.3);
    assert.equal(massOf('水母表演', '水母'), 1);
  });

  test('the same asked in another word is found, and its absence says nothing', () => {
    assert.equal(massOf('大人门票', '成人'), 0);
    assert.equal(massOf('大人门票', '大人'), 1);
  });

  test('no token comes twice', () => {
    const tokens = tokensOf('小孩的儿童票和孩子的儿童票，小孩！');
    assert.equal(new Set(tokens).size, tokens.length);
  });

  test('an essay gives a bounded number of terms', () => {
    const essay = Array.from({ length: 10_000 }, (_, at) => String.fromCharCode(0x4e00 + at)).join('');
    assert.ok(analyseQuery(essay).length <= 600);
  });
});
