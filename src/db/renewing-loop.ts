import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { createFairClaim } from './fair-claim.ts';
import { type Lease, type Leased, LeaseLost, whileRenewing } from './lease.ts';
import type { Binding, Session } from './session.ts';
import { type Run, startWorkLoop, type WorkLoop } from './work-loop.ts';

/** Its signal is aborted when the lease is lost, too. */
export interface RenewedRun extends Run {
  /** Aborted when the grace of a stop is over, and not before: for what is to be recorded though the lease may be lost. */
  stopSignal: AbortSignal;
}

export interface RenewingLoopOptions {
  session: Session;
  logger: Logger;
  metrics: Metrics;
  leased: Leased;
  /** The index, and which of the rows: see fair-claim.ts. */
  index: string;
  where?: { sql: string; bindings: Binding[] };
  leaseMs: number;
  concurrency: number;
  /** Works on a row and releases it; `wakeIn` makes the loop look again after so many milliseconds. */
  work(lease: Lease, run: RenewedRun, wakeIn: (ms: number) => void): Promise<void>;
}

/** A work loop that accounts share, and that renews the lease of each row for as long as it is worked on. */
export function startRenewingLoop(options: RenewingLoopOptions): WorkLoop {
  const { session, logger, metrics, leased, index, where, leaseMs, concurrency, work } = options;
  const { claim, end } = createFairClaim({ session, leased, leaseMs, index, where });
  const loop = startWorkLoop({
    concurrency,
    claim,
    handle: (lease, run) =>
      whileRenewing(session, lease, run.signal, (signal) =>
        work(lease, { ...run, signal, stopSignal: run.signal }, (ms) => loop.wakeIn(ms)),
      ).finally(() => end(lease)),
    onError: (error) => {
      const isLost = error instanceof LeaseLost;
      if (isLost) metrics.leasesLost.inc({ table: leased.table });
      const level = isLost ? 'warn' : 'error';
      logger[level]({ table: leased.table, error: describeError(error) }, 'work stopped; another worker goes on');
    },
  });
  return loop;
}
