import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { prune } from '../../src/cron/prune.ts';
import type { Database } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';

/** Runs the whole job of PRUNE_CRON once. */
export function runPrune(database: Database, env: Record<string, string> = {}, signal = new AbortController().signal) {
  const context = {
    ...{ database, config: toConfig(env), metrics: createMetrics() },
    logger: createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
  };
  return prune(context as unknown as Context, signal);
}
