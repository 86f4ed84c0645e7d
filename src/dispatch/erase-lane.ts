import { marksFor } from '../db/batches.ts';
import type { Tx } from '../db/tx.ts';
import { deleteDispatches } from './prune-dispatches.ts';

/** How many rows went. */
export interface ErasedDispatches {
  dispatches: number;
  /** Of the dispatches, those that were pending: not sent any more, but for one that was just being sent. */
  cancelled: number;
  /** Tries of dispatches. */
  attempts: number;
}

const batchSize = 200;

/**
 * Takes a lane from whoever delivers it, which finds its lease lost: a dispatch that it has on its way may still arrive,
 * but nothing is written of it. Locks the lane until the commit.
 */
export async function takeLane(tx: Tx, laneId: string): Promise<void> {
  await tx.run('update lane set lease_token = null, due_at = null where lane_id = ?', [laneId]);
}

/**
 * Deletes some of a lane's dispatches, whatever their state, and with the last of them the lane: then no dispatches are
 * told of. By dispatch_by_lane.
 */
export async function eraseLaneBatch(tx: Tx, laneId: string): Promise<ErasedDispatches> {
  await takeLane(tx, laneId); // each time: an operator may have had one sent again
  const rows = await tx.all<{ dispatch_id: string; state: string }>(
    `select dispatch_id, state from dispatch where lane_id = ? limit ${batchSize}`,
    [laneId],
  );
  if (rows.length === 0) await tx.run('delete from lane where lane_id = ?', [laneId]);
  const deleted = await deleteDispatches(
    tx,
    rows.map((row) => row.dispatch_id),
  );
  return { ...deleted, cancelled: rows.filter(({ state }) => state === 'pending').length };
}

/**
 * Moves the dispatches of these messages to a lane that nobody delivers, and makes the rest due. Whoever is sending one of
 * them finds its lease lost; who is sending another one is left alone. Locks the lane until the commit, by changing it a
 * little (see `lockLease`). By dispatch_by_message, and dispatch_by_lane.
 */
export async function moveDispatches(tx: Tx, from: string, to: string, messageIds: readonly string[]): Promise<void> {
  if ((await tx.run('update lane set due_at = due_at + 1 where lane_id = ?', [from])) === 0) return;
  const [head] = await tx.all<{ dispatch_id: string }>(
    `select dispatch_id from dispatch where lane_id = ? and state = 'pending'
      order by sequence limit 1${tx.dialect.forUpdate}`,
    [from],
  );
  let isSending = false;
  for (let at = 0; at < messageIds.length; at += batchSize) {
    const ids = messageIds.slice(at, at + batchSize);
    const rows = await tx.all<{ dispatch_id: string; started: number; finished: number }>(
      `select dispatch_id, started, finished from dispatch
        where message_id in ${marksFor(ids)} order by dispatch_id${tx.dialect.forUpdate}`,
      ids,
    );
    isSending ||= rows.some((row) => row.dispatch_id === head?.dispatch_id || row.started > row.finished);
    await tx.run(`update dispatch set lane_id = ? where lane_id = ? and message_id in ${marksFor(ids)}`, [
      ...[to, from, ...ids],
    ]);
  }
  if (!isSending) return;
  await tx.run(`update lane set lease_token = null, due_at = ${tx.dialect.now}, failures = 0 where lane_id = ?`, [
    from,
  ]);
}
