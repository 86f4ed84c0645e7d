import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { APIConnectionError } from 'openai';
import { toFailure } from '../../src/expert/llm/failure.ts';
import { beginStream, type FakeLlm, sendDelta, sendError, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { assertFellBack, found, makeExpert } from './llm-setup.ts';

const llm = await startFakeLlm();
after(() => llm.close());
beforeEach(() => {
  llm.asked.length = 0;
});

/** Less than any prompt takes. */
const somePrompt = 300;

describe('tokens', () => {
  for (const [prompt_tokens, completion_tokens] of [
    [0, 0],
    [0, 9],
    [9, 0],
  ] as const) {
    test(`are estimated where the endpoint counts ${prompt_tokens} and ${completion_tokens} for a text`, async () => {
      llm.answer = sendPieces(['十点吃饭。[1]'], { usage: { prompt_tokens, completion_tokens } });
      const { ask, budget } = makeExpert(llm);
      const { tokens } = (await ask()).answer.trace;
      assert.ok(tokens!.prompt > somePrompt && tokens!.completion >= 5, JSON.stringify(tokens));
      assert.equal(budget[0]!.used, tokens!.prompt + tokens!.completion);
    });
  }

  /** What the endpoint does, how many requests it may have heard, and whether text came. */
  const heard: [what: string, answer: FakeLlm['answer'], requests: number, words: boolean][] = [
    ['a reset after the request was read', ({ response }) => response.destroy(), 2, false],
    ['a 500', sendError(500), 2, false],
    ['a 500 and then a 401', (asked) => sendError(llm.asked.length === 1 ? 500 : 401)(asked), 1, false],
    ['an answer without a source', sendPieces(['十点吃饭。']), 1, true],
    [
      'a cut stream',
      ({ response }) => {
        beginStream(response);
        sendDelta(response, { content: '十点吃饭。' });
        setTimeout(() => response.destroy(), 50);
      },
      1,
      true,
    ],
  ];
  for (const [what, answer, requests, words] of heard) {
    test(`that may have been taken count after ${what}, and the trace has them`, async () => {
      llm.answer = answer;
      const { ask, budget } = makeExpert(llm);
      const { tokens, fellBack } = (await ask()).answer.trace;
      assert.ok(fellBack !== undefined && tokens!.prompt > requests * somePrompt, JSON.stringify(tokens));
      assert.ok(tokens!.prompt < budget[0]!.reserved * requests);
      assert.equal(tokens!.completion > 0, words);
      assert.equal(budget[0]!.used, tokens!.prompt + tokens!.completion);
    });
  }

  test('are none where the request can not have been heard', async () => {
    for (const status of [400, 401, 429]) {
      llm.answer = sendError(status);
      const { ask, budget } = makeExpert(llm);
      const { tokens } = (await ask()).answer.trace;
      assert.deepEqual([tokens, budget[0]!.used], [{ prompt: 0, completion: 0 }, 0]);
    }
    const isUnheard = (code: string) => {
      const cause = Object.assign(new Error('of the socket'), { code });
      return toFailure(new APIConnectionError({ cause: new TypeError('fetch failed', { cause }) })).isUnheard;
    };
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'])
      assert.ok(isUnheard(code), code);
    for (const code of ['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])
      assert.ok(isUnheard(code), code);
    for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT'])
      assert.ok(!isUnheard(code), code);
  });
});

describe('the trace names no model and no tokens', () => {
  test('where too little is found', async () => {
    const { answer } = await makeExpert(llm).ask({}, { ...found, support: 0.1 });
    assert.deepEqual([answer.trace.model, answer.trace.tokens], [undefined, undefined]);
  });

  test('without budget', async () => {
    const { ask } = makeExpert(llm, { budget: { reserve: async () => undefined } });
    assertFellBack((await ask()).answer, 'token budget used up');
  });

  test('while the circuit is open', async () => {
    llm.answer = sendError(401);
    const { ask } = makeExpert(llm);
    for (let i = 0; i < 5; i++) assertFellBack((await ask()).answer, 'http 401');
    assertFellBack((await ask()).answer, 'circuit open');
  });
});
