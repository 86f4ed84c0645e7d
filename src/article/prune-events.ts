import { eachAccount } from '../assistant/each-account.ts';
import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import { eventNoticeKey } from './notices.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 200;

/**
 * Part of the scheduled job: forgets events that ended, EVENT_RETENTION_DAYS after they were accepted. Until then their
 * rows are the memory against doubles, also where their base is deleted. One whose notice is still there stays as long: should the sender repeat it, it
 * would be handled anew, and its other notice would be in conflict with the first. Returns how many went.
 */
export async function pruneEvents({ database, config }: Context, signal: AbortSignal): Promise<number> {
  const keepMs = config.EVENT_RETENTION_DAYS * dayMs;
  let pruned = 0;
  await eachAccount(database, signal, async (appid) => {
    let after: Cursor = { created_at: -1, event_id: '' };
    await inBatches(signal, async () => {
      const batch = await listOld(database, appid, keepMs, after);
      const ended = batch.filter((row) => row.is_ended === 1);
      pruned += await deleteUnnoticed(database, appid, ended);
      after = batch.at(-1) ?? after;
      return batch.length === batchSize;
    });
  });
  return pruned;
}

interface Cursor {
  created_at: number;
  event_id: string;
}

interface Old extends Cursor {
  knowledge_id: string;
}

/** By article_event_by_age. */
function listOld(session: Session, appid: string, keepMs: number, after: Cursor) {
  return session.all<Old & { is_ended: number }>(
    `select event_id, created_at, knowledge_id, case when state = 'pending' then 0 else 1 end is_ended
      from article_event where appid = ? and created_at < ${session.dialect.now} - ?
        and (created_at > ? or (created_at = ? and event_id > ?))
      order by created_at, event_id limit ${batchSize}`,
    [appid, keepMs, after.created_at, after.created_at, after.event_id],
  );
}

/** What has ended stays so: no lock is needed between the look and the deletion. By dispatch_by_dedupe. */
async function deleteUnnoticed(session: Session, appid: string, ended: readonly Old[]): Promise<number> {
  if (ended.length === 0) return 0;
  const keyOf = (row: Old) => eventNoticeKey(row.knowledge_id, row.event_id);
  const keys = ended.map(keyOf);
  const rows = await session.all<{ dedupe_key: string }>(
    `select dedupe_key from dispatch where dedupe_key in ${marksFor(keys)}`,
    keys,
  );
  const noticed = new Set(rows.map((row) => row.dedupe_key));
  const over = ended.filter((row) => !noticed.has(keyOf(row))).map((row) => row.event_id);
  if (over.length === 0) return 0;
  return session.run(
    `delete from article_event where appid = ? and event_id in ${marksFor(over)} and state <> 'pending'`,
    [appid, ...over],
  );
}
