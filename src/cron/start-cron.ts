import { type ScheduledTask, schedule } from 'node-cron';
import { describeError } from '../errors.ts';
import { type Job, type JobOptions, registerJob, runJob, timeZone } from './run-job.ts';

export interface Cron {
  /** Ends the schedules, aborts the jobs that run, and waits for them. */
  stop(): Promise<void>;
}

/** Starts the schedules: the tick that wakes this process's workers, and the jobs. See README.md. */
export async function startCron(
  options: JobOptions & { tickSchedule: string; tick(): void; jobs: Job[] },
): Promise<Cron> {
  const { logger, jobs } = options;
  const abort = new AbortController();
  const running = new Set<Promise<unknown>>();
  for (const job of jobs) await registerJob(options, job);
  const start = (job: Job) => {
    const run = runJob(options, job, abort.signal)
      .catch((error) => logger.error({ task: job.task, error: describeError(error) }, 'scheduled job not started'))
      .finally(() => running.delete(run));
    running.add(run);
  };
  const settings = { timezone: timeZone, suppressMissedWarning: true };
  const tasks: ScheduledTask[] = [
    schedule(options.tickSchedule, options.tick, settings),
    ...jobs.map((job) => schedule(job.schedule, () => start(job), settings)),
    // A slot that was missed, or cut short by a death, is made up for at the next tick of the workers, not a day later.
    schedule('30 * * * * *', () => jobs.forEach(start), settings),
  ];
  return {
    async stop() {
      for (const task of tasks) await task.destroy();
      abort.abort(new Error('the service is stopping'));
      await Promise.allSettled(running);
    },
  };
}
