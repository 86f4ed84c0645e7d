/** How long to wait after `failures` failures in a row (from 1). */
export interface BackoffOptions {
  /** The first wait. */
  baseMs: number;
  /** The longest wait that we choose ourselves. */
  maxMs: number;
}

/** A wait that the receiver asks for is obeyed up to a day. */
const maxRetryAfterMs = 24 * 60 * 60 * 1000;

/**
 * Doubles with each failure up to the limit, then takes a random point of the upper half: lanes that failed together
 * don't come back together. `Retry-After` is a floor, spread by a tenth.
 */
export function backoffMs(
  failures: number,
  { baseMs, maxMs }: BackoffOptions,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 40));
  const own = ceiling / 2 + (ceiling / 2) * random();
  const asked = Math.min(retryAfterMs, maxRetryAfterMs) * (1 + 0.1 * random());
  return Math.ceil(Math.max(own, asked));
}
