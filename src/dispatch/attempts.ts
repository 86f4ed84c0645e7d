import { marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch, Route } from './dispatch.ts';

/** How a try ended; or, of expired, buried and fallback, what happened without one. */
export type Outcome = 'delivered' | 'failed' | 'refused' | 'closed' | 'expired' | 'buried' | 'fallback';

/** A try that ended. */
export interface Attempt {
  /** From 1, as `started` counts them; of what is no try, the number of the last one. */
  number: number;
  outcome: Outcome;
  tookMs: number;
  reason: string | null;
}

/** The tries of a dispatch that are kept. */
const maxKept = 50;

/**
 * Writes a try down, on the route that `dispatch` has; once, should the same transaction run twice. Within a
 * transaction that has the lane locked. By the primary key.
 */
export async function recordAttempt(tx: Tx, dispatch: Dispatch, attempt: Attempt): Promise<void> {
  const { number, outcome, tookMs, reason } = attempt;
  const { now } = tx.dialect;
  await tx.run(
    `insert into dispatch_attempt (dispatch_id, attempt, outcome, kind, route, started_at, ended_at, reason)
      select dispatch_id, ?, ?, ?, ?, ${now} - ?, ${now}, ? from dispatch where dispatch_id = ? and not exists
        (select 1 from dispatch_attempt where dispatch_id = ? and attempt = ? and outcome = ?)`,
    [
      ...[number, outcome, dispatch.kind, dispatch.route, Math.round(tookMs), reason, dispatch.dispatchId],
      ...[dispatch.dispatchId, number, outcome],
    ],
  );
  if (number > maxKept) await forgetUpTo(tx, dispatch.dispatchId, number - maxKept);
}

/** By the primary key. */
async function forgetUpTo(tx: Tx, dispatchId: string, number: number): Promise<void> {
  await tx.run('delete from dispatch_attempt where dispatch_id = ? and attempt <= ?', [dispatchId, number]);
}

/** A try as it is stored. */
export interface AttemptRow {
  attempt: number;
  outcome: Outcome;
  kind: string;
  route: Route;
  started_at: number;
  ended_at: number;
  reason: string | null;
}

/** The tries of a dispatch, oldest first. By the primary key. */
export function loadAttempts(session: Session, dispatchId: string): Promise<AttemptRow[]> {
  return session.all<AttemptRow>(
    `select attempt, outcome, kind, route, started_at, ended_at, reason from dispatch_attempt
      where dispatch_id = ? order by attempt, ended_at, outcome = 'fallback'`,
    [dispatchId],
  );
}

/** Deletes what is known of the tries of dispatches that are deleted, and returns how many there were. By the primary key. */
export function deleteAttempts(tx: Tx, dispatchIds: readonly string[]): Promise<number> {
  return tx.run(`delete from dispatch_attempt where dispatch_id in ${marksFor(dispatchIds)}`, dispatchIds);
}
