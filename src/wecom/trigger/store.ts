import { readNow } from '../../db/read-now.ts';
import type { Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';

/** How a bot is bound to an assistant. */
export interface Trigger {
  integrationId: string;
  appid: string;
  enabled: boolean;
  sessionTimeoutSeconds: number;
  /** 0: each message is a question. */
  summaryWindowSeconds: number;
  maxWaitSeconds: number;
  groupScope: GroupScope;
  /** None: everybody. */
  allowUsers: string[];
  /** Empty: the text of that name. */
  welcome: string;
}

/** Who shares a conversation in a group: each member has one, or all have one together. */
export type GroupScope = 'member' | 'chat';

export interface TriggerRow {
  integration_id: string;
  appid: string;
  enabled: number;
  session_timeout_seconds: number;
  summary_window_seconds: number;
  max_wait_seconds: number;
  group_scope: GroupScope;
  allow_users: string;
  welcome: string;
  published_at: number;
}

export const triggerSql = `select integration_id, appid, enabled, session_timeout_seconds, summary_window_seconds,
    max_wait_seconds, group_scope, allow_users, welcome, published_at from wecom_trigger`;

export type StoredTrigger = Trigger & { publishedAt: number };

export function toTrigger(row: TriggerRow): StoredTrigger {
  return {
    integrationId: row.integration_id,
    appid: row.appid,
    enabled: row.enabled === 1,
    sessionTimeoutSeconds: row.session_timeout_seconds,
    summaryWindowSeconds: row.summary_window_seconds,
    maxWaitSeconds: row.max_wait_seconds,
    groupScope: row.group_scope,
    allowUsers: JSON.parse(row.allow_users) as string[],
    welcome: row.welcome,
    publishedAt: row.published_at,
  };
}

/** By the primary key. */
export async function findTrigger(session: Session, integrationId: string): Promise<StoredTrigger | undefined> {
  const [row] = await session.all<TriggerRow>(`${triggerSql} where integration_id = ?`, [integrationId]);
  return row && toTrigger(row);
}

/** Inserts the trigger of a bot, or replaces it. By the primary key. */
export async function saveTrigger(tx: Tx, trigger: Trigger): Promise<void> {
  const columns = {
    appid: trigger.appid,
    enabled: trigger.enabled ? 1 : 0,
    session_timeout_seconds: trigger.sessionTimeoutSeconds,
    summary_window_seconds: trigger.summaryWindowSeconds,
    max_wait_seconds: trigger.maxWaitSeconds,
    group_scope: trigger.groupScope,
    allow_users: JSON.stringify(trigger.allowUsers),
    welcome: trigger.welcome,
    published_at: await readNow(tx),
  };
  const row = { integration_id: trigger.integrationId, ...columns };
  await tx.upsert('wecom_trigger', row, ['integration_id'], Object.keys(columns));
}

/** By the primary key. */
export async function deleteTrigger(tx: Tx, integrationId: string): Promise<void> {
  await tx.run('delete from wecom_trigger where integration_id = ?', [integrationId]);
}

/** Unbinds all bots of an assistant. By wecom_trigger_by_appid. */
export async function deleteTriggersOf(tx: Tx, appid: string): Promise<void> {
  await tx.run('delete from wecom_trigger where appid = ?', [appid]);
}
