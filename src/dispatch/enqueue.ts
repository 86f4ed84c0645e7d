import { ulid } from 'ulid';
import type { Tx } from '../db/tx.ts';
import { conflict } from '../errors.ts';

/** What to deliver. */
export interface NewDispatch {
  /** The order key. */
  laneId: string;
  /** Only the holder of the lease of this name delivers it; absent: any replica. */
  drainKey?: string;
  /** Enqueueing twice with the same key is enqueueing once. */
  dedupeKey: string;
  kind: string;
  appid: string;
  /** The bot's integration; absent: none. Like the appid, one lane has one. */
  integrationId?: string;
  /** The user's message that it answers. */
  messageId?: string;
  /** For the sender, as JSON. */
  payload: string;
  /** After this long it isn't sent any more. */
  windowMs: number;
  /** What takes its place when its time is over, or its route is closed or refuses it. */
  fallback?: Fallback;
}

/** Another way to deliver the same. */
export interface Fallback {
  kind: string;
  payload: string;
  /** Counted from when it takes the place of what failed. */
  windowMs: number;
}

/** Adds a dispatch to its lane within the transaction that causes it, and returns its id. See README.md, step 1. */
export async function enqueue(tx: Tx, dispatch: NewDispatch): Promise<string> {
  await tx.insertOrKeep('lane', { lane_id: dispatch.laneId, drain_key: dispatch.drainKey ?? '' }, ['lane_id']);
  // Locks the lane until the commit. Its account is written each time: a lane that the release before made has none.
  await tx.run(
    `update lane set last_sequence = last_sequence + 1,
        due_at = case when lease_token is null then coalesce(due_at, ${tx.dialect.now}) else due_at end,
        appid = ?, integration_id = ?
      where lane_id = ?`,
    [dispatch.appid, dispatch.integrationId ?? '', dispatch.laneId],
  );
  const known = await findByDedupeKey(tx, dispatch.dedupeKey);
  if (known !== undefined) {
    if (known.payload !== dispatch.payload)
      throw conflict(`dispatch ${dispatch.dedupeKey} exists with another payload`);
    return known.dispatch_id;
  }
  const dispatchId = ulid();
  await insertDispatch(tx, dispatchId, dispatch);
  return dispatchId;
}

async function findByDedupeKey(tx: Tx, dedupeKey: string) {
  const rows = await tx.all<{ dispatch_id: string; payload: string }>(
    'select dispatch_id, payload from dispatch where dedupe_key = ?',
    [dedupeKey],
  );
  return rows[0];
}

async function insertDispatch(tx: Tx, dispatchId: string, dispatch: NewDispatch): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(
    `insert into dispatch (dispatch_id, lane_id, sequence, dedupe_key, kind, appid, message_id, payload, state,
        window_ms, expires_at, created_at, fallback_kind, fallback_payload, fallback_window_ms)
      select ?, lane_id, last_sequence, ?, ?, ?, ?, ?, 'pending', ?, ${now} + ?, ${now}, ?, ?, ?
        from lane where lane_id = ?`,
    [
      dispatchId,
      dispatch.dedupeKey,
      dispatch.kind,
      dispatch.appid,
      dispatch.messageId ?? null,
      dispatch.payload,
      dispatch.windowMs,
      dispatch.windowMs,
      dispatch.fallback?.kind ?? null,
      dispatch.fallback?.payload ?? null,
      dispatch.fallback?.windowMs ?? null,
      dispatch.laneId,
    ],
  );
}
