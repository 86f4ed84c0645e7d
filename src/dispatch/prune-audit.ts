import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';

const batchSize = 500;

/** Deletes what operators did longer ago than `keepMs`, and returns how many rows that were. By audit_by_time. */
export async function pruneAudit(database: Database, keepMs: number, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await inBatches(signal, async () => {
    const deleted = await database.run(`delete from audit where at < ${database.dialect.now} - ? limit ${batchSize}`, [
      keepMs,
    ]);
    pruned += deleted;
    return deleted === batchSize;
  });
  return pruned;
}
