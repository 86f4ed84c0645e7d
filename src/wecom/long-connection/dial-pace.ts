import { setTimeout as sleep } from 'node:timers/promises';

/** Between two dials of one process, whatever their reasons are. */
const spreadMs = 20;

/**
 * Has a process dial one bot after another: WeCom may go away and end all connections in one instant, and operators may
 * bind a thousand bots at once.
 */
export interface DialPace {
  /** Resolves when it is one's turn, or the signal is aborted: then nobody waits for it. */
  turn(signal: AbortSignal): Promise<void>;
}

export function createDialPace(): DialPace {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async turn(signal) {
      if (signal.aborted) return;
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      const hear = () => stop();
      signal.addEventListener('abort', hear, { once: true });
      const mine = last;
      last = mine.then(() => (signal.aborted ? undefined : sleep(spreadMs)));
      await Promise.race([mine, stopped]);
      signal.removeEventListener('abort', hear);
    },
  };
}
