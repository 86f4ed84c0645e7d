import type { Tx } from '../db/tx.ts';

/**
 * Ends a pending dispatch as delivered, since what it was to say has been fetched. A worker that is about to send it
 * finds that out from whoever called this, in the same transaction. By dispatch_by_dedupe.
 */
export async function settleFetched(tx: Tx, dedupeKey: string): Promise<void> {
  await tx.run(
    `update dispatch set state = 'delivered', reason = null, settled_at = ${tx.dialect.now}
      where dedupe_key = ? and state = 'pending'`,
    [dedupeKey],
  );
}
