/** How a call ended: `unknown` says nothing about the endpoint, e.g. because we broke off. */
export type CallEnd = 'ok' | 'failed' | 'unknown';

export interface Breaker {
  /** Asks for leave to call. Undefined: not now. Else what has to be called, once, when the call has ended. */
  enter(): ((end: CallEnd) => void) | undefined;
}

/**
 * Keeps calls from an endpoint that is down: after `maxFailures` failed calls in a row there are none for `openMs`,
 * then one alone tries it, and its end decides.
 */
export function createBreaker({
  maxFailures,
  openMs,
  now = () => performance.now(),
}: {
  maxFailures: number;
  openMs: number;
  now?: () => number;
}): Breaker {
  let failures = 0;
  let openUntilMs = 0;
  let isProbing = false;
  return {
    enter() {
      const isOpen = failures >= maxFailures;
      if (isOpen && (isProbing || now() < openUntilMs)) return undefined;
      if (isOpen) isProbing = true;
      return (end) => {
        if (isOpen) isProbing = false;
        if (end === 'ok') failures = 0;
        if (end !== 'failed') return;
        failures += 1;
        if (failures >= maxFailures) openUntilMs = now() + openMs;
      };
    },
  };
}
