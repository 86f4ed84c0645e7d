import { CallError, describeError, type Verdict } from '../errors.ts';

/**
 * The verdict on an HTTP status. Permanent is only what says that this very request will never be taken; what a wrong
 * gateway, certificate, token or deployment can cause is tried until the dispatch expires, since it may be mended.
 */
export function classifyStatus(status: number): Verdict {
  return permanentStatuses.has(status) ? 'permanent' : 'transient';
}

const permanentStatuses = new Set([
  400, // not understood
  405, // not this method
  406, // no such form of answer
  410, // gone for good
  411, // no length
  413, // too large
  414, // address too long
  415, // not this type
  422, // understood and refused
  431, // headers too large
  451, // refused by law
]);

/** The verdict on whatever a sender threw, and its text for the table and the log. */
export function classify(error: unknown): { verdict: Verdict; reason: string; retryAfterMs: number | undefined } {
  const reason = describeError(error).slice(0, 1000);
  if (!(error instanceof CallError)) return { verdict: 'transient', reason, retryAfterMs: undefined };
  const { verdict, status, retryAfterMs } = error;
  return { verdict: verdict ?? (status === undefined ? 'transient' : classifyStatus(status)), reason, retryAfterMs };
}
