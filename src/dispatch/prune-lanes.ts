import { inBatches, marksFor } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';

/** Lanes that are read at once. */
const pageSize = 500;

/** Lanes that are deleted in one transaction: an enqueue on one of them waits for it. */
const batchSize = 100;

/**
 * Deletes the lanes that nobody holds and that have no dispatch any more, pending or kept: they had nothing to deliver
 * for as long as dispatches are kept. The numbers of a lane may begin anew then, since none of the old is left.
 */
export async function pruneLanes(database: Database, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  let after = '';
  await inBatches(signal, async () => {
    const page = await listLanes(database, after);
    const empty = page.filter((row) => row.is_empty === 1).map((row) => row.lane_id);
    for (let from = 0; from < empty.length; from += batchSize) {
      pruned += await database.tx((tx) => deleteEmptyLanes(tx, empty.slice(from, from + batchSize)));
    }
    after = page.at(-1)?.lane_id ?? '';
    return page.length === pageSize;
  });
  return pruned;
}

/** By the primary key, and dispatch_by_lane. */
function listLanes(session: Session, after: string) {
  return session.all<{ lane_id: string; is_empty: number }>(
    `select l.lane_id, case when l.due_at is null and l.lease_token is null
        and not exists (select 1 from dispatch d where d.lane_id = l.lane_id) then 1 else 0 end is_empty
      from lane l where l.lane_id > ? order by l.lane_id limit ${pageSize}`,
    [after],
  );
}

/**
 * Deletes those of these lanes that are empty. Enqueueing locks the lane first, so under its lock a look at its
 * dispatches is the last word; the look is a statement of its own, since one sees what was committed when it began.
 */
export async function deleteEmptyLanes(tx: Tx, laneIds: readonly string[]): Promise<number> {
  if (laneIds.length === 0) return 0;
  const idle = await tx.all<{ lane_id: string }>(
    `select lane_id from lane where lane_id in ${marksFor(laneIds)} and due_at is null and lease_token is null
      order by lane_id${tx.dialect.forUpdate}`,
    laneIds,
  );
  if (idle.length === 0) return 0;
  const ids = idle.map((row) => row.lane_id);
  const empty = await tx.all<{ lane_id: string }>(
    `select lane_id from lane where lane_id in ${marksFor(ids)}
      and not exists (select 1 from dispatch d where d.lane_id = lane.lane_id)`,
    ids,
  );
  if (empty.length === 0) return 0;
  return tx.run(
    `delete from lane where lane_id in ${marksFor(empty.map((row) => row.lane_id))}`,
    empty.map((row) => row.lane_id),
  );
}
