/**
 * Deletes dispatches that have ended. A pending one is never touched: who deletes locks the row, or its lane, and looks
 * again. The tries of a dispatch go with it.
 */
import { inBatches, marksFor } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { deleteAttempts } from './attempts.ts';

const batchSize = 200;

/** Deletes what was settled longer ago than `keepMs`, and returns how many that were. By dispatch_by_settled. */
export async function pruneDispatches(database: Database, keepMs: number, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await inBatches(signal, async () => {
    const ids = await listSettled(database, keepMs);
    if (ids.length > 0) pruned += await database.tx((tx) => deleteSettled(tx, ids));
    return ids.length === batchSize;
  });
  return pruned;
}

async function listSettled(session: Session, keepMs: number): Promise<string[]> {
  const rows = await session.all<{ dispatch_id: string }>(
    `select dispatch_id from dispatch where settled_at < ${session.dialect.now} - ? and state <> 'pending'
      order by settled_at, dispatch_id limit ${batchSize}`,
    [keepMs],
  );
  return rows.map((row) => row.dispatch_id);
}

/** Deletes those of these dispatches that have ended, and returns how many that were. By the primary key. */
export async function deleteSettled(tx: Tx, ids: readonly string[]): Promise<number> {
  const rows = await tx.all<{ dispatch_id: string }>(
    `select dispatch_id from dispatch where dispatch_id in ${marksFor(ids)} and state <> 'pending'
      order by dispatch_id${tx.dialect.forUpdate}`,
    ids,
  );
  const { dispatches } = await deleteDispatches(
    tx,
    rows.map((row) => row.dispatch_id),
  );
  return dispatches;
}

/** Deletes dispatches whatever their state, with their tries. Their rows, or their lanes, are locked. */
export async function deleteDispatches(tx: Tx, ids: readonly string[]) {
  if (ids.length === 0) return { attempts: 0, dispatches: 0 };
  return {
    attempts: await deleteAttempts(tx, ids),
    dispatches: await tx.run(`delete from dispatch where dispatch_id in ${marksFor(ids)}`, ids),
  };
}

/**
 * Ends what is kept of messages' dispatches when the messages go: those that are not owed any more are deleted, but for
 * those that failed, of which only what they were to say is: a sender that is given an empty payload refuses it for
 * good. Returns the messages that still have one to deliver. By dispatch_by_message.
 */
export async function endWithMessages(tx: Tx, messageIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.all<{ dispatch_id: string; message_id: string; state: string }>(
    `select dispatch_id, message_id, state from dispatch where message_id in ${marksFor(messageIds)}
      order by dispatch_id${tx.dialect.forUpdate}`,
    messageIds,
  );
  const owed = new Set(rows.filter(({ state }) => state === 'pending').map((row) => row.message_id));
  const over = rows.filter((row) => !owed.has(row.message_id));
  const failed = over.filter(({ state }) => state === 'dead' || state === 'expired').map((row) => row.dispatch_id);
  const others = over.filter(({ state }) => state !== 'dead' && state !== 'expired').map((row) => row.dispatch_id);
  await deleteDispatches(tx, others);
  if (failed.length > 0) {
    await tx.run(
      `update dispatch set payload = '', fallback_payload = case when fallback_payload is null then null else '' end
        where dispatch_id in ${marksFor(failed)}`,
      failed,
    );
  }
  return owed;
}
