/**
 * What may kill the process is tried alone.
 *
 * A try that was begun and never ended counts as a death, and what has too many of them is given up. But a process that
 * dies takes everything with it that was under way, and one innocent that is under way each time would be given up, too.
 * So whatever has almost as many deaths as it may have is a suspect, and the suspects of a process, dispatches, questions
 * and learning alike, are tried one after another. What kills takes only such with it as still have tries to lose, and
 * makes suspects of them at most: a killer by itself never has an innocent given up.
 *
 * A suspect does not keep out what is not suspected. That would help where a second killer, which nobody suspects yet,
 * dies together with a suspect that is innocent. But it would let one slow suspect (an answer takes up to a minute, a
 * file several) stop everything that the process does; and what is given up wrongly is kept for a person, who can send
 * it again. Suspects of other processes need no turn: a death takes nothing of another process.
 *
 * Whoever waits for its turn holds a lease and a worker. So it waits for a moment only, in which many quick suspects have
 * their turn; behind a slow one it is given back, to be due again a little later.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Does `work` while no other suspect is tried, from its begin to its settled end. Undefined: its turn did not come in a
 * moment, nothing was done, and the lease is to be released for `awaitTurnMs`.
 */
export type Alone = <T extends NonNullable<unknown>>(work: () => Promise<T>) => Promise<T | undefined>;

/** The turns of a process: one for all loops. Nobody waits for longer than `patienceMs`. */
export function createAlone(patienceMs = 1000): Alone {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const before = last;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    last = before.then(() => ended);
    const patience = new AbortController();
    const isOver = sleep(patienceMs, true, { signal: patience.signal }).catch(() => false);
    try {
      if (await Promise.race([before.then(() => false), isOver])) return undefined;
      patience.abort();
      return await work();
    } finally {
      end();
    }
  };
}

/** How long a suspect is away whose turn did not come. Not always as long, so that many don't come at once. */
export function awaitTurnMs(): number {
  return 1000 + 1000 * Math.random();
}
