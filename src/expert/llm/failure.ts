import { APIConnectionError, APIError } from 'openai';
import { codeOf } from '../../egress/errors.ts';

/**
 * Why a model gave no answer that can be shown. The message is one of few short texts of our own, fit for a metric's
 * label: nothing of what was sent or received, and never a key.
 */
export class LlmFailure extends Error {
  /** Whether it speaks against the endpoint, not against this one question: five such in a row open the circuit. */
  readonly isEndpoints: boolean;
  /** Whether the same request may succeed a moment later. */
  readonly mayRetry: boolean;
  /** How long the endpoint asks to wait. */
  readonly retryAfterMs: number | undefined;
  /** The model can not have been given the request, which so took no tokens. */
  readonly isUnheard: boolean;
  /** The part of the request that the endpoint does not know. */
  readonly unknownPart: string | undefined;

  constructor(
    reason: string,
    options: {
      isEndpoints?: boolean;
      mayRetry?: boolean;
      retryAfterMs?: number | undefined;
      isUnheard?: boolean;
      unknownPart?: string | undefined;
    } = {},
  ) {
    super(reason);
    this.name = 'LlmFailure';
    this.isEndpoints = options.isEndpoints ?? true;
    this.mayRetry = options.mayRetry ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.isUnheard = options.isUnheard ?? false;
    this.unknownPart = options.unknownPart;
  }
}

/** What comes before a request is sent: no address, no connection, or no certificate that is trusted. */
const unsent =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|UND_ERR_CONNECT_TIMEOUT)$|CERT|^UNABLE_TO_VERIFY|^HOSTNAME_MISMATCH$/;

/** What an error of the client or its stream comes to. */
export function toFailure(error: unknown): LlmFailure {
  if (error instanceof LlmFailure) return error;
  if (error instanceof APIConnectionError) {
    const code = codeOf(rootOf(error));
    return new LlmFailure(`no connection: ${code}`, { mayRetry: true, isUnheard: unsent.test(code) });
  }
  if (error instanceof APIError && error.status !== undefined) return fromStatus(error, Number(error.status));
  if (error instanceof APIError) return new LlmFailure('error in the stream', { mayRetry: true });
  if (error instanceof SyntaxError) return new LlmFailure('unreadable stream');
  return new LlmFailure('cut stream', { mayRetry: true });
}

function fromStatus(error: APIError, status: number): LlmFailure {
  const mayRetry = status === 408 || status === 429 || status >= 500;
  // A question that the endpoint does not like, or finds too long, would shut it off for all others.
  const isEndpoints = ![400, 413, 422].includes(status);
  const unknownPart = [400, 422].includes(status) && typeof error.param === 'string' ? error.param : undefined;
  const seconds = error.headers?.get('retry-after') ?? '';
  const retryAfterMs = /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
  // Who fails with 500 or above may have begun to answer.
  const isUnheard = status < 500;
  return new LlmFailure(`http ${status}`, { mayRetry, isEndpoints, isUnheard, retryAfterMs, unknownPart });
}

/** The innermost cause: the client wraps what fetch wraps. */
function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < 5 && root instanceof Error && root.cause !== undefined; depth++) root = root.cause;
  return root;
}
