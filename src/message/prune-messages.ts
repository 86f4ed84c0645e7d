import { eachAccount } from '../assistant/each-account.ts';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Dialect } from '../db/dialect.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { endWithMessages } from '../dispatch/prune-dispatches.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 200;

/**
 * Part of the scheduled job: deletes messages whose time is over, with their explanations, streams and dispatches.
 * Where the account's consent is in effect they live longer; a deleted account's go at once. Nothing that is still
 * owed is touched. Returns how many messages went.
 */
export async function pruneMessages({ database, config }: Context, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await eachAccount(database, signal, async (appid) => {
    let after: Cursor = { created_at: -1, message_id: '' };
    await inBatches(signal, async () => {
      const batch = await listOld(database, config, appid, after);
      const over = batch.filter((row) => row.is_ended === 1);
      if (over.length > 0) pruned += await database.tx((tx) => deleteEnded(tx, over));
      after = batch.at(-1) ?? after;
      return batch.length === batchSize;
    });
  });
  return pruned;
}

/** SQL: how long the messages of the account `a` live, in milliseconds, as of now; with two values for its `?`. */
export function retentionSql({ now }: Dialect): string {
  return `case when a.deleted_at is not null then 0 when a.consent_at <= ${now} then ? else ? end`;
}

/** The two values: with consent, and without. */
export function retentionsMs(config: Config): [withConsentMs: number, withoutMs: number] {
  return [config.MESSAGE_RETENTION_CONSENT_DAYS * dayMs, config.MESSAGE_RETENTION_DAYS * dayMs];
}

interface Cursor {
  created_at: number;
  message_id: string;
}

interface Old extends Cursor {
  /** The user's message that it is, or answers. */
  question_id: string;
}

/** In the order of message_by_account_age, so that a run reads each old message once; what is owed stays behind. */
function listOld(session: Session, config: Config, appid: string, after: Cursor) {
  const { now } = session.dialect;
  return session.all<Old & { is_ended: number }>(
    `select m.message_id, m.created_at, coalesce(m.answers, m.message_id) question_id,
        case when m.state = 'pending' or exists (select 1 from dispatch d
          where d.message_id = coalesce(m.answers, m.message_id) and d.state = 'pending') then 0 else 1 end is_ended
      from assistant a join message m on m.appid = a.appid
      where a.appid = ? and m.created_at < ${now} - (${retentionSql(session.dialect)})
        and (m.created_at > ? or (m.created_at = ? and m.message_id > ?))
      order by m.created_at, m.message_id limit ${batchSize}`,
    [appid, ...retentionsMs(config), after.created_at, after.created_at, after.message_id],
  );
}

/** An operator may have sent one of the dispatches on its way again meanwhile: then its message stays. */
async function deleteEnded(tx: Tx, over: readonly Old[]): Promise<number> {
  const owed = await endWithMessages(tx, [...new Set(over.map((row) => row.question_id))]);
  const ids = over.filter((row) => !owed.has(row.question_id)).map((row) => row.message_id);
  return (await deleteMessages(tx, ids)).messages;
}

/** Deletes messages with what belongs to them but their dispatches. By primary keys, and reply_by_message. */
export async function deleteMessages(tx: Tx, ids: readonly string[]) {
  if (ids.length === 0) return { messages: 0, explanations: 0, replies: 0 };
  const marks = marksFor(ids);
  return {
    explanations: await tx.run(`delete from explanation where message_id in ${marks}`, ids),
    replies: await tx.run(`delete from reply where message_id in ${marks}`, ids),
    messages: await tx.run(`delete from message where message_id in ${marks}`, ids),
  };
}
