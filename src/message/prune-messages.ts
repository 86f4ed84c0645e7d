import { eachAccount } from '../assistant/each-account.ts';
import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { endWithMessages } from '../dispatch/prune-dispatches.ts';
import { deleteAttachments } from './attachment/store.ts';
import { isOver, loadRetention } from './retention.ts';

const batchSize = 200;

/**
 * Part of the scheduled job: deletes messages whose time is over, with their explanations, streams and dispatches.
 * What was said before the account was deleted is over at once. Nothing that is still owed is touched. Returns how many
 * messages went.
 */
export async function pruneMessages({ database, config }: Context, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await eachAccount(database, signal, async (appid) => {
    const retention = await loadRetention(database, config, appid);
    let after: Cursor = { created_at: -1, message_id: '' };
    await inBatches(signal, async () => {
      const batch = await listOld(database, appid, retention.border, after);
      const over = batch.filter((row) => row.is_ended === 1 && isOver(retention, row.created_at, row.scope_key));
      if (over.length > 0) pruned += await database.tx((tx) => deleteEnded(tx, over));
      after = batch.at(-1) ?? after;
      return batch.length === batchSize;
    });
  });
  return pruned;
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
function listOld(session: Session, appid: string, border: number, after: Cursor) {
  return session.all<Old & { is_ended: number; scope_key: string }>(
    `select m.message_id, m.created_at, coalesce(m.answers, m.message_id) question_id,
        coalesce(c.scope_key, '') scope_key, case when m.state = 'pending' or exists (select 1 from dispatch d
          where d.message_id = coalesce(m.answers, m.message_id) and d.state = 'pending') then 0 else 1 end is_ended
      from message m left join conversation c on c.conversation_id = m.conversation_id
      where m.appid = ? and m.created_at < ?
        and (m.created_at > ? or (m.created_at = ? and m.message_id > ?))
      order by m.created_at, m.message_id limit ${batchSize}`,
    [appid, border, after.created_at, after.created_at, after.message_id],
  );
}

/** An operator may have sent one of the dispatches on its way again meanwhile: then its message stays. */
async function deleteEnded(tx: Tx, over: readonly Old[]): Promise<number> {
  const owed = await endWithMessages(tx, [...new Set(over.map((row) => row.question_id))]);
  const ids = over.filter((row) => !owed.has(row.question_id)).map((row) => row.message_id);
  return (await deleteMessages(tx, ids)).messages;
}

/** Deletes messages with what belongs to them but their dispatches. By primary keys, reply_by_message and those of attachments. */
export async function deleteMessages(tx: Tx, ids: readonly string[]) {
  if (ids.length === 0) return { messages: 0, explanations: 0, replies: 0 };
  const marks = marksFor(ids);
  await deleteAttachments(tx, ids);
  return {
    explanations: await tx.run(`delete from explanation where message_id in ${marks}`, ids),
    replies: await tx.run(`delete from reply where message_id in ${marks}`, ids),
    messages: await tx.run(`delete from message where message_id in ${marks}`, ids),
  };
}
