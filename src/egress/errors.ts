import { CallError } from '../errors.ts';

/** The sender keeps to no pace: the whole, the answer's beginning or the rate took longer than is allowed. */
export class TooSlow extends CallError {
  constructor(message: string) {
    super(message, { verdict: 'transient' });
    this.name = 'TooSlow';
  }
}

/** What will fail however often it is tried. */
export function refusal(message: string, status?: number): CallError {
  return new CallError(message, { verdict: 'permanent', status });
}

/** What may work another time. */
export function mishap(message: string, options: { status?: number; retryAfterMs?: number | undefined } = {}) {
  return new CallError(message, { verdict: 'transient', ...options });
}

/**
 * An error by its code alone. Texts of errors from sockets, certificates and parsers hold what the other side sent, or
 * the address with its signature, and these messages are stored and shown.
 */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error ? String(error.code) : '';
  return /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : error.name.slice(0, 60);
}
