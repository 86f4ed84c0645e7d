import assert from 'node:assert/strict';
import type { Answer, ExpertEvent, Found, FoundPassage, Question } from '../../src/expert/expert.ts';
import { createExtractiveExpert } from '../../src/expert/extractive.ts';
import { createLlmExpert, type LlmOptions } from '../../src/expert/llm/llm.ts';
import { type FakeLlm, sendPieces } from '../support/fake-llm.ts';

export const apiKey = 'sk-test-not-a-key';

export const passage = (documentId: string, text: string, more: Partial<FoundPassage> = {}): FoundPassage => {
  const source = { documentId, title: `标题${documentId}`, url: `https://example.com/${documentId}` };
  return { source, heading: '', text, score: 10, ...more };
};

/** Three passages of two documents. */
export const found: Found = {
  passages: [
    passage('a', '水母每天十点吃饭。', { heading: '喂食', page: 3 }),
    passage('b', '企鹅下午三点散步。'),
    passage('a', '水母馆在二楼。', { heading: '位置' }),
  ],
  support: 0.9,
};

/** An expert before a fake endpoint, and what became of its budget and fallbacks. */
export function makeExpert(llm: Pick<FakeLlm, 'url'>, options: Partial<LlmOptions> = {}) {
  const reasons: string[] = [];
  const budget: { account: string; reserved: number; used?: number }[] = [];
  const expert = createLlmExpert({
    ...{ baseUrl: llm.url, apiKey, model: 'test-model', timeoutMs: 10_000, maxAnswerTokens: 200, historyTokens: 200 },
    ...{ threshold: 0.5, fallback: createExtractiveExpert({ threshold: 0.5 }), retryWaitMs: 5 },
    budget: {
      reserve: async (account, reserved) => {
        const one: (typeof budget)[number] = { account, reserved };
        budget.push(one);
        return async (used) => {
          one.used = used;
        };
      },
    },
    onFallback: (reason) => reasons.push(reason),
    ...options,
  });

  const stream = (question: Partial<Question> = {}, signal = AbortSignal.timeout(20_000), result = found) =>
    expert.answer({ text: '水母几点吃饭？', history: [], instructions: '', ...question }, async () => result, signal);

  const ask = async (question: Partial<Question> = {}, result: Found = found) => {
    const events = await Array.fromAsync<ExpertEvent>(stream(question, undefined, result));
    const last = events.at(-1);
    assert.ok(last?.type === 'final');
    const drafts = events.flatMap((event) => (event.type === 'draft' ? [event.text] : []));
    return { answer: last.answer, drafts };
  };
  return { ask, stream, reasons, budget };
}

/** The same once it has answered plainly: from then on it shows drafts. */
export async function makeKnownExpert(llm: FakeLlm, options: Partial<LlmOptions> = {}) {
  const made = makeExpert(llm, options);
  const { answer } = llm;
  llm.answer = sendPieces(['好的。[1]']);
  await made.ask();
  llm.answer = answer;
  for (const list of [llm.asked, made.budget]) list.length = 0;
  return made;
}

/** Checks that the extractive expert answered, and why. */
export function assertFellBack(answer: Answer, reason: string): void {
  assert.equal(answer.trace.fellBack, reason);
  assert.equal(answer.trace.expert, 'extractive');
  const wasAsked = reason !== 'token budget used up' && reason !== 'circuit open';
  assert.equal(answer.trace.model, wasAsked ? 'test-model' : undefined);
  assert.equal(answer.trace.tokens !== undefined, wasAsked);
  assert.match(answer.text, /水母每天十点吃饭。/);
  assert.equal(answer.citations[0]?.documentId, 'a');
  assert.equal(answer.refused, false);
}
