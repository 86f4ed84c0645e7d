import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchTexts } from '../../src/retrieval/search-texts.ts';

const texts = [
  '差旅制度：出差住宿每晚的上限是 450 元，超出部分自己承担。',
  '市内交通凭发票实报实销，打车要说明理由。',
  '加班餐补每次 30 元，晚上八点以后可以申请。',
  'The parking lot opens at nine.',
];

test('the text that says most about a question is first, and supports it', () => {
  const { found, support } = searchTexts(texts, '出差住宿每晚的上限是多少？', 2);
  assert.equal(found[0]!.at, 0);
  assert.ok(found.length <= 2);
  assert.ok(support >= 0.5, `${support}`);
  assert.equal(searchTexts(texts, 'When does the parking lot open?', 5).found[0]!.at, 3);
});

test('what the texts do not speak of has little support, and nothing has none', () => {
  assert.ok(searchTexts(texts, '水母馆的企鹅几点散步？', 5).support < 0.5);
  for (const query of ['', '？', 'zzz']) {
    assert.deepEqual(searchTexts(texts, query, 5), { found: [], support: 0 });
  }
  assert.deepEqual(searchTexts([], '出差', 5), { found: [], support: 0 });
});
