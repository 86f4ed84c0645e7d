import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { Answer, Expert, ExpertEvent, Found } from '../../src/expert/expert.ts';
import { createExtractiveExpert } from '../../src/expert/extractive.ts';
import { createLlmExpert } from '../../src/expert/llm/llm.ts';
import { createGuard, type Guard } from '../../src/safety/guard.ts';
import { guardExpert } from '../../src/safety/guard-expert.ts';
import { createModeration } from '../../src/safety/moderation.ts';
import { beginStream, sendDelta, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { flagWords, sendJson, startFakeModeration } from '../support/fake-moderation.ts';
import { until } from '../support/until.ts';
import { listOf } from './write-list.ts';

const fake = await startFakeModeration();
after(() => fake.close());
beforeEach(() => {
  fake.asked.length = 0;
  fake.answer = flagWords({ 打人: 'violence' });
});
const moderation = (timeoutMs = 10_000) =>
  createModeration({ baseUrl: fake.url, apiKey: undefined, model: 'm', timeoutMs, retryWaitMs: 5 });
const words = listOf('毒品');
const byWords = createGuard({ words })!;
const byBoth = createGuard({ words, moderate: moderation() })!;

const source = { documentId: 'd1', title: '水母', url: 'https://example.com/d1' };
const found: Found = {
  passages: [
    { source, heading: '', text: '水母每天十点吃饭。', score: 9 },
    { source, heading: '', text: '水母馆在二楼。', score: 8 },
  ],
  support: 0.9,
};

/** What an expert does: gives a draft, waits for something, or gives its last answer. */
type Step = string | (() => unknown) | { final: string };

/** Asks an expert that does these steps, behind the guard. */
function play(guard: Guard, steps: readonly Step[], signal = AbortSignal.timeout(30_000)) {
  const played = {
    drafts: [] as string[],
    answer: undefined as Answer | undefined,
    done: 0,
    hasEnded: false,
    wasAborted: false,
  };
  const expert: Expert = {
    name: 'scripted',
    async *answer(question, search, inner): AsyncGenerator<ExpertEvent> {
      inner.addEventListener('abort', () => {
        played.wasAborted = true;
      });
      try {
        const { passages, support } = await search(question.text, 5);
        for (const step of steps) {
          if (typeof step === 'string') yield { type: 'draft', text: step };
          else if (typeof step === 'function') await Promise.race([step(), rejection(inner)]);
          else {
            const cited = passages.map((passage, at) => ({ ...passage, cited: at === 0 }));
            const trace = { expert: 'scripted', searched: question.text, support, threshold: 0.5, passages: cited };
            const citations = [{ ...source, places: [{ heading: '' }] }];
            yield { type: 'final', answer: { text: step.final, citations, refused: false, trace } };
          }
          played.done++;
        }
      } finally {
        played.hasEnded = true;
      }
    },
  };
  const question = { text: '水母？', history: [], instructions: '', threshold: 0.4 };
  const stream = guardExpert(expert, guard).answer(question, async () => found, signal);
  const run = (async () => {
    for await (const event of stream) {
      assert.equal(played.answer, undefined, 'nothing follows the final');
      if (event.type === 'draft') played.drafts.push(event.text);
      else played.answer = event.answer;
    }
    assert.ok(played.hasEnded);
    return played;
  })();
  run.catch(() => {});
  const shown = (count: number) => () => until(`${count} drafts are shown`, () => played.drafts.length === count);
  return { played, run, stream, shown };
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}

function assertWithheld(answer: Answer | undefined, blockedBy: string, threshold = 0.5): void {
  assert.deepEqual(answer, {
    text: '',
    citations: [],
    refused: true,
    trace: {
      ...{ expert: 'scripted', searched: '水母？', support: 0.9, threshold, blockedBy },
      passages: found.passages.map((passage) => ({ ...passage, cited: false })),
    },
  });
}

describe('a guarded expert', () => {
  test('shows drafts by the sentence, and its answer as it is', async () => {
    for (const guard of [byWords, byBoth]) {
      const text = '水母吃饭。住在二楼。';
      const steps: Step[] = [
        '水母',
        '水母吃饭。住',
        () => shown(1)(),
        '水母吃饭。住在二',
        `${text}它`,
        () => shown(2)(),
      ];
      const { run, shown } = play(guard, [...steps, { final: `${text}它们。` }]);
      const { drafts, answer, wasAborted } = await run;
      assert.deepEqual(drafts, ['水母吃饭。', text]);
      assert.equal(answer?.text, `${text}它们。`);
      assert.deepEqual([answer?.refused, answer?.citations.length, answer?.trace.blockedBy], [false, 1, undefined]);
      assert.equal(answer?.trace.passages[0]?.cited, true);
      assert.ok(wasAborted, 'what it may still be doing is ended');
    }
  });

  for (const [by, guard, bad, reason] of [
    ['the word list', byWords, '毒-品', 'word list'],
    ['the endpoint', byBoth, '打人', 'moderation (violence)'],
  ] as const) {
    test(`is stopped by ${by} at a draft's sentence, which nobody sees, nor any after it`, async () => {
      const steps: Step[] = ['水母吃饭。', () => shown(1)(), `水母吃饭。水母吃${bad}。还`];
      const { run, shown } = play(guard, [...steps, () => new Promise(() => {}), '换了。', { final: '换了。' }]);
      const { drafts, answer, done, wasAborted } = await run;
      assert.deepEqual([drafts, done, wasAborted], [['水母吃饭。'], 3, true]);
      assertWithheld(answer, `draft: ${reason}`, 0.4);
    });

    test(`has its answer withheld by ${by}`, async () => {
      const { drafts, answer } = await play(guard, [{ final: `水母吃饭。水母吃${bad}` }]).run;
      assert.deepEqual(drafts, []);
      assertWithheld(answer, `answer: ${reason}`);
    });

    test(`has its answer withheld by ${by} for a draft that the answer says nothing of`, async () => {
      const { drafts, answer } = await play(guard, [`水母吃${bad}。它`, { final: '水母吃饭。' }]).run;
      assert.deepEqual(drafts, []);
      assertWithheld(answer, `draft: ${reason}`);
    });
  }

  test('says no word over the end of a sentence', async () => {
    const { run, shown } = play(byWords, ['他有毒。', () => shown(1)(), '他有毒。品质好。', { final: '没有。' }]);
    const { drafts, answer } = await run;
    assert.deepEqual(drafts, ['他有毒。']);
    assertWithheld(answer, 'draft: word list');
  });

  test('has each sentence checked once, and the answer whole, with what its sources are called', async () => {
    const sentences = Array.from({ length: 8 }, (_, at) => `第${at}句${'水母在这里游来游去'.repeat(6)}。`);
    const steps = sentences.flatMap((_, at): Step[] => [
      `${sentences.slice(0, at + 1).join('')}还`,
      () => shown(at + 1)(),
    ]);
    const { run, shown } = play(byBoth, [...steps, { final: sentences.join('') }]);
    assert.equal((await run).answer?.text, sentences.join(''));
    const inputs = fake.asked.map(({ input }) => input.join(''));
    assert.equal(inputs.length, 9);
    for (const [at, input] of inputs.slice(0, 8).entries()) {
      assert.ok(input.endsWith(sentences[at]!) && input.length <= 6 * sentences[0]!.length, input);
    }
    assert.ok(!inputs[7]!.includes(sentences[0]!) && inputs[7]!.includes(sentences[6]!));
    assert.deepEqual(fake.asked[8]!.input, [sentences.join(''), '水母']);
  });

  test('may begin its draft anew; what is new is checked, and shown', async () => {
    const steps: Step[] = ['水母吃饭。它', () => shown(1)(), '企鹅散步。它', () => shown(2)(), { final: '企鹅散步。' }];
    const { run, shown } = play(byBoth, steps);
    const { drafts, answer } = await run;
    assert.deepEqual([drafts, answer?.text], [['水母吃饭。', '企鹅散步。'], '企鹅散步。']);
  });

  test('shows no drafts once the endpoint fails at one; its answer is checked all the same', async () => {
    fake.answer = ({ response }) => sendJson(response, {}, 401);
    const heal = async () => {
      await until('the endpoint has failed', () => fake.asked.length === 1);
      await until('which is known', () => fake.asked[0]!.response.closed || fake.asked[0]!.response.writableFinished);
      fake.answer = flagWords({ 打人: 'violence' });
    };
    const steps: Step[] = ['水母吃饭。它', heal, '水母吃饭。它们睡觉。也'];
    const { drafts, answer } = await play(byBoth, [...steps, { final: '水母吃饭。' }]).run;
    assert.deepEqual([drafts, answer?.text], [[], '水母吃饭。']);
    fake.asked.length = 0;
    fake.answer = ({ response }) => sendJson(response, {}, 401);
    assertWithheld(
      (await play(byBoth, ['水母。它', heal, { final: '打人' }]).run).answer,
      'answer: moderation (violence)',
    );
  });

  test('throws where its answer can not be checked', async () => {
    fake.answer = ({ response }) => sendJson(response, {}, 500);
    const { run, played } = play(byBoth, ['水母吃饭。它', { final: '水母吃饭。' }]);
    await assert.rejects(run, { name: 'ModerationFailure' });
    assert.deepEqual([played.drafts, played.answer, played.hasEnded], [[], undefined, true]);
  });

  test('goes on to its end while a draft is checked', async () => {
    const judge = flagWords({});
    fake.answer = (asked) => {
      // The draft is judged no sooner than the answer is there.
      if (fake.asked.length > 1) for (const each of fake.asked) judge(each);
      else assert.deepEqual(asked.input, ['水母吃饭。']);
    };
    const isAsked = () => until('the draft is being checked', () => fake.asked.length === 1);
    const { run } = play(byBoth, ['水母吃饭。它', isAsked, '水母吃饭。它们', '水母吃饭。它们睡。', { final: '好' }]);
    const { drafts, answer } = await run;
    assert.deepEqual([drafts, answer?.text, fake.asked.length], [[], '好', 2]);
  });

  test('refuses as before, without asking the endpoint about nothing', async () => {
    const { answer } = await play(byBoth, [{ final: '' }]).run;
    assert.deepEqual([answer?.text, answer?.trace.blockedBy, fake.asked.length], ['', undefined, 0]);
  });

  test('fails as before', async () => {
    const fail = () => Promise.reject(new Error('of the expert'));
    await assert.rejects(play(byWords, ['水母吃饭。它', fail]).run, /of the expert/);
  });

  test('ends when it is called off, and with the one who reads it', async () => {
    const stop = new AbortController();
    const { run, played, shown } = play(byWords, ['水母吃饭。它', () => new Promise(() => {})], stop.signal);
    await shown(1)();
    stop.abort(new Error('called off'));
    await assert.rejects(run, /called off/);
    assert.ok(played.hasEnded);

    const expert: Expert = {
      name: 'endless',
      async *answer(_question, _search, signal) {
        try {
          yield { type: 'draft', text: '水母吃饭。' };
          await rejection(signal);
        } finally {
          played.hasEnded = true;
        }
      },
    };
    played.hasEnded = false;
    const question = { text: '水母？', history: [], instructions: '' };
    for await (const event of guardExpert(expert, byWords).answer(
      question,
      async () => found,
      AbortSignal.timeout(9000),
    )) {
      assert.deepEqual(event, { type: 'draft', text: '水母吃饭。' });
      break;
    }
    assert.ok(played.hasEnded);
  });
});

test("a model's request is ended at the first sentence that is flagged; its tokens are settled, and the trace has them", async () => {
  const llm = await startFakeLlm(({ response }) => {
    beginStream(response);
    sendDelta(response, { content: '水母吃饭[1]。水母吃毒品[2]。还有' });
  });
  try {
    const settled: number[] = [];
    const budget = {
      reserve: async () => async (used: number) => void settled.push(used),
    };
    const expert = createLlmExpert({
      ...{ baseUrl: llm.url, apiKey: undefined, model: 'm', timeoutMs: 20_000, maxAnswerTokens: 200, historyTokens: 9 },
      ...{ threshold: 0.5, fallback: createExtractiveExpert({ threshold: 0.5 }), budget },
    });
    const question = { text: '水母几点吃饭？', history: [], instructions: '', account: 'wx' };
    const ask = () =>
      Array.fromAsync(guardExpert(expert, byWords).answer(question, async () => found, AbortSignal.timeout(20_000)));
    const { answer } = llm;
    llm.answer = sendPieces(['水母吃饭[1]。']);
    await ask(); // it shows no drafts before it knows that the model answers plainly
    for (const list of [settled, llm.asked]) list.length = 0;
    llm.answer = answer;
    const [event, ...more] = await ask();
    assert.ok(event?.type === 'final' && more.length === 0);
    const { expert: name, blockedBy, model, threshold, tokens } = event.answer.trace;
    assert.deepEqual([event.answer.text, name, blockedBy], ['', 'llm', 'draft: word list']);
    assert.deepEqual([model, threshold], ['m', 0.5]);
    assert.ok(tokens!.prompt > 0 && tokens!.completion > 0);
    assert.ok(settled.length === 1 && settled[0]! > 0);
    await until('the request is ended', () => llm.asked[0]!.wasAborted);
    assert.equal(llm.asked.length, 1);
  } finally {
    await llm.close();
  }
});
