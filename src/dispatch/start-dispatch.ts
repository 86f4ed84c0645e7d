import type { FairClaim } from '../db/fair-claim.ts';
import { startWorkLoop, type WorkLoop } from '../db/work-loop.ts';
import { describeError } from '../errors.ts';
import { shareLanes } from './claim.ts';
import { type DeliverOptions, deliverLane } from './deliver.ts';

export interface DispatchOptions extends Omit<DeliverOptions, 'wakeIn'> {
  /** Lanes that are drained at once. */
  concurrency: number;
  /** How long a lane is held: more than a send and a statement may take together. */
  leaseMs: number;
  /** Which lanes; those that anybody may drain, unless given. */
  claim?: FairClaim;
}

/** The workers that deliver. See README.md. */
export function startDispatch(options: DispatchOptions): WorkLoop {
  const { database, concurrency, leaseMs, logger } = options;
  const { claim, end } = options.claim ?? shareLanes(database, leaseMs);
  const loop = startWorkLoop({
    concurrency,
    claim,
    handle: (lease, run) =>
      deliverLane({ ...options, wakeIn: (ms) => loop.wakeIn(ms) }, lease, run).finally(() => end(lease)),
    onError: (error) =>
      logger.error({ error: describeError(error) }, 'delivering failed; the lane is due again after its lease'),
  });
  return loop;
}
