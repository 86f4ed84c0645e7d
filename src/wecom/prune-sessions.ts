import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 200;

/** The longest that a session may last without a word (PublishTriggerRequest.session_timeout_seconds). */
const longestDays = 30;

/**
 * Part of the scheduled job: forgets who talked to a bot, when any session of theirs is over and so are its messages.
 * Who comes back has a new one. Returns how many went.
 */
export async function pruneSessions({ database, config }: Context, signal: AbortSignal): Promise<number> {
  const keepMs = (1 + Math.max(longestDays, config.MESSAGE_RETENTION_CONSENT_DAYS)) * dayMs;
  let pruned = 0;
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
