import { type Lease, renewLease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch } from './dispatch.ts';

/**
 * Counts the start of a try at the head of a lane whose lease is held, and renews the lease. 'lost': the lease is not
 * ours any more; 'gone': the head does not wait any more. See README.md, step 3.
 */
export async function beginHead(tx: Tx, lease: Lease, head: Dispatch): Promise<'begun' | 'lost' | 'gone'> {
  if (!(await renewLease(tx, lease))) return 'lost';
  // By value: should the commit take effect unseen, the next attempt does not count the same start again.
  const begun = await tx.run("update dispatch set started = ? where dispatch_id = ? and state = 'pending'", [
    head.started + 1,
    head.dispatchId,
  ]);
  return begun === 1 ? 'begun' : 'gone';
}

/** The first of a lane that waits, as it was before this try. By the index dispatch_by_lane. */
export async function findHead(session: Session, laneId: string): Promise<Dispatch | undefined> {
  const rows = await session.all<HeadRow>(
    `select dispatch_id, lane_id, sequence, kind, appid, payload, started, finished,
        case when expires_at <= ${session.dialect.now} then 1 else 0 end expired
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
