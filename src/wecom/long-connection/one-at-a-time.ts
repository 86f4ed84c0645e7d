/**
 * Commands that share a req_id go one after another: an acknowledgement names the req_id alone, so with two on their way
 * nobody could tell whose it is, and WeCom refuses the second (6000). After one that was never acknowledged there is a
 * pause, so that a late acknowledgement is not taken for that of the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface OneAtATime {
  /** Runs `work` once all that came before with the same key has ended; `isLost` of what it throws asks for the pause. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createOneAtATime({
  pauseMs,
  isLost,
  maxWaiting,
}: {
  pauseMs: number;
  isLost: (error: unknown) => boolean;
  /** For one key. */
  maxWaiting: number;
}): OneAtATime {
  const lanes = new Map<string, { last: Promise<unknown>; waiting: number }>();
  return {
    async run(key, work) {
      const lane = lanes.get(key) ?? { last: Promise.resolve(), waiting: 0 };
      if (lane.waiting >= maxWaiting) throw new Error(`more than ${maxWaiting} frames wait for one another`);
      lane.waiting++;
      lanes.set(key, lane);
      const result = lane.last.then(work);
      const over = result.then(
        () => {},
        (error) => (isLost(error) ? sleep(pauseMs, undefined, { ref: false }) : undefined),
      );
      lane.last = over;
      void over.then(() => {
        if (--lane.waiting === 0) lanes.delete(key);
      });
      return result;
    },
  };
}
