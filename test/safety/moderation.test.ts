import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createModeration, type ModerationOptions } from '../../src/safety/moderation.ts';
import { ModerationFailure } from '../../src/safety/moderation-failure.ts';
import { type FakeModeration, flagWords, sendJson, startFakeModeration } from '../support/fake-moderation.ts';
import { until } from '../support/until.ts';

const apiKey = 'sk-test-not-a-key';
const planted = 'planted-text';
const fake = await startFakeModeration();
after(() => fake.close());
beforeEach(() => {
  fake.asked.length = 0;
  fake.answer = flagWords({ 打人: 'violence', hurt: ['self-harm/intent', 'violence'] });
});

const limit = () => AbortSignal.timeout(20_000);
const make = (options: Partial<ModerationOptions> = {}) =>
  createModeration({ baseUrl: fake.url, apiKey, model: 'judge-1', timeoutMs: 10_000, retryWaitMs: 5, ...options });

describe('moderation', () => {
  test('says of each text what it is flagged for, in one request', async () => {
    const names = await make()(['你好', '他打人', 'it will hurt', '再见'], limit());
    assert.deepEqual(names, [undefined, 'violence', 'violence, self-harm/intent', undefined]);
    const [{ path, model, authorization, input } = assert.fail(), ...more] = fake.asked;
    assert.deepEqual([path, model, authorization], ['/v1/moderations', 'judge-1', `Bearer ${apiKey}`]);
    assert.deepEqual(input, ['你好', '他打人', 'it will hurt', '再见']);
    assert.equal(more.length, 0);
  });

  test('sends no key where there is none', async () => {
    await make({ apiKey: undefined })(['好'], limit());
    assert.equal(fake.asked[0]!.authorization, undefined);
  });

  test('asks nothing about nothing', async () => {
    assert.deepEqual(await make()([], limit()), []);
    assert.deepEqual(await make()(['', ' \n\u3000'], limit()), [undefined, undefined]);
    assert.equal(fake.asked.length, 0);
  });

  test('whatever the texts, no request has more than 32 of at most 2,000 characters, and what is bad is seen', async () => {
    const moderate = make();
    const filling = fc.constantFrom('好', 'a ', '\u{20000}', '。\n', '\ud842');
    const part = fc.tuple(filling, fc.integer({ min: 0, max: 3000 }), fc.constantFrom('', '', '打人'));
    const text = fc.array(part, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 40 }), async (made) => {
        const texts = made.map((parts) => parts.map(([unit, times, end]) => unit.repeat(times) + end).join(''));
        fake.asked.length = 0;
        const names = await moderate(texts, limit());
        assert.deepEqual(
          names.map((name) => name !== undefined),
          texts.map((each) => each.includes('打人')),
        );
        for (const { input } of fake.asked) {
          assert.ok(input.length > 0 && input.length <= 32);
          assert.ok(input.every((each) => each.length <= 2000 && each.isWellFormed()));
        }
      }),
      { numRuns: 25 },
    );
  });

  test('what stands where a long text is cut is seen whole', async () => {
    for (let before = 1700; before <= 2010; before += 31) {
      const text = `${'。'.repeat(before)}${'打'.repeat(99)}人${'。'.repeat(2000)}`;
      fake.answer = flagWords({ [`${'打'.repeat(99)}人`]: 'violence' });
      assert.deepEqual(await make()([text], limit()), ['violence'], `${before} before`);
    }
  });

  test('takes only short plain names from the endpoint, and few', async () => {
    const categories = { 'Hate/Threat_1\n<b>': true, ['x'.repeat(1000)]: true, 毒: true, fine: false, odd: 'true' };
    const many = Object.fromEntries(Array.from({ length: 26 }, (_, at) => [String.fromCharCode(97 + at), true]));
    fake.answer = ({ response }) =>
      sendJson(response, {
        results: [{ flagged: true, categories }, { flagged: true }, { flagged: true, categories: many }],
      });
    const names = await make()(['1', '2', '3'], limit());
    assert.deepEqual(names, [`hate/threat_b, ${'x'.repeat(40)}`, 'unnamed', 'a, b, c, d, e, f, g, h']);
  });
});

const flood = 'x'.repeat(64 * 1024);

/** What the endpoint does, what the failure says, and how often it was asked. */
const failures: [string, FakeModeration['answer'], reason: string, asked: number][] = [
  ['a 500 each time', ({ response }) => sendJson(response, { error: { message: planted } }, 500), 'http 500', 2],
  ['a 429 each time', ({ response }) => sendJson(response, {}, 429), 'http 429', 2],
  ['a 401', ({ response }) => sendJson(response, { error: { message: `${apiKey} ${planted}` } }, 401), 'http 401', 1],
  ['a 400', ({ response, input }) => sendJson(response, { error: { message: input[0] } }, 400), 'http 400', 1],
  ['a redirect', ({ response }) => response.writeHead(307, { location: `${fake.url}/x` }).end(), 'http 307', 1],
  ['a closed connection', ({ request }) => request.socket.destroy(), 'no connection: UND_ERR_SOCKET', 2],
  ['a hang before the headers', () => {}, 'time-out', 1],
  ['a hang in the body', ({ response }) => void response.writeHead(200).write('{"results":'), 'time-out', 1],
  [
    'a cut answer',
    ({ response }) => response.writeHead(200).write('{"results":', () => response.destroy()),
    'no connection: UND_ERR_SOCKET',
    2,
  ],
  ['no JSON', ({ response }) => response.end(`<html>${planted}</html>`), 'unreadable answer', 1],
  ['JSON of another shape', ({ response }) => sendJson(response, null), 'unreadable answer', 1],
  ['no judgement', ({ response }) => sendJson(response, { results: [] }), 'unreadable answer', 1],
  ['one judgement too many', ({ response }) => sendJson(response, judgements(false, false)), 'unreadable answer', 1],
  ['a judgement that is none', ({ response }) => sendJson(response, judgements('false')), 'unreadable answer', 1],
  ['an empty answer', ({ response }) => response.end(), 'unreadable answer', 1],
  [
    'an endless answer',
    ({ response }) => {
      const more = () => {
        while (!response.destroyed && response.write(flood));
      };
      response.on('drain', more);
      more();
    },
    'too long an answer',
    1,
  ],
  [
    'a small answer that unpacks to a large one',
    ({ response }) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' });
      response.end(gzipSync(`${JSON.stringify(judgements(false))}${' '.repeat(20_000_000)}`));
    },
    'too long an answer',
    1,
  ],
];

function judgements(...flags: unknown[]) {
  return { results: flags.map((flagged) => ({ flagged })) };
}

describe('moderation fails, and says nothing of keys and texts, after', () => {
  for (const [name, answer, reason, times] of failures) {
    test(name, async () => {
      fake.answer = answer;
      // Short only where it is waited for: else a busy machine would look like a slow endpoint.
      const moderate = make(reason === 'time-out' ? { timeoutMs: 300 } : {});
      await assert.rejects(moderate([planted], limit()), (error) => {
        assert.ok(error instanceof ModerationFailure);
        assert.equal(error.message, `moderation failed: ${reason}`);
        assert.equal(error.status, reason.startsWith('http') ? Number(reason.slice(5)) : undefined);
        assert.ok(!`${error.stack} ${JSON.stringify(error)} ${error.cause}`.match(/planted-text|sk-test/));
        return true;
      });
      assert.equal(fake.asked.length, times);
    });
  }

  test('a refused connection', async () => {
    const gone = await startFakeModeration();
    await gone.close();
    await assert.rejects(make({ baseUrl: gone.url })(['好'], limit()), /no connection: ECONNREFUSED$/);
  });

  test('a failure in the second of two requests', async () => {
    fake.answer = (asked) => (fake.asked.length === 1 ? flagWords({})(asked) : sendJson(asked.response, {}, 403));
    await assert.rejects(make()(Array(33).fill('好'), limit()), /http 403$/);
    assert.equal(fake.asked.length, 2);
  });

  test('an endpoint that asks for a long wait, which is left to the caller', async () => {
    fake.answer = ({ response }) => response.writeHead(503, { 'retry-after': '60' }).end();
    await assert.rejects(make()(['好'], limit()), { retryAfterMs: 60_000, status: 503 });
    assert.equal(fake.asked.length, 1);
  });
});

test('after one 503 the request is repeated, and its judgement counts', async () => {
  const judge = fake.answer;
  fake.answer = (asked) => (fake.asked.length === 1 ? sendJson(asked.response, {}, 503) : judge(asked));
  assert.deepEqual(await make()(['打人'], limit()), ['violence']);
  assert.equal(fake.asked.length, 2);
});

test('what is called off ends its request, with the reason', async () => {
  fake.answer = () => {};
  const stop = new AbortController();
  const asking = make()(['好'], stop.signal);
  asking.catch(() => {});
  const { response } = await until('it is asked', () => fake.asked[0]);
  stop.abort(new Error('called off'));
  await assert.rejects(asking, /called off/);
  if (!response.closed) await once(response, 'close');
  assert.ok(fake.asked[0]!.wasAborted);
  await assert.rejects(make()(['好'], stop.signal), /called off/);
  assert.equal(fake.asked.length, 1);
});
