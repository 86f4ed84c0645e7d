import type { Database } from '../../db/database.ts';
import { describeError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { addToStatus, type StatusChange } from './status-store.ts';

/** What came for a bot. */
export type Arrival = 'callback' | 'badSignature' | 'message';

/**
 * Counts what comes for each bot, and writes it down at each tick: whoever floods a callback address writes nothing to
 * the database. What was counted since the last tick is lost with the process.
 */
export interface StatusRecorder {
  note(integrationId: string, arrival: Arrival): void;
  /** Writes down what was counted. */
  flush(): Promise<void>;
}

export function createStatusRecorder({ database, logger }: { database: Database; logger: Logger }): StatusRecorder {
  let counted = new Map<string, Counted>();
  return {
    note(integrationId, arrival) {
      const counts = counted.get(integrationId) ?? { callback: 0, badSignature: 0, message: 0, lastMs: {} };
      counts[arrival]++;
      counts.lastMs[arrival] = performance.now();
      counted.set(integrationId, counts);
    },
    async flush() {
      const taken = counted;
      counted = new Map();
      for (const [integrationId, counts] of taken) {
        await addToStatus(database, integrationId, toChange(counts)).catch((error) =>
          logger.warn({ integrationId, error: describeError(error) }, 'the status of a bot was not written'),
        );
      }
    },
  };
}

type Counted = Record<Arrival, number> & { lastMs: Partial<Record<Arrival, number>> };

function toChange({ callback, badSignature, message, lastMs }: Counted): StatusChange {
  const ageOf = (at: number | undefined) => (at === undefined ? undefined : performance.now() - at);
  return {
    ...{ callbacks: callback, badSignatures: badSignature, messages: message },
    lastCallbackAgeMs: ageOf(lastMs.callback),
    lastBadSignatureAgeMs: ageOf(lastMs.badSignature),
  };
}
