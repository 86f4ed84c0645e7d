import type { Breaker, CallEnd } from '../breaker.ts';
import type { ExpertEvent, TraceHead } from '../expert.ts';
import { tidy } from '../tidy.ts';
import type { TokenBudget } from './budget.ts';
import { hideMarks } from './citation-marks.ts';
import { createThinkingFilter } from './drop-thinking.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { LlmFailure } from './failure.ts';
import { noAnswer } from './frame.ts';
import type { Prompt } from './prompt.ts';
import type { Usage } from './read-chunk.ts';
import type { Complete } from './stream-completion.ts';

/** A model's whole answer without its reasoning, its marks still in it. */
export interface Reply {
  text: string;
  /** It was cut at its greatest length. */
  isCut: boolean;
}

export interface Asked {
  model: string;
  complete: Complete;
  breaker: Breaker;
  budget: TokenBudget;
  timeoutMs: number;
  maxAnswerTokens: number;
  /**
   * What is known of the model, from its name and its answers. Undefined: nothing yet, and no drafts are shown. Some
   * begin to reason without a tag, since the prompt's template has it, and may name sources in doing so.
   */
  habits: { omitsOpeningTag: boolean | undefined };
}

/** A token is no longer than this in any common language. */
const charsPerToken = 4;
const draftEveryMs = 500;

/** A question to a model. Once it is asked, `trace` is given the model and the tokens so far, however it ends. */
interface Asking {
  prompt: Prompt;
  account: string;
  trace: TraceHead;
}

/**
 * Asks the model within its time, the account's budget and the circuit breaker. Gives drafts, then the reply. Throws a
 * LlmFailure, or the signal's reason.
 */
export async function* askModel(
  asked: Asked,
  { prompt, account, trace }: Asking,
  signal: AbortSignal,
): AsyncGenerator<ExpertEvent, Reply> {
  const leave = asked.breaker.enter();
  if (leave === undefined) throw new LlmFailure('circuit open', { isEndpoints: false });
  let end: CallEnd = 'unknown';
  try {
    const reserved = prompt.tokens + asked.maxAnswerTokens;
    const settle = await asked.budget.reserve(account, reserved);
    if (settle === undefined) throw new LlmFailure('token budget used up', { isEndpoints: false });
    const tokens: Usage = { prompt: 0, completion: 0 };
    Object.assign(trace, { model: asked.model, tokens } satisfies Partial<TraceHead>);
    try {
      const reply = yield* readReply(asked, { prompt, account, trace }, tokens, signal);
      end = 'ok';
      return reply;
    } finally {
      // Where this fails, what was set aside stays counted; the answer is not lost for it.
      await settle(tokens.prompt + tokens.completion).catch(() => {});
    }
  } catch (error) {
    if (error instanceof LlmFailure && error.isEndpoints) end = 'failed';
    throw error;
  } finally {
    leave(end);
  }
}

/** Reads the stream. Keeps `tokens` at what was used so far. */
async function* readReply(
  { complete, timeoutMs, maxAnswerTokens, habits }: Asked,
  { prompt, trace }: Asking,
  tokens: Usage,
  signal: AbortSignal,
): AsyncGenerator<ExpertEvent, Reply> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const deltas = complete(prompt, tokens, AbortSignal.any([signal, timeout]));
  const filter = createThinkingFilter();
  const maxChars = charsPerToken * maxAnswerTokens;
  /** A model that omits the opening tag, and was cut before the closing one, has not begun to answer. */
  const cutReply = (text: string): Reply => {
    return { text: habits.omitsOpeningTag && !filter.wasUnopened() ? '' : text, isCut: true };
  };
  let nextDraftMs = 0;
  let draft = '';
  try {
    for (;;) {
      const step = await deltas.next();
      if (step.done) {
        const { usage, isCut } = step.value;
        if (usage !== undefined && (usage.completion > 0 || tokens.completion === 0)) {
          tokens.prompt += usage.prompt - prompt.tokens;
          tokens.completion = usage.completion;
        }
        const text = tidy(filter.end()).slice(0, maxChars).toWellFormed();
        if (isCut) return cutReply(text);
        if (text !== '') habits.omitsOpeningTag = filter.wasUnopened();
        return { text, isCut };
      }
      const { content, hiddenChars } = step.value;
      tokens.completion += estimateTokens(content) + Math.ceil(hiddenChars / 2);
      filter.push(content);
      if (filter.wasUnopened()) habits.omitsOpeningTag = true;
      const shown = filter.shown();
      if (shown.length > maxChars) return cutReply(tidy(shown.slice(0, maxChars)).toWellFormed());
      if (performance.now() < nextDraftMs || (habits.omitsOpeningTag !== false && !filter.wasUnopened())) continue;
      const text = draftOf(shown);
      if (text === '' || text === draft) continue;
      draft = text;
      nextDraftMs = performance.now() + draftEveryMs;
      yield { type: 'draft', text, trace };
    }
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new LlmFailure('time-out');
    throw error;
  } finally {
    await deltas.return(undefined as never);
  }
}

/** What may be shown of an answer that is still being written; nothing while it may say that there is none. */
function draftOf(shown: string): string {
  const text = hideMarks(tidy(shown.replace(/[\ud800-\udbff]$/, ''))).toWellFormed();
  if (text.includes(noAnswer)) return '';
  for (let length = Math.min(noAnswer.length - 1, text.length); length > 0; length--)
    if (text.endsWith(noAnswer.slice(0, length))) return text.slice(0, -length).trimEnd();
  return text;
}
