import { countAllowed, mayHave } from '../../db/fair-share.ts';
import type { Session } from '../../db/session.ts';
import { describeError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';

export interface BacklogOptions {
  session: Session;
  logger: Logger;
  /** What waits: its rows in the state `pending`. */
  table: 'message' | 'article_event';
  /** Rows that may wait in all; twice as many, where they take content back. */
  limit: number;
}

/**
 * How much waits in the database to be worked on, over all replicas, of each account. It is read about once a second
 * while calls come, never more than a twentieth of the time, and never more rows than twice the limit; what is accepted here
 * counts at once. So it is exceeded by no more than what other replicas accept between two readings.
 */
export interface Backlog {
  /**
   * Whether the account may have one more, by its share (db/fair-share.ts). What withdraws content is held against
   * twice the limit: a flood of what adds leaves room for it, and it can't itself be a flood without bound.
   */
  hasRoom(appid: string, withdraws: boolean): boolean;
  /** Counts what was accepted. */
  add(appid: string, count: number): void;
}

const readEveryMs = 1000;
const restShare = 20;

/** What is older than this, while nobody asked for a newer one, says nothing any more. */
const maxAgeMs = 5000;

export function createBacklog({ session, logger, table, limit }: BacklogOptions): Backlog {
  let counts = new Map<string, number>();
  let total = 0;
  let excess = 0; // of that, what accounts have beyond what they may add: it is not taken from others' shares
  const mostAdded = countAllowed(0, limit, limit);
  let isReading = false;
  let readAgainMs = Number.NEGATIVE_INFINITY;

  function readIfDue(): void {
    const nowMs = performance.now();
    if (isReading || nowMs < readAgainMs) return;
    if (nowMs - readAgainMs > maxAgeMs) take([]);
    isReading = true;
    countPending(session, table, 2 * limit)
      .then(take)
      .catch((error) => logger.warn({ table, error: describeError(error) }, 'the backlog could not be read'))
      .finally(() => {
        isReading = false;
        const tookMs = performance.now() - nowMs;
        readAgainMs = performance.now() + Math.max(readEveryMs, restShare * tookMs);
      });
  }

  function take(rows: readonly { appid: string; waiting: number }[]): void {
    counts = new Map(rows.map(({ appid, waiting }) => [appid, waiting]));
    total = rows.reduce((sum, { waiting }) => sum + waiting, 0);
    excess = rows.reduce((sum, { waiting }) => sum + Math.max(0, waiting - mostAdded), 0);
  }

  return {
    hasRoom(appid, withdraws) {
      readIfDue();
      return mayHave(counts.get(appid) ?? 0, withdraws ? 2 * limit - total : limit - (total - excess));
    },
    add(appid, count) {
      const before = counts.get(appid) ?? 0;
      const after = before + count;
      counts.set(appid, after);
      total += count;
      excess += Math.max(0, after - mostAdded) - Math.max(0, before - mostAdded);
    },
  };
}

/** By message_by_pending or article_event_by_pending, of which it reads so many entries at most, the oldest first. */
function countPending(session: Session, table: string, limit: number) {
  return session.all<{ appid: string; waiting: number }>(
    `select appid, count(*) waiting from
        (select appid from ${table} where state = 'pending' order by created_at limit ${limit}) pending
      group by appid`,
  );
}
