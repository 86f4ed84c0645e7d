/**
 * A refusal or failure with two texts: `message` may be read by the caller, `detail` only by the log. Anything else
 * that is thrown is our fault, and the caller learns nothing of it but a request id (design section 7).
 */
export class AppError extends Error {
  readonly reason: Reason;
  readonly detail: string | undefined;
  /** Seconds after which the caller may try again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    reason: Reason,
    message: string,
    options: { detail?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.reason = reason;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Why a call was refused. Each has one errcode and one Connect code, in rpc/errors.ts. */
export type Reason =
  | 'INVALID_FIELD'
  | 'WRONG_SHAPE'
  | 'UNAUTHENTICATED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'WRONG_STATE'
  | 'TOO_MUCH'
  | 'INTERNAL'
  | 'UNAVAILABLE';

/** Too much at once, or more than an account may have: `retryAfterSeconds` tells when there may be room again. */
export function tooMuch(message: string, retryAfterSeconds: number, detail?: string): AppError {
  return new AppError('TOO_MUCH', message, { retryAfterSeconds, ...(detail !== undefined && { detail }) });
}

/** After which a quota may be tried again: there is room only when somebody has deleted something. */
export const quotaRetrySeconds = 3600;

export function notFound(what: string, id: string): AppError {
  return new AppError('NOT_FOUND', `no such ${what}: ${id}`);
}

export function conflict(message: string): AppError {
  return new AppError('CONFLICT', message);
}

/** What it is asked for can't be done in the state that it is in. */
export function wrongState(message: string): AppError {
  return new AppError('WRONG_STATE', message);
}

export function invalidField(field: string, rule: string): AppError {
  return new AppError('INVALID_FIELD', `${field}: ${rule}`);
}

/**
 * Whether the same call may succeed later; closed: nothing can be sent by this way any more, whatever it says.
 */
export type Verdict = 'permanent' | 'transient' | 'closed';

/** A call to the outside failed. The peer's own codes give a verdict; else the HTTP status does, where there is one. */
export class CallError extends Error {
  readonly status: number | undefined;
  readonly verdict: Verdict | undefined;
  /** How long the peer asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: {
      status?: number | undefined;
      verdict?: Verdict | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CallError';
    this.status = options.status;
    this.verdict = options.verdict;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What an unknown error says of itself, for the log: its message and those of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const text = error.message === '' ? ('code' in error ? String(error.code) : error.name) : error.message;
  return cause === undefined ? text : `${text}: ${describeError(cause)}`;
}
