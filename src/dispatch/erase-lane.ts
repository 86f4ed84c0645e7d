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
