/** How a bot's long connection is doing, as operators see it. Written by whoever holds the bot, and by nobody else. */
import type { Session } from '../../db/session.ts';

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
