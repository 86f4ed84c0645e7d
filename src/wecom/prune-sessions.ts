import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 200;

/** The longest that a session may last without a word (PublishTriggerRequest.session_timeout_seconds). */
const longestDays = 30;

/**
 * Part of the scheduled job: forgets who talked to a bot, when any session of theirs is over and so are its messages, or
 * the bot is deleted. Who comes back has a new one. Returns how many went.
 */
export async function pruneSessions({ database, config }: Context, signal: AbortSignal): Promise<number> {
  const keepMs = (1 + Math.max(longestDays, config.MESSAGE_RETENTION_CONSENT_DAYS)) * dayMs;
  let pruned = 0;
  for (const integrationId of await listLeft(database)) {
    pruned += await deleteSessionsOf(database, integrationId, signal);
  }
  await inBatches(signal, async () => {
    const ids = await listIdle(database, keepMs);
    if (ids.length > 0) pruned += await deleteIdle(database, ids, keepMs);
    return ids.length === batchSize;
  });
  return pruned;
}

/** By wecom_session_by_age. */
async function listIdle(session: Session, keepMs: number): Promise<string[]> {
  const rows = await session.all<{ session_id: string }>(
    `select session_id from wecom_session where active_at < ${session.dialect.now} - ? order by active_at limit ${batchSize}`,
    [keepMs],
  );
  return rows.map((row) => row.session_id);
}

/** By primary keys; who has come back meanwhile stays. */
function deleteIdle(session: Session, ids: readonly string[], keepMs: number): Promise<number> {
  return session.run(
    `delete from wecom_session where session_id in ${marksFor(ids)} and active_at < ${session.dialect.now} - ?`,
    [...ids, keepMs],
  );
}

/** Forgets who talked to a bot, in batches, and returns how many went. By wecom_session_by_activity. */
export async function deleteSessionsOf(
  database: Database,
  integrationId: string,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  await inBatches(signal, async () => {
    const rows = await database.all<{ session_id: string }>(
      `select session_id from wecom_session where integration_id = ? limit ${batchSize}`,
      [integrationId],
    );
    const ids = rows.map((row) => row.session_id);
    if (ids.length > 0)
      deleted += await database.run(`delete from wecom_session where session_id in ${marksFor(ids)}`, ids);
    return ids.length === batchSize;
  });
  return deleted;
}

/**
 * Deleted bots that somebody still has a session with: their deletion was cut off, or a message was just accepted. By
 * integration_by_deletion, and wecom_session_by_activity.
 */
async function listLeft(session: Session): Promise<string[]> {
  const rows = await session.all<{ integration_id: string }>(
    `select integration_id from integration i where deleted_at > 0
      and exists (select 1 from wecom_session s where s.integration_id = i.integration_id)`,
  );
  return rows.map((row) => row.integration_id);
}
