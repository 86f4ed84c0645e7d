import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { Stream } from 'openai/streaming';
import { createBoundedFetch } from './bounded-fetch.ts';
import { LlmFailure, toFailure } from './failure.ts';
import type { Prompt } from './prompt.ts';
import { type Delta, readChunk, type Usage } from './read-chunk.ts';

export interface Endpoint {
  /** Up to and with /v1, as the OpenAI client wants it. */
  baseUrl: string;
  /** Undefined: the endpoint wants none. */
  apiKey: string | undefined;
  model: string;
  maxAnswerTokens: number;
  /** From the request to the first token, be it one of reasoning. */
  firstTokenTimeoutMs: number;
  /** Before a request that failed is repeated, unless the endpoint names a time. */
  retryWaitMs: number;
}

/**
 * Asks the model: gives the pieces of its answer, then how it ended. Adds the prompt to `taken` for each request that
 * the model may have been given. Throws a LlmFailure, or the signal's reason.
 */
export type Complete = (prompt: Prompt, taken: Usage, signal: AbortSignal) => AsyncGenerator<Delta, Ending>;

export interface Ending {
  /** The answer stopped at `maxAnswerTokens`. */
  isCut: boolean;
  usage: Usage | undefined;
}

/** An endpoint that asks for more than this is not waited for. */
const maxRetryWaitMs = 5000;
/** After the answer's end the token counts and the end of the stream are waited for so long. */
const closingMs = 2000;
/** What a stream may have for each token that may be answered, and beyond: reasoning is not counted by all. */
const bytesPerToken = 2048;
const moreBytes = 2 * 1024 * 1024;
const moreChunks = 20_000;

/** Makes the client. It follows no redirect, logs nothing, and takes no setting from the environment that we name. */
export function createCompletion(endpoint: Endpoint): Complete {
  const client = createClient(endpoint);
  /** What the endpoint has said it does not know. */
  let unknownParts: ReadonlySet<string> = new Set();

  return async function* complete(prompt, taken, signal) {
    for (let isRetry = false; ; ) {
      let hasBegun = false;
      const leftOut = unknownParts;
      taken.prompt += prompt.tokens;
      const deltas = streamOnce(client, endpoint, { prompt, leftOut }, signal);
      try {
        for (;;) {
          const step = await deltas.next();
          if (step.done) return step.value;
          hasBegun = true;
          yield step.value;
        }
      } catch (error) {
        signal.throwIfAborted();
        const failure = toFailure(error);
        if (failure.isUnheard) taken.prompt -= prompt.tokens;
        const part = failure.unknownPart;
        // Another request may have learned of it meanwhile: what counts is what this one sent.
        if (part !== undefined && isOptional(part) && !leftOut.has(part)) {
          unknownParts = new Set([...unknownParts, part]);
          continue;
        }
        const waitMs = failure.retryAfterMs ?? endpoint.retryWaitMs;
        if (isRetry || hasBegun || !failure.mayRetry || waitMs > maxRetryWaitMs) throw failure;
        isRetry = true;
        await sleep(waitMs, undefined, { signal });
      } finally {
        await deltas.return(undefined as never);
      }
    }
  };
}

function createClient({ baseUrl, apiKey, maxAnswerTokens }: Endpoint): OpenAI {
  return new OpenAI({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    logLevel: 'off',
    fetch: createBoundedFetch(moreBytes + bytesPerToken * maxAnswerTokens),
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
  });
}

type OptionalPart = 'max_tokens' | 'temperature' | 'stream_options';

function isOptional(part: string): part is OptionalPart {
  return part === 'max_tokens' || part === 'temperature' || part === 'stream_options';
}

/** One request. A generator that is ended early ends its request. */
async function* streamOnce(
  client: OpenAI,
  { model, maxAnswerTokens, firstTokenTimeoutMs }: Endpoint,
  { prompt, leftOut }: { prompt: Prompt; leftOut: ReadonlySet<string> },
  signal: AbortSignal,
): AsyncGenerator<Delta, Ending> {
  const stop = new AbortController();
  const late = new LlmFailure('no first token in time');
  let timer = setTimeout(() => stop.abort(late), firstTokenTimeoutMs);
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let hasBegun = false;
  let ending: { isCut: boolean } | undefined;
  let usage: Usage | undefined;
  try {
    const response = await client.chat.completions
      .create(bodyOf(model, maxAnswerTokens, prompt, leftOut), { signal: stop.signal })
      .asResponse();
    const { tapped, isDone } = tapDone(response);
    let chunks = 0;
    for await (const chunk of Stream.fromSSEResponse<unknown>(tapped, stop, client)) {
      chunks += 1;
      if (chunks > moreChunks + 4 * maxAnswerTokens) throw new LlmFailure('too long a stream');
      const read = readChunk(chunk);
      const { delta, finish } = read;
      if (finish === 'content_filter') throw new LlmFailure('content filter', { isEndpoints: false });
      if (delta !== undefined) {
        if (!hasBegun) clearTimeout(timer);
        hasBegun = true;
        yield delta;
      }
      usage = read.usage ?? usage;
      if (finish !== undefined && ending === undefined) {
        ending = { isCut: finish === 'length' };
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(late), closingMs);
      }
    }
    if (ending === undefined && isDone()) ending = { isCut: false };
  } catch (error) {
    signal.throwIfAborted();
    // What breaks after the answer's end takes nothing from it.
    if (ending === undefined || error instanceof LlmFailure) throw stop.signal.reason === late ? late : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    stop.abort(); // where the consumer stopped reading
  }
  return ending === undefined ? giveUp(signal, stop.signal, late) : { ...ending, usage };
}

/** An aborted stream only ends: says what it was. */
function giveUp(signal: AbortSignal, stopped: AbortSignal, late: LlmFailure): never {
  signal.throwIfAborted();
  throw stopped.reason === late ? late : new LlmFailure('cut stream', { mayRetry: true });
}

function bodyOf(model: string, maxTokens: number, prompt: Prompt, leftOut: ReadonlySet<string>) {
  return {
    model,
    messages: [
      { role: 'system' as const, content: prompt.system },
      { role: 'user' as const, content: contentOf(prompt) },
    ],
    stream: true as const,
    // The old name is what all but the newest models know.
    ...(leftOut.has('max_tokens') ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
    ...(!leftOut.has('temperature') && { temperature: 0.2 }),
    ...(!leftOut.has('stream_options') && { stream_options: { include_usage: true } }),
  };
}

/** Pictures stand behind the text, as parts with their bytes: the endpoint fetches nothing. */
function contentOf({ user, pictures }: Prompt) {
  if (pictures.length === 0) return user;
  const parts = pictures.map(({ mediaType, bytes }) => {
    const url = `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;
    return { type: 'image_url' as const, image_url: { url } };
  });
  return [{ type: 'text' as const, text: user }, ...parts];
}

const doneMark = '\ndata:[DONE]';

/** Sees whether the stream's end mark came, which the client's own reader hides: not all send a finish reason. */
function tapDone(response: Response): { tapped: Response; isDone: () => boolean } {
  let tail = '\n';
  let done = false;
  const tap = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const text = tail + Buffer.from(chunk).toString('latin1').replaceAll(' ', '').replaceAll('\r', '');
      done ||= text.includes(doneMark);
      tail = text.slice(-doneMark.length);
      controller.enqueue(chunk);
    },
  });
  const { body, status, headers } = response;
  return { tapped: new Response(body?.pipeThrough(tap) ?? null, { status, headers }), isDone: () => done };
}
