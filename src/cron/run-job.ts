import { CronExpressionParser } from 'cron-parser';
import type { Database } from '../db/database.ts';
import { claimDue, lockLease, releaseLease, whileRenewing } from '../db/lease.ts';
import { readNow } from '../db/read-now.ts';
import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';

export const timeZone = 'Asia/Shanghai';

/** A scheduled job. It may be run again after it was cut off at any point. */
export interface Job {
  task: string;
  /** A cron expression. */
  schedule: string;
  run(signal: AbortSignal): Promise<void>;
}

/** What running jobs needs. */
export interface JobOptions {
  database: Database;
  logger: Logger;
  leaseMs: number;
}

/** Makes sure that the job has its row, due at its next slot. */
export async function registerJob({ database }: JobOptions, { task, schedule }: Job): Promise<void> {
  const dueAt = nextSlot(schedule, await readNow(database));
  await database.insertOrKeep('cron_task', { task, due_at: dueAt }, ['task']);
  // The schedule may have been changed to an earlier slot than the one that is stored.
  await database.run('update cron_task set due_at = ? where task = ? and lease_token is null and due_at > ?', [
    dueAt,
    task,
    dueAt,
  ]);
}

/** Runs the job if its slot has come and nobody else has it. Returns whether it was run. See README.md. */
export async function runJob(options: JobOptions, job: Job, signal: AbortSignal): Promise<boolean> {
  const { database, logger, leaseMs } = options;
  const where = { sql: 'task = ?', bindings: [job.task] };
  const leased = { table: 'cron_task', key: 'task' } as const;
  const [lease] = await claimDue(database, leased, { limit: 1, leaseMs, where });
  if (lease === undefined) return false;
  let failure: string | null = null;
  try {
    await whileRenewing(database, lease, signal, (held) => job.run(held));
  } catch (error) {
    failure = describeError(error);
    logger.error({ task: job.task, error: failure }, 'scheduled job failed');
  }
  await database.tx(async (tx) => {
    if (!(await lockLease(tx, lease))) return;
    const now = await readNow(tx);
    // Cut off by a stop: whoever is there goes on at once. Else exactly at the slot, since that is when they tick.
    const dueAt = signal.aborted ? now : nextSlot(job.schedule, now);
    await releaseLease(tx, lease, undefined);
    const set = 'due_at = ?, last_finished_at = ?, last_error = ?';
    await tx.run(`update cron_task set ${set} where task = ?`, [dueAt, now, failure, job.task]);
  });
  logger.info({ task: job.task, failed: failure !== null }, 'scheduled job ran');
  return true;
}

/** The first slot after a time, both in milliseconds since 1970. */
export function nextSlot(schedule: string, afterMs: number): number {
  return CronExpressionParser.parse(schedule, { currentDate: new Date(afterMs), tz: timeZone })
    .next()
    .getTime();
}
