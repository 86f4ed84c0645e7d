import { marksFor } from '../db/batches.ts';
import { type Lease, releaseLease, renewLease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch, Route } from './dispatch.ts';
import { findPause, globalScope, scopesOf } from './pause-store.ts';

/**
 * A lane that is paused is looked at again after this long, so that what expires meanwhile ends visibly, and a lane
 * that a resume has overlooked goes on.
 */
const parkMs = 5 * 60 * 1000;

/**
 * Counts the start of a try at the head of a lane whose lease is held, and renews the lease. 'lost': the lease is not
 * ours any more; 'gone': the head does not wait any more, or its time is over; 'paused': the lane is released. See
 * README.md, step 3.
 */
export async function beginHead(tx: Tx, lease: Lease, head: Dispatch): Promise<'begun' | 'lost' | 'gone' | 'paused'> {
  if (!(await renewLease(tx, lease))) return 'lost';
  const scopes = scopesOf(head);
  // By value: should the commit take effect unseen, the next attempt does not count the same start again.
  const begun = await tx.run(
    `update dispatch set started = ? where dispatch_id = ? and state = 'pending' and expires_at > ${tx.dialect.now}
      and not exists (select 1 from delivery_pause where scope in ${marksFor(scopes)})`,
    [head.started + 1, head.dispatchId, ...scopes],
  );
  if (begun === 1) return 'begun';
  const pause = await findPause(tx, scopes);
  if (pause === undefined) return 'gone';
  // Under a global pause nobody claims: the lane stays due. Else it would be claimed again at once.
  await releaseLease(tx, lease, pause === globalScope ? 0 : parkMs * (1 + 0.2 * Math.random()));
  return 'paused';
}

/** The first of a lane that waits, as it was before this try. By the index dispatch_by_lane. */
export async function findHead(session: Session, laneId: string): Promise<Dispatch | undefined> {
  const askedMs = performance.now();
  const [row] = await session.all<HeadRow>(
    `select d.dispatch_id, d.lane_id, d.sequence, d.appid, l.integration_id, d.route, d.started, d.finished,
        case when d.route = 'first' then d.kind else d.fallback_kind end kind,
        case when d.route = 'first' then d.payload else d.fallback_payload end payload,
        case when d.route = 'first' and d.fallback_kind is not null then 1 else 0 end has_fallback,
        d.expires_at - ${session.dialect.now} left_ms
      from dispatch d join lane l on l.lane_id = d.lane_id
      where d.lane_id = ? and d.state = 'pending' order by d.sequence limit 1`,
    [laneId],
  );
  return (
    row && {
      dispatchId: row.dispatch_id,
      laneId: row.lane_id,
      sequence: row.sequence,
      kind: row.kind,
      appid: row.appid,
      integrationId: row.integration_id,
      payload: row.payload,
      route: row.route,
      hasFallback: row.has_fallback === 1,
      started: row.started,
      finished: row.finished,
      expired: row.left_ms <= 0,
      endsMs: askedMs + row.left_ms,
    }
  );
}

interface HeadRow {
  dispatch_id: string;
  lane_id: string;
  sequence: number;
  kind: string;
  appid: string;
  integration_id: string;
  payload: string;
  route: Route;
  has_fallback: number;
  started: number;
  finished: number;
  left_ms: number;
}
