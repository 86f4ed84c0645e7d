import { ConnectionState } from '../../../gen/wecom/v1/integration_pb.ts';
import type { ConnectionRow, ConnectionStateName } from '../long-connection/connection-store.ts';
import { toSeconds } from './show.ts';
import type { Integration } from './store.ts';

const states: Record<ConnectionStateName, ConnectionState> = {
  idle: ConnectionState.IDLE,
  connecting: ConnectionState.CONNECTING,
  connected: ConnectionState.CONNECTED,
  waiting: ConnectionState.WAITING,
  stopped: ConnectionState.STOPPED,
};

/** A bot's long connection as operators see it; without a row nobody has ever held it. */
export function showConnection(integration: Integration, row: ConnectionRow | undefined) {
  const shown = showState(integration, row);
  return {
    ...shown,
    owner: row?.owner ?? '',
    lastConnectedAt: toSeconds(row?.connected_at),
    lastDisconnectedAt: toSeconds(row?.disconnected_at),
    lastHeartbeatAt: toSeconds(row?.heartbeat_at),
    attempts: row?.attempts ?? 0,
    nextAttemptAt: shown.state === ConnectionState.WAITING ? toSeconds(row?.next_attempt_at) : 0,
  };
}

/** What operators want of the bot comes first; what a process wrote down counts no longer than that process lives. */
function showState({ enabled, appid }: Integration, row: ConnectionRow | undefined) {
  if (row?.wanted === 0) return { state: ConnectionState.DISCONNECTED, reason: 'an operator has closed it', code: 0 };
  if (!enabled) return idle('the bot is disabled');
  if (appid === '') return idle('the bot is not bound to an assistant');
  if (row === undefined) return idle(unheld);
  const { owner, code } = row;
  if (owner === null && row.state !== 'stopped') return { ...idle(row.reason || unheld), code };
  return { state: states[row.state], reason: row.reason, code };
}

const unheld = 'no process holds it';

const idle = (reason: string) => ({ state: ConnectionState.IDLE, reason, code: 0 });
