import { cutSentences } from '../../retrieval/split-sentences.ts';
import { createBreaker } from '../breaker.ts';
import { cite } from '../cite.ts';
import type { Answer, Expert, Found, FoundPassage, Question, TraceHead } from '../expert.ts';
import { filePassages } from '../search-files.ts';
import { searchFor } from '../search-for.ts';
import { standIn } from '../stand-in.ts';
import { askModel, type Reply } from './ask-model.ts';
import type { TokenBudget } from './budget.ts';
import { type CitedText, readCitations } from './citation-marks.ts';
import { LlmFailure } from './failure.ts';
import { noAnswer } from './frame.ts';
import { type Sources, writePrompt } from './prompt.ts';
import { createCompletion } from './stream-completion.ts';

export interface LlmOptions {
  /** Of the OpenAI-compatible endpoint, up to and with /v1. */
  baseUrl: string;
  /** Undefined: the endpoint wants none. */
  apiKey: string | undefined;
  model: string;
  /** For the model's whole answer, with a retry. The caller's own limit must leave time for the fallback after it. */
  timeoutMs: number;
  /** From each request to its first token, be it one of reasoning. Default: `timeoutMs`. */
  firstTokenTimeoutMs?: number;
  maxAnswerTokens: number;
  /** For the turns before the question; the oldest are left out first. */
  historyTokens: number;
  /** How many passages the model is given at most. Default: 8. */
  passages?: number;
  /** Below this support of the search the model is not asked, and the answer is a refusal; unless something came with it. */
  threshold: number;
  /** The model looks at pictures of so many bytes in all. Default: at none. */
  pictureBytes?: number;
  /** Answers in the model's place where that gives nothing that can be shown. */
  fallback: Expert;
  budget: TokenBudget;
  /** Is told why the fallback answers: one of few short texts, without anything that was sent or received. */
  onFallback?: (reason: string) => void;
  /** How long no one calls an endpoint that failed five times in a row. Default: 30 s. */
  circuitOpenMs?: number;
  /** How long to wait before a request that failed is repeated. Default: 400 ms. */
  retryWaitMs?: number;
}

const maxFailures = 5;

/** DeepSeek-R1, QwQ, Qwen3-…-Thinking, …-reasoner: their templates may open the reasoning that they then only close. */
const namedForReasoning = /(?:^|[^a-z])(?:r1|qwq)(?:$|[^a-z])|think|reason/i;

/**
 * Has a model answer from what is found. Its answer is shown only with a citation of a source that it was given: one
 * without any cannot be checked by its reader, and so the fallback's stands in its place, as it does after a failure.
 * A refused answer means: too little was found, or the model says that the sources hold no answer.
 */
export function createLlmExpert(options: LlmOptions): Expert {
  const { model, fallback, passages: limit = 8, historyTokens, pictureBytes = 0 } = options;
  const asked = {
    ...{ model, timeoutMs: options.timeoutMs, maxAnswerTokens: options.maxAnswerTokens, budget: options.budget },
    breaker: createBreaker({ maxFailures, openMs: options.circuitOpenMs ?? 30_000 }),
    complete: createCompletion({
      ...options,
      firstTokenTimeoutMs: options.firstTokenTimeoutMs ?? options.timeoutMs,
      retryWaitMs: options.retryWaitMs ?? 400,
    }),
    habits: { omitsOpeningTag: namedForReasoning.test(model) ? undefined : false },
  };

  return {
    name: 'llm',
    ...{ pictureBytes, summarises: true },
    async *answer(question, search, signal) {
      const threshold = question.threshold ?? options.threshold;
      const { searched, found } = await searchFor(question, search, { threshold, limit });
      signal.throwIfAborted();
      const sources = gatherSources(question, found.passages.slice(0, limit), pictureBytes > 0);
      const { passages } = sources;
      const trace: TraceHead = { expert: 'llm', searched, support: found.support, threshold };
      if (!sources.isSent && (passages.length === 0 || found.support < threshold)) {
        yield { type: 'final', answer: refusal(trace, found) };
        return;
      }
      try {
        const prompt = writePrompt(question, sources, historyTokens);
        const reply = yield* askModel(asked, { prompt, account: question.account ?? '', trace }, signal);
        if (reply.text.includes(noAnswer)) {
          yield { type: 'final', answer: refusal(trace, { passages }) };
          return;
        }
        const read = readCitations(finished(reply), passages.length + sources.pictures.length);
        if (read.dropped.length > 0) trace.dropped = read.dropped;
        yield { type: 'final', answer: checkedAnswer(read, trace, { passages }) };
      } catch (error) {
        if (!(error instanceof LlmFailure)) throw error;
        options.onFallback?.(error.message);
        // What was searched and found, the fallback says for itself.
        const { expert, searched, support, threshold, ...taken } = trace;
        yield* standIn(fallback, { question, search, signal }, { ...taken, fellBack: error.message });
      }
    },
  };
}

/** What came with the question is read whole, and first; then what was found. */
function gatherSources(
  { attachments = [] }: Question,
  found: readonly FoundPassage[],
  sees: boolean,
): Sources & { isSent: boolean } {
  const files = attachments.filter((each) => each.kind === 'file');
  const sent = filePassages(files);
  const pictures = sees ? attachments.filter((each) => each.kind === 'image') : [];
  return {
    ...{ passages: [...sent, ...found], pictures, isSent: sent.length + pictures.length > 0 },
    leftOutChars: files.reduce((sum, each) => sum + each.leftOutChars, 0),
  };
}

function refusal(trace: TraceHead, { passages }: Pick<Found, 'passages'>): Answer {
  const uncited = passages.map((passage) => ({ ...passage, cited: false }));
  return { text: '', citations: [], refused: true, trace: { ...trace, passages: uncited } };
}

/** The answer, if it may be shown. Throws a LlmFailure else. */
function checkedAnswer({ text, cited }: CitedText, trace: TraceHead, { passages }: Pick<Found, 'passages'>): Answer {
  if (text === '') throw new LlmFailure('empty answer');
  if (cited.length === 0) throw new LlmFailure('no citation');
  return {
    text,
    citations: cite(cited.flatMap((number) => passages[number - 1] ?? [])), // the others are pictures
    refused: false,
    trace: { ...trace, passages: passages.map((passage, at) => ({ ...passage, cited: cited.includes(at + 1) })) },
  };
}

/** An answer that was cut at its greatest length ends with its last whole sentence, where it has one. */
function finished({ text, isCut }: Reply): string {
  if (!isCut) return text;
  const last = cutSentences(text).at(-1)!;
  // A mark after the full stop belongs to the sentence before it.
  const marks = /^(?:\s{0,2}[[【][^\]】\n]{1,40}[\]】]){0,5}/.exec(last)![0];
  const whole = text.slice(0, text.length - last.length);
  return whole.trim() === '' ? text : whole + marks;
}
