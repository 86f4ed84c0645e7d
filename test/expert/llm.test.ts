import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import {
  type AskedCompletion,
  beginStream,
  endStream,
  sendDelta,
  sendError,
  sendPieces,
  startFakeLlm,
} from '../support/fake-llm.ts';
import { until } from '../support/until.ts';
import { apiKey, assertFellBack, found, makeExpert, makeKnownExpert } from './llm-setup.ts';

const llm = await startFakeLlm();
after(() => llm.close());
beforeEach(() => {
  llm.asked.length = 0;
});

describe('the llm expert', () => {
  test('answers with the text without marks, its sources with their places, and the tokens', async () => {
    llm.answer = sendPieces(['十点', '吃饭 [', '1]。在二楼【3】', '。'], {
      usage: { prompt_tokens: 321, completion_tokens: 12 },
    });
    const { ask, budget, reasons } = await makeKnownExpert(llm);
    const { answer, drafts } = await ask({ account: 'wx1' });
    assert.equal(answer.text, '十点吃饭。在二楼。');
    assert.deepEqual(answer.citations, [
      { ...found.passages[0]!.source, places: [{ page: 3, heading: '喂食' }, { heading: '位置' }] },
    ]);
    assert.deepEqual(answer.trace.tokens, { prompt: 321, completion: 12 });
    assert.deepEqual(
      answer.trace.passages.map(({ cited }) => cited),
      [true, false, true],
    );
    assert.deepEqual([answer.refused, answer.trace.expert, answer.trace.model], [false, 'llm', 'test-model']);
    assert.equal(answer.trace.fellBack, undefined);
    assert.equal(drafts[0], '十点');
    assert.deepEqual(
      budget.map(({ account, used }) => [account, used]),
      [['wx1', 333]],
    );
    assert.deepEqual(reasons, []);
    assert.equal(llm.asked[0]!.request.headers.authorization, `Bearer ${apiKey}`);
    assert.equal(llm.asked[0]!.body.model, 'test-model');
  });

  test('gives a draft before the answer is whole, and at most about two in a second', async () => {
    let goOn = () => {};
    const isDrafted = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    llm.answer = async ({ response }) => {
      beginStream(response);
      sendDelta(response, { content: '十点吃饭[1]' });
      await isDrafted;
      for (let i = 0; i < 100; i++) sendDelta(response, { content: `${i}，` });
      endStream(response);
    };
    const drafts: string[] = [];
    const { stream } = await makeKnownExpert(llm);
    const startMs = performance.now();
    for await (const event of stream()) {
      if (event.type === 'draft') drafts.push(event.text);
      goOn();
    }
    assert.equal(drafts[0], '十点吃饭');
    assert.ok(drafts.length <= 1 + (performance.now() - startMs) / 500, `${drafts.length} drafts`);
  });

  test('a citation of a source that was not given is dropped, and the trace says so', async () => {
    llm.answer = sendPieces(['十点[9]。真的[1, 9][0]。']);
    const { answer } = await makeExpert(llm).ask();
    assert.equal(answer.text, '十点。真的。');
    assert.deepEqual(answer.trace.dropped, ['citation 9 of 3', 'citation 0 of 3']);
    assert.deepEqual(
      answer.citations.map(({ places }) => places),
      [[{ page: 3, heading: '喂食' }]],
    );
  });

  for (const text of ['十点吃饭，我就是知道。', '十点吃饭。[9]']) {
    test(`an answer without a valid citation is not shown: ${text}`, async () => {
      llm.answer = sendPieces([text]);
      const { ask, reasons } = makeExpert(llm);
      const { answer } = await ask();
      assertFellBack(answer, 'no citation');
      assert.deepEqual(answer.trace.dropped, text.includes('9') ? ['citation 9 of 3'] : undefined);
      assert.deepEqual(reasons, ['no citation']);
    });
  }

  test('an answer that the sources do not hold is a refusal, and no draft shows the word for it', async () => {
    llm.answer = sendPieces(['NO_', 'ANS', 'WER']);
    const { answer, drafts } = await (await makeKnownExpert(llm)).ask();
    assert.deepEqual([answer.text, answer.citations, answer.refused, drafts], ['', [], true, []]);
    assert.deepEqual([answer.trace.expert, answer.trace.fellBack], ['llm', undefined]);
  });

  test('where too little is found the model is not asked', async () => {
    const { ask, budget } = makeExpert(llm);
    assert.equal((await ask({}, { ...found, support: 0.49 })).answer.refused, true);
    assert.equal((await ask({}, { passages: [], support: 0 })).answer.refused, true);
    assert.deepEqual([llm.asked.length, budget.length], [0, 0]);
  });

  test('without budget left the model is not asked, and the extractive answer stands in', async () => {
    const { ask } = makeExpert(llm, { budget: { reserve: async () => undefined } });
    assertFellBack((await ask()).answer, 'token budget used up');
    assert.equal(llm.asked.length, 0);
  });

  test('what was set aside of the budget covers what is sent and may be answered', async () => {
    const { ask, budget } = makeExpert(llm);
    await ask();
    assert.ok(budget[0]!.reserved > 200 + 300);
  });

  test('an answer ends at its greatest length, with a whole sentence', async () => {
    llm.answer = ({ response }) => {
      beginStream(response);
      sendDelta(response, { content: '十点吃饭。[1]' });
      for (let i = 0; i < 2000; i++) sendDelta(response, { content: '没完没了' });
    };
    const { answer } = await makeExpert(llm).ask();
    assert.equal(answer.text, '十点吃饭。');
    await until('the request is ended', () => llm.asked[0]!.wasAborted);
  });

  test('an abort ends the request, and the caller gets no answer', async () => {
    llm.answer = ({ response }) => {
      beginStream(response);
      sendDelta(response, { content: '十点' });
    };
    const { stream, reasons } = await makeKnownExpert(llm);
    const stop = new AbortController();
    const reading = (async () => {
      for await (const event of stream({}, stop.signal)) if (event.type === 'draft') stop.abort(new Error('stopped'));
    })();
    await assert.rejects(reading, /stopped/);
    await until('the request is ended', () => llm.asked[0]!.wasAborted, 5000);
    assert.deepEqual(reasons, []);
  });

  test('a reader who leaves ends the request', async () => {
    llm.answer = ({ response }) => {
      beginStream(response);
      sendDelta(response, { content: '十点' });
    };
    const { stream, budget } = await makeKnownExpert(llm);
    for await (const event of stream()) if (event.type === 'draft') break;
    await until('the request is ended', () => llm.asked[0]!.wasAborted, 5000);
    assert.ok(budget[0]!.used! > 0);
  });

  test('a stream without finish reason or token counts, but with its end mark, is whole', async () => {
    llm.answer = ({ response }) => {
      beginStream(response);
      sendDelta(response, { content: '十点[1]' });
      response.end('data: [DONE]\n\n');
    };
    const { answer } = await makeExpert(llm).ask();
    assert.equal(answer.text, '十点');
    assert.ok(answer.trace.tokens!.prompt > 100 && answer.trace.tokens!.completion > 0);
  });

  test('what the endpoint does not know is left out or sent by its newer name', async () => {
    llm.answer = (asked) => {
      const param = ['max_tokens', 'temperature'].find((each) => each in asked.body);
      return (param === undefined ? sendPieces(['十点[1]']) : sendError(400, { param }))(asked);
    };
    const { ask } = makeExpert(llm);
    assert.equal((await ask()).answer.text, '十点');
    assert.equal((await ask()).answer.text, '十点');
    assert.equal(llm.asked.length, 4);
    assert.equal(llm.asked[3]!.body.max_completion_tokens, 200);
  });

  test('an endpoint that does not know a part answers all who asked with it at once', async () => {
    const waiting: AskedCompletion[] = [];
    llm.answer = (asked) => {
      if (!('max_tokens' in asked.body)) return sendPieces(['十点[1]'])(asked);
      waiting.push(asked);
      if (waiting.length === 3) for (const each of waiting) sendError(400, { param: 'max_tokens' })(each);
    };
    const { ask, reasons } = makeExpert(llm);
    await Promise.all([ask(), ask(), ask()]);
    assert.deepEqual([reasons, llm.asked.length], [[], 6]);
  });

  test('nothing of a stream that can not be read is written to the console', async (t) => {
    const said = t.mock.method(console, 'error', () => {});
    llm.answer = ({ response }) => {
      beginStream(response);
      response.end('data: {"choices":[{"delta":{"content":"读者的电话\n\n');
    };
    assertFellBack((await makeExpert(llm).ask()).answer, 'unreadable stream');
    assert.equal(said.mock.callCount(), 0);
  });
});
