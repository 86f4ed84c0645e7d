import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { notFound } from '../errors.ts';
import type { Route } from './dispatch.ts';

/** A dispatch as operators see it, without what it says. */
export interface DispatchRow {
  dispatch_id: string;
  lane_id: string;
  sequence: number;
  state: string;
  kind: string;
  route: Route;
  appid: string;
  message_id: string | null;
  created_at: number;
  expires_at: number;
  settled_at: number | null;
  started: number;
  finished: number;
  retries: number;
  reason: string | null;
}

/** The kind on the route that is in effect. */
export const kindSql = "case when route = 'first' then kind else fallback_kind end";

/** The columns of a DispatchRow. */
export const rowSql = `dispatch_id, lane_id, sequence, state, ${kindSql} kind, route, appid, message_id, created_at,
  expires_at, settled_at, started, finished, retries, reason`;

/** By the primary key. Throws NOT_FOUND. */
export async function loadDispatch(session: Session, dispatchId: string): Promise<DispatchRow> {
  const [row] = await session.all<DispatchRow>(`select ${rowSql} from dispatch where dispatch_id = ?`, [dispatchId]);
  if (row === undefined) throw notFound('dispatch', dispatchId);
  return row;
}

/** What a dispatch says by either route. By the primary key. */
export async function loadPayloads(session: Session, dispatchId: string) {
  const [row] = await session.all<{ payload: string; fallback_kind: string | null; fallback_payload: string | null }>(
    'select payload, fallback_kind, fallback_payload from dispatch where dispatch_id = ?',
    [dispatchId],
  );
  return row;
}

/** A lane as operators see it. */
export interface LaneRow {
  lane_id: string;
  appid: string;
  integration_id: string;
  due_at: number | null;
  failures: number;
  /** 1: a worker holds it, by a lease that has not run out. */
  held: number;
}

/** By the primary key. */
export async function loadLane(session: Session, laneId: string, lock = ''): Promise<LaneRow | undefined> {
  const [row] = await session.all<LaneRow>(
    `select lane_id, appid, integration_id, due_at, failures,
        case when lease_token is not null and due_at > ${session.dialect.now} then 1 else 0 end held
      from lane where lane_id = ?${lock}`,
    [laneId],
  );
  return row;
}

/**
 * Locks a lane until the transaction ends: nothing of it is begun, settled or released meanwhile. Lanes are locked
 * before dispatches, here as by the workers. Throws NOT_FOUND.
 */
export async function lockLane(tx: Tx, laneId: string): Promise<LaneRow> {
  const lane = await loadLane(tx, laneId, tx.dialect.forUpdate);
  if (lane === undefined) throw notFound('lane', laneId);
  return lane;
}

/** Locks the lane of a dispatch, and returns both as they are then. Throws NOT_FOUND. */
export async function lockDispatch(tx: Tx, dispatchId: string): Promise<{ dispatch: DispatchRow; lane: LaneRow }> {
  const { lane_id } = await loadDispatch(tx, dispatchId);
  const lane = await lockLane(tx, lane_id);
  return { dispatch: await loadDispatch(tx, dispatchId), lane };
}

/** Ends the wait of a locked lane, unless somebody holds it. By the primary key. */
export async function makeDue(tx: Tx, laneId: string): Promise<void> {
  await tx.run('update lane set failures = 0 where lane_id = ?', [laneId]);
  await tx.run(`update lane set due_at = ${tx.dialect.now} where lane_id = ? and lease_token is null`, [laneId]);
}

/** The pending dispatch at the head of a lane. By dispatch_by_lane. */
export async function loadHead(session: Session, laneId: string): Promise<DispatchRow | undefined> {
  const [row] = await session.all<DispatchRow>(
    `select ${rowSql} from dispatch where lane_id = ? and state = 'pending' order by sequence limit 1`,
    [laneId],
  );
  return row;
}

/** Ends a pending dispatch of a locked lane; its tries stay as they are. By the primary key. */
export async function endPending(tx: Tx, dispatchId: string, state: 'dead' | 'cancelled', reason: string) {
  await tx.run(
    `update dispatch set state = ?, reason = ?, settled_at = ${tx.dialect.now}
      where dispatch_id = ? and state = 'pending'`,
    [state, reason, dispatchId],
  );
}

/** Whether a try was begun whose end is not recorded. */
export function mayHaveArrived({ started, finished }: DispatchRow): boolean {
  return started > finished;
}

/** Whether what was enqueued with this key was delivered. By dispatch_by_dedupe_key. */
export async function isDelivered(session: Session, dedupeKey: string): Promise<boolean> {
  const rows = await session.all("select 1 from dispatch where dedupe_key = ? and state = 'delivered'", [dedupeKey]);
  return rows.length > 0;
}
