import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { codeOf } from '../egress/errors.ts';
import { CallError } from '../errors.ts';

/**
 * The endpoint gave no judgement: the text may be anything, and is not to be shown. The message is one of few short
 * texts of our own: nothing of what was sent or received, and never a key.
 */
export class ModerationFailure extends CallError {
  /** Whether the same request may succeed a moment later. */
  readonly mayRetry: boolean;

  constructor(
    reason: string,
    options: { status?: number | undefined; retryAfterMs?: number | undefined; mayRetry?: boolean } = {},
  ) {
    // Whatever it says, it is mended there: what is to be checked is not at fault, and waits.
    super(`moderation failed: ${reason}`, { ...options, verdict: 'transient' });
    this.name = 'ModerationFailure';
    this.mayRetry = options.mayRetry ?? false;
  }
}

/** What an error of the client comes to. */
export function toModerationFailure(error: unknown): ModerationFailure {
  const failure = rootOf(error);
  if (failure instanceof ModerationFailure) return failure;
  if (error instanceof APIConnectionTimeoutError) return new ModerationFailure('time-out');
  if (error instanceof APIConnectionError)
    return new ModerationFailure(`no connection: ${codeOf(failure)}`, { mayRetry: true });
  if (!(error instanceof APIError) || error.status === undefined) return new ModerationFailure('unreadable answer');
  const status = Number(error.status);
  const seconds = error.headers?.get('retry-after') ?? '';
  return new ModerationFailure(`http ${status}`, {
    status,
    mayRetry: status === 408 || status === 429 || status >= 500,
    retryAfterMs: /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined,
  });
}

/** The innermost cause: the client wraps what fetch wraps. */
function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < 5 && root instanceof Error && root.cause !== undefined; depth++) root = root.cause;
  return root;
}
