import { type Lease, renewLease } from '../db/lease.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch } from './dispatch.ts';

/**
 * Looks at the head of a lane whose lease is held, and counts the start of a try. Returns undefined when nothing is
 * pending, and 'lost' when the lease is not ours any more. See README.md, step 3.
 */
export async function beginHead(tx: Tx, lease: Lease): Promise<Dispatch | undefined | 'lost'> {
  if (!(await renewLease(tx, lease))) return 'lost';
  const head = await findHead(tx, lease.id);
  if (head !== undefined) {
    await tx.run('update dispatch set started = started + 1 where dispatch_id = ?', [head.dispatchId]);
  }
  return head;
}

/** By the index dispatch_by_lane. */
async function findHead(tx: Tx, laneId: string): Promise<Dispatch | undefined> {
  const rows = await tx.all<HeadRow>(
    `select dispatch_id, lane_id, sequence, kind, appid, payload, started, finished,
        case when expires_at <= ${tx.dialect.now} then 1 else 0 end expired
      from dispatch where lane_id = ? and state = 'pending' order by sequence limit 1`,
    [laneId],
  );
  const row = rows[0];
  return (
    row && {
      dispatchId: row.dispatch_id,
      laneId: row.lane_id,
      sequence: row.sequence,
      kind: row.kind,
      appid: row.appid,
      payload: row.payload,
      started: row.started,
      finished: row.finished,
      expired: row.expired === 1,
    }
  );
}

interface HeadRow {
  dispatch_id: string;
  lane_id: string;
  sequence: number;
  kind: string;
  appid: string;
  payload: string;
  started: number;
  finished: number;
  expired: number;
}
