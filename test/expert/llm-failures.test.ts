import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { createBreaker } from '../../src/expert/breaker.ts';
import {
  type AskedCompletion,
  beginStream,
  type FakeLlm,
  sendDelta,
  sendError,
  sendEvent,
  sendPieces,
  startFakeLlm,
} from '../support/fake-llm.ts';
import { until } from '../support/until.ts';
import { apiKey, assertFellBack, makeExpert } from './llm-setup.ts';

const llm = await startFakeLlm();
after(() => llm.close());
beforeEach(() => {
  llm.asked.length = 0;
});

const begun =
  (then: (asked: AskedCompletion) => unknown, content = '十点'): FakeLlm['answer'] =>
  (asked) => {
    beginStream(asked.response);
    if (content !== '') sendDelta(asked.response, { content });
    then(asked);
  };

/** What the endpoint does, why the fallback answers, and how often it was asked. */
const failures: [string, FakeLlm['answer'], reason: string, asked: number][] = [
  ['a 500 each time', sendError(500), 'http 500', 2],
  ['a 429 each time', sendError(429), 'http 429', 2],
  ['a 401', sendError(401), 'http 401', 1],
  ['a 400', sendError(400, { param: 'messages' }), 'http 400', 1],
  ['a redirect', ({ response }) => response.writeHead(302, { location: llm.url }).end(), 'http 302', 1],
  ['a closed connection', ({ request }) => request.socket.destroy(), 'no connection: UND_ERR_SOCKET', 2],
  ['a hang before the headers', () => {}, 'no first token in time', 1],
  ['a hang after the headers', begun(() => {}, ''), 'no first token in time', 1],
  ['a hang in mid-stream', begun(() => {}), 'time-out', 1],
  ['a cut stream', begun(({ response }) => setTimeout(() => response.destroy(), 50)), 'cut stream', 1],
  ['a stream that ends too early', begun(({ response }) => response.end()), 'cut stream', 1],
  ['no JSON', begun(({ response }) => response.end('data: {{{{\n\n')), 'unreadable stream', 1],
  ['no events at all', ({ response }) => void response.end('<html>hello</html>'), 'cut stream', 2],
  [
    'an error event',
    begun(({ response }) => sendEvent(response, { error: { message: 'x' } })),
    'error in the stream',
    1,
  ],
  ['an empty answer', sendPieces([]), 'empty answer', 1],
  ['nothing but blanks', sendPieces([' \n ', ' ']), 'empty answer', 1],
  ['only a mark', sendPieces(['[1]']), 'empty answer', 1],
  ['a content filter', sendPieces(['十点[1]'], { finish: 'content_filter' }), 'content filter', 1],
  [
    'odd values everywhere',
    ({ response }) => {
      beginStream(response);
      for (const odd of [
        null,
        1,
        'x',
        [],
        { choices: 1 },
        { choices: [null] },
        { choices: [{ delta: { content: 7 } }] },
      ])
        sendEvent(response, odd);
      response.end('data: [DONE]\n\n');
    },
    'empty answer',
    1,
  ],
  [
    'an endless stream of nothing',
    begun(({ response }) => {
      const more = () => {
        while (!response.destroyed && response.write(`: ${'x'.repeat(100_000)}\n\n`));
      };
      response.on('drain', more);
      more();
    }),
    'too long a stream',
    1,
  ],
];

describe('the extractive answer stands in, with the reason, after', () => {
  for (const [name, answer, reason, times] of failures) {
    test(name, async () => {
      llm.answer = answer;
      // Short only where it is waited for: else a busy machine would look like a slow endpoint.
      const limits =
        reason === 'time-out' ? { timeoutMs: 500 } : { firstTokenTimeoutMs: name.startsWith('a hang') ? 200 : 9000 };
      const { ask, reasons } = makeExpert(llm, limits);
      const result = await ask();
      assertFellBack(result.answer, reason);
      assert.deepEqual(reasons, [reason]);
      assert.equal(llm.asked.length, times);
      const all = JSON.stringify(result) + reasons;
      assert.ok(!all.includes(apiKey) && !all.includes('sk-leak'));
    });
  }

  test('a refused connection', async () => {
    const gone = await startFakeLlm();
    await gone.close();
    assertFellBack((await makeExpert(gone).ask()).answer, 'no connection: ECONNREFUSED');
  });
});

test('after one 500 the request is repeated, and its answer is shown', async () => {
  llm.answer = (asked) => (llm.asked.length === 1 ? sendError(500) : sendPieces(['十点[1]']))(asked);
  const { answer } = await makeExpert(llm).ask();
  assert.deepEqual([answer.text, answer.trace.fellBack, llm.asked.length], ['十点', undefined, 2]);
});

test('an endpoint that asks for a long wait is not asked again', async () => {
  llm.answer = ({ response }) => response.writeHead(429, { 'retry-after': '60' }).end();
  assertFellBack((await makeExpert(llm).ask()).answer, 'http 429');
  assert.equal(llm.asked.length, 1);
});

test('a whole answer counts although its stream is never closed', async () => {
  llm.answer = begun(({ response }) => {
    sendEvent(response, { choices: [{ delta: { content: '[1]' }, finish_reason: 'stop' }] });
  });
  assert.equal((await makeExpert(llm).ask()).answer.text, '十点');
});

test('five failures in a row open the circuit; once it may be tried again, one good answer closes it', async () => {
  llm.answer = sendError(401);
  const { ask } = makeExpert(llm, { circuitOpenMs: 300 });
  for (let i = 0; i < 5; i++) assertFellBack((await ask()).answer, 'http 401');
  assertFellBack((await ask()).answer, 'circuit open');
  assert.equal(llm.asked.length, 5);
  llm.answer = sendPieces(['十点[1]']);
  await until('the circuit closes', async () => (await ask()).answer.trace.fellBack === undefined, 10_000);
  assert.equal(llm.asked.length, 6);
});

test('questions that the endpoint does not like do not open the circuit', async () => {
  llm.answer = sendError(400);
  const { ask } = makeExpert(llm);
  for (let i = 0; i < 7; i++) assertFellBack((await ask()).answer, 'http 400');
});

test('a circuit that is open lets one call through at a time, and opens again when that fails', () => {
  let now = 0;
  const { enter } = createBreaker({ maxFailures: 2, openMs: 100, now: () => now });
  enter()!('failed');
  enter()!('ok');
  enter()!('failed');
  enter()!('failed');
  assert.equal(enter(), undefined);
  now = 100;
  const probe = enter()!;
  assert.equal(enter(), undefined);
  probe('failed');
  assert.equal(enter(), undefined);
  now = 200;
  enter()!('unknown');
  enter()!('ok');
  assert.ok(enter() && enter());
});
