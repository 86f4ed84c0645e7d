import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { createWholeFetch } from './fetch-whole.ts';
import { ModerationFailure, toModerationFailure } from './moderation-failure.ts';
import { readJudgements } from './read-judgements.ts';

export interface ModerationOptions {
  /** Of the OpenAI-compatible endpoint, up to and with /v1. */
  baseUrl: string;
  /** Undefined: the endpoint wants none. */
  apiKey: string | undefined;
  model: string;
  /** For each request, with its repetition. */
  timeoutMs: number;
  /** How long to wait before a request that failed is repeated. Default: 400 ms. */
  retryWaitMs?: number;
}

/**
 * Judges texts: gives for each the names of the categories that it is flagged for (`violence, self-harm/intent`; only
 * letters, `/`, `_` and `-`), or undefined where it is fine. Throws a ModerationFailure, or the signal's reason.
 */
export type Moderate = (texts: readonly string[], signal: AbortSignal) => Promise<(string | undefined)[]>;

/** So much is judged at once. What stands where a text is cut stands whole in one of its pieces. */
const maxTexts = 32;
const maxPieceChars = 2000;
const overlapChars = 200;

/** Of what is answered about one piece; the longest of OpenAI's are a tenth of it. */
const maxBytesPerPiece = 32 * 1024;
/** An endpoint that asks for more than this is not waited for. */
const maxRetryWaitMs = 5000;

interface Piece {
  /** The place among the texts of the one that it is from. */
  of: number;
  text: string;
}

/** Makes a client for the endpoint's /moderations. It follows no redirect, logs nothing and reads no environment. */
export function createModeration(options: ModerationOptions): Moderate {
  const client = createClient(options);
  return async (texts, signal) => {
    const judged: (string | undefined)[] = texts.map(() => undefined);
    const pieces = texts.flatMap(cutPieces);
    for (let from = 0; from < pieces.length; from += maxTexts) {
      const batch = pieces.slice(from, from + maxTexts);
      const names = await judge(client, options, batch, signal);
      batch.forEach(({ of }, at) => {
        judged[of] ??= names[at];
      });
    }
    return judged;
  };
}

function createClient({ baseUrl, apiKey, timeoutMs }: ModerationOptions): OpenAI {
  return new OpenAI({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: 'off',
    fetch: createWholeFetch(maxTexts * maxBytesPerPiece),
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
  });
}

/** One request, made once more where that may help. */
async function judge(
  client: OpenAI,
  { model, timeoutMs, retryWaitMs = 400 }: ModerationOptions,
  pieces: readonly Piece[],
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const input = pieces.map(({ text }) => text);
  try {
    for (let isRetry = false; ; isRetry = true) {
      try {
        const answer: unknown = await client.moderations.create({ model, input }, { signal: either });
        const judged = readJudgements(answer, pieces.length);
        if (judged === undefined) throw new ModerationFailure('unreadable answer');
        return judged;
      } catch (error) {
        either.throwIfAborted();
        const failure = toModerationFailure(error);
        const waitMs = failure.retryAfterMs ?? retryWaitMs;
        if (isRetry || !failure.mayRetry || waitMs > maxRetryWaitMs) throw failure;
        await sleep(waitMs, undefined, { signal: either });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw timeout.aborted ? new ModerationFailure('time-out') : error;
  }
}

/** A text in pieces that overlap; none where there is nothing to be read. */
function cutPieces(text: string, of: number): Piece[] {
  if (text.trim() === '') return [];
  const pieces: Piece[] = [];
  for (let from = 0; ; ) {
    const end = Math.min(text.length, from + maxPieceChars);
    // Half of a surrogate pair would be no text; the other piece has the whole.
    pieces.push({ of, text: text.slice(from, end).toWellFormed() });
    if (end === text.length) return pieces;
    from = end - overlapChars;
  }
}
