import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { createGuard } from '../../src/safety/guard.ts';
import { createModeration } from '../../src/safety/moderation.ts';
import { flagWords, sendJson, startFakeModeration } from '../support/fake-moderation.ts';
import { listOf } from './write-list.ts';

const fake = await startFakeModeration();
after(() => fake.close());
beforeEach(() => {
  fake.asked.length = 0;
  fake.answer = flagWords({ 打人: 'violence', 毒品: 'illicit' });
});
const moderate = createModeration({ baseUrl: fake.url, apiKey: undefined, model: 'm', timeoutMs: 10_000 });
const words = listOf('毒品', 'bad');
const limit = () => AbortSignal.timeout(20_000);

describe('a guard', () => {
  test('of nothing is none', () => assert.equal(createGuard({ words: undefined, moderate: undefined }), undefined));

  test('says why a text is not fine, by the word list first', async () => {
    const guard = createGuard({ words, moderate })!;
    assert.equal(await guard.check('毒。品', limit()), 'word list');
    assert.equal(fake.asked.length, 0);
    assert.equal(await guard.check('他打人', limit()), 'moderation (violence)');
    assert.equal(await guard.check('你好', limit()), undefined);
    assert.equal(await guard.check('', limit()), undefined);
  });

  test('has one of the two where that is all there is', async () => {
    const [list, endpoint] = [createGuard({ words })!, createGuard({ moderate })!];
    assert.deepEqual([await list.check('他打人', limit()), await list.check('bad', limit())], [undefined, 'word list']);
    assert.equal(fake.asked.length, 0);
    assert.equal(await endpoint.check('毒品', limit()), 'moderation (illicit)');
    assert.equal(await endpoint.check('bad', limit()), undefined);
  });

  test('finds the first of many texts that is not fine, and asks no further', async () => {
    const guard = createGuard({ words, moderate })!;
    const texts = Array.from({ length: 100 }, (_, at) => `第 ${at} 段。`);
    assert.equal(await guard.checkAll(texts, limit()), undefined);
    assert.equal(fake.asked.length, 4);
    assert.deepEqual(
      fake.asked.flatMap(({ input }) => input),
      texts,
    );
    fake.asked.length = 0;
    texts[40] = texts[42] = '他打人';
    assert.deepEqual(await guard.checkAll(texts, limit()), { index: 40, reason: 'moderation (violence)' });
    assert.equal(fake.asked.length, 2);
    texts[99] = 'so bad';
    assert.deepEqual(await guard.checkAll(texts, limit()), { index: 99, reason: 'word list' });
    assert.equal(fake.asked.length, 2);
    assert.equal(await guard.checkAll([], limit()), undefined);
  });

  test('lets nothing through where the endpoint fails', async () => {
    fake.answer = ({ response }) => sendJson(response, {}, 401);
    const guard = createGuard({ words, moderate })!;
    await assert.rejects(guard.check('你好', limit()), { name: 'ModerationFailure' });
    await assert.rejects(guard.checkAll(['你好'], limit()), { name: 'ModerationFailure' });
    assert.equal(await guard.check('bad', limit()), 'word list');
  });

  test('stops when it is called off', async () => {
    const guard = createGuard({ words, moderate })!;
    await assert.rejects(guard.check('bad', AbortSignal.abort(new Error('called off'))), /called off/);
  });
});
