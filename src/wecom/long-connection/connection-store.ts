/** How a bot's long connection is doing, as operators see it. Written by whoever holds the bot, and by nobody else. */
import { marksFor } from '../../db/batches.ts';
import type { Session } from '../../db/session.ts';
import { wantedSql } from './holder-store.ts';

/**
 * idle: nobody holds the bot; connecting: dialled or subscribing; connected: WeCom has taken the subscription; waiting:
 * it is dialled again after a while; stopped: it is not dialled again by itself.
 */
export type ConnectionStateName = 'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped';

/** A change of state; what is absent stays. */
export interface ConnectionChange {
  state: ConnectionStateName;
  /** Why it is in that state; empty: there is nothing to say. Without credentials and addresses. */
  reason: string;
  /** WeCom's errcode; 0: none. */
  code: number;
  /** Attempts to connect since it was connected last. */
  attempts: number;
  /** In how many milliseconds it is dialled again; undefined: it isn't by itself. */
  nextAttemptInMs?: number | undefined;
}

/**
 * Writes a change down where the holder still holds the bot; false: it doesn't. When it became connected, or ceased to be,
 * is noted with it. By the primary key.
 */
export async function noteConnection(
  session: Session,
  { integrationId, holderId }: { integrationId: string; holderId: string },
  { state, reason, code, attempts, nextAttemptInMs }: ConnectionChange,
): Promise<boolean> {
  const { now } = session.dialect;
  const written = await session.run(
    `update bot_connection set
        connected_at = case when ? = 'connected' then ${now} else connected_at end,
        disconnected_at = case when state = 'connected' and ? <> 'connected' then ${now} else disconnected_at end,
        next_attempt_at = ${nextAttemptInMs === undefined ? 'null' : `${now} + ?`},
        state = ?, reason = ?, code = ?, attempts = ?
      where integration_id = ? and holder_id = ?`,
    [
      ...[state, state, ...(nextAttemptInMs === undefined ? [] : [Math.round(nextAttemptInMs)])],
      ...[state, reason.slice(0, 500), code, attempts, integrationId, holderId],
    ],
  );
  return written === 1;
}

/** A bot's connection as it is stored. */
export interface ConnectionRow {
  state: ConnectionStateName;
  /** 0: an operator has closed it. */
  wanted: number;
  reason: string;
  code: number;
  attempts: number;
  connected_at: number | null;
  disconnected_at: number | null;
  heartbeat_at: number | null;
  next_attempt_at: number | null;
  /** What operators know the process by that holds it; null: nobody that is alive. */
  owner: string | null;
}

/** Undefined: nobody has ever held it. By the primary keys. */
export async function loadConnection(session: Session, integrationId: string): Promise<ConnectionRow | undefined> {
  const [row] = await session.all<ConnectionRow>(
    `select c.state, c.wanted, c.reason, c.code, c.attempts, c.connected_at, c.disconnected_at, c.heartbeat_at,
        c.next_attempt_at, h.name owner
      from bot_connection c
      left join connection_holder h on h.holder_id = c.holder_id and h.due_at > ${session.dialect.now}
      where c.integration_id = ?`,
    [integrationId],
  );
  return row;
}

/** Whether there is somebody to send something by. */
export interface Reach {
  /** Enabled and bound, and not closed by an operator, nor stopped by WeCom. */
  isWanted: boolean;
  isDeleted: boolean;
  /** How often in a row the process that holds it now has failed to connect it; 0: it has, or nobody holds it. */
  failures: number;
}

/** By the primary keys. */
export async function loadReach(session: Session, integrationId: string): Promise<Reach> {
  const [row] = await session.all<{ wanted: number; deleted: number; failures: number }>(
    `select case when i.enabled = 1 and coalesce(c.wanted, 1) = 1 and coalesce(c.state, '') <> 'stopped'
          and exists (select 1 from wecom_trigger t join assistant a on a.appid = t.appid and a.deleted_at is null
            where t.integration_id = i.integration_id and t.enabled = 1) then 1 else 0 end wanted, case when i.deleted_at is null then 0 else 1 end deleted,
        case when c.state = 'waiting' and h.holder_id is not null then c.attempts else 0 end failures
      from integration i left join bot_connection c on c.integration_id = i.integration_id
      left join connection_holder h on h.holder_id = c.holder_id and h.due_at > ${session.dialect.now}
      where i.integration_id = ?`,
    [integrationId],
  );
  if (row === undefined) return { isWanted: false, isDeleted: true, failures: 0 };
  const isDeleted = Number(row.deleted) === 1;
  return { isWanted: !isDeleted && Number(row.wanted) === 1, isDeleted, failures: Number(row.failures) };
}

/** Notes that heartbeats came back, some seconds ago at most. By the primary key. */
export async function noteHeartbeats(
  session: Session,
  holderId: string,
  integrationIds: readonly string[],
): Promise<void> {
  for (let from = 0; from < integrationIds.length; from += notedAtOnce) {
    const ids = integrationIds.slice(from, from + notedAtOnce);
    await session.run(
      `update bot_connection set heartbeat_at = ${session.dialect.now}
        where integration_id in ${marksFor(ids)} and holder_id = ?`,
      [...ids, holderId],
    );
  }
}

const notedAtOnce = 200;

/**
 * The bots that have been held and are not connected now: whatever waits for one of them may be settled by anybody. A read
 * of all bots of long connections.
 */
export async function listUnreachable(session: Session): Promise<string[]> {
  const rows = await session.all<{ integration_id: string }>(
    `select c.integration_id from bot_connection c
      left join connection_holder h on h.holder_id = c.holder_id and h.due_at > ${session.dialect.now}
      where h.holder_id is null or c.state <> 'connected'`,
  );
  return rows.map((row) => row.integration_id);
}

/** How many bots that are to be connected are in each state; unheld: no process holds them. A read of all of them. */
export async function countConnections(session: Session): Promise<Map<string, number>> {
  const rows = await session.all<{ state: string; bots: number }>(
    `select case when h.holder_id is null then 'unheld' else c.state end state, count(*) bots ${wantedSql(session)}
      group by case when h.holder_id is null then 'unheld' else c.state end`,
  );
  const counts = new Map(['connected', 'connecting', 'waiting', 'stopped', 'unheld'].map((state) => [state, 0]));
  for (const { state, bots } of rows) counts.set(state, Number(bots));
  return counts;
}

/**
 * Forgets the connections of bots that were deleted a day ago, and for which nothing waits any more. Returns how many went.
 * By integration_by_deletion, lane_by_due and primary keys.
 */
export async function pruneConnections(session: Session): Promise<number> {
  const rows = await session.all<{ integration_id: string }>(
    `select integration_id from integration i
      where deleted_at > 0 and deleted_at < ${session.dialect.now} - 86400000
      and exists (select 1 from bot_connection c where c.integration_id = i.integration_id)
      and not exists (select 1 from lane l where l.drain_key = i.integration_id)`,
  );
  for (const { integration_id: id } of rows) {
    await session.run('delete from bot_connection where integration_id = ?', [id]);
  }
  return rows.length;
}
