import type { Context } from '../context.ts';
import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Binding, Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { eraseLaneBatch } from '../dispatch/erase-lane.ts';
import { cancelPending } from './cancel-pending.ts';
import { holdDeleted } from './store.ts';

const pageSize = 200;
const batchSize = 500;

/**
 * Part of the scheduled job, before those that take what has ended: ends what is pending of deleted assistants, where
 * the call was cut off. Returns how many it looked at.
 */
export async function finishDeletions({ database }: Context, signal: AbortSignal): Promise<number> {
  return eachDeleted(database, signal, async (appid) => {
    await cancelPending(database, appid, signal);
    return 1;
  });
}

/**
 * Part of the scheduled job, behind those that take the messages and bases of deleted assistants: deletes their lanes
 * with all dispatches, their events, configurations, bindings and counts. What stays for good is the assistant's own row: it
 * answers that the assistant was deleted before, and counts its re-creations. Returns how many are wholly purged.
 */
export async function purgeAssistants({ database }: Context, signal: AbortSignal): Promise<number> {
  return eachDeleted(database, signal, async (appid) => {
    await purgeAssistant(database, appid, signal);
    return signal.aborted ? 0 : notePurged(database, appid);
  });
}

/** Returns the sum of what `work` returns for each assistant that is deleted, and not wholly purged since. */
async function eachDeleted(
  database: Database,
  signal: AbortSignal,
  work: (appid: string) => Promise<number>,
): Promise<number> {
  let sum = 0;
  let after = '';
  await inBatches(signal, async () => {
    const page = await listDeleted(database, after);
    for (const appid of page) {
      sum += await work(appid);
      if (signal.aborted) return false;
    }
    after = page.at(-1) ?? '';
    return page.length === pageSize;
  });
  return sum;
}

/** Deleted, and not purged since. By the primary key. */
async function listDeleted(session: Session, after: string): Promise<string[]> {
  const rows = await session.all<{ appid: string }>(
    `select appid from assistant where appid > ? and deleted_at > 0 and coalesce(purged_at, 0) < deleted_at
      order by appid limit ${pageSize}`,
    [after],
  );
  return rows.map((row) => row.appid);
}

async function purgeAssistant(database: Database, appid: string, signal: AbortSignal): Promise<void> {
  const repeat = (work: (tx: Tx) => Promise<boolean>) =>
    inBatches(signal, () => database.tx(async (tx) => (await holdDeleted(tx, appid)) && work(tx)));
  await repeat(async (tx) => {
    const lane = await findLane(tx, appid);
    if (lane !== undefined) await eraseLaneBatch(tx, lane.lane_id);
    return lane !== undefined;
  });
  for (const table of ['article_event', 'binding', 'assistant_config', 'token_use']) {
    await repeat(async (tx) => {
      const deleted = await tx.run(`delete from ${table} where appid = ? limit ${batchSize}`, [appid]);
      return deleted === batchSize;
    });
  }
}

/**
 * One of its lanes, by lane_by_appid or dispatch_by_appid: a lane that the release before made names no account, its
 * dispatches do. Without dispatches it goes with the empty ones.
 */
async function findLane(session: Session, appid: string): Promise<{ lane_id: string } | undefined> {
  const [lane] = await session.all<{ lane_id: string }>('select lane_id from lane where appid = ? limit 1', [appid]);
  if (lane !== undefined) return lane;
  const [sent] = await session.all<{ lane_id: string }>('select lane_id from dispatch where appid = ? limit 1', [
    appid,
  ]);
  return sent;
}

/** What an account has rows in, beside its own; each has an index that begins with the appid. */
const tables = [
  ...['message', 'conversation', 'dispatch', 'lane', 'article_event', 'knowledge', 'learning'],
  ...['binding', 'assistant_config', 'token_use'],
];

/** Notes that nothing is left, where that is so: what somebody still holds goes with the next run. */
async function notePurged(session: Session, appid: string): Promise<number> {
  const left = tables.map((table) => `not exists (select 1 from ${table} where appid = ?)`).join(' and ');
  const bindings: Binding[] = [appid, ...tables.map(() => appid)];
  return session.run(
    `update assistant set purged_at = ${session.dialect.now} where appid = ? and deleted_at is not null and ${left}`,
    bindings,
  );
}
