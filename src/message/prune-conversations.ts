import { eachAccount } from '../assistant/each-account.ts';
import type { Context } from '../context.ts';
import { inBatches, marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { isOver, loadRetention } from './retention.ts';

const batchSize = 100;

/**
 * Part of the scheduled job: deletes conversations without messages, in which nothing was said for as long as messages
 * are kept. Whoever speaks again begins a new one, whose numbers begin anew. Returns how
 * many conversations went.
 */
export async function pruneConversations({ database, config }: Context, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await eachAccount(database, signal, async (appid) => {
    const retention = await loadRetention(database, config, appid);
    let after: Cursor = { updated_at: -1, conversation_id: '' };
    await inBatches(signal, async () => {
      const batch = await listIdle(database, appid, retention.border, after);
      const empty = batch
        .filter((row) => row.is_empty === 1 && isOver(retention, row.updated_at, row.scope_key))
        .map((row) => row.conversation_id);
      if (empty.length > 0) pruned += await database.tx((tx) => deleteEmpty(tx, empty));
      after = batch.at(-1) ?? after;
      return batch.length === batchSize;
    });
  });
  return pruned;
}

interface Cursor {
  updated_at: number;
  conversation_id: string;
}

/** By conversation_by_age, and message_by_index. */
function listIdle(session: Session, appid: string, border: number, after: Cursor) {
  return session.all<Cursor & { is_empty: number; scope_key: string }>(
    `select c.conversation_id, c.updated_at, c.scope_key, case when c.due_at is null and c.lease_token is null
        and not exists (select 1 from message m where m.conversation_id = c.conversation_id) then 1 else 0 end is_empty
      from conversation c where c.appid = ? and c.updated_at < ?
        and (c.updated_at > ? or (c.updated_at = ? and c.conversation_id > ?))
      order by c.updated_at, c.conversation_id limit ${batchSize}`,
    [appid, border, after.updated_at, after.updated_at, after.conversation_id],
  );
}

/**
 * Deletes those of these conversations that are empty. Accepting a message locks the conversation first, so under its
 * lock a look at its messages is the last word; the look is a statement of its own, as in deleteEmptyLanes.
 */
export async function deleteEmpty(tx: Tx, conversationIds: readonly string[]): Promise<number> {
  const idle = await tx.all<{ conversation_id: string }>(
    `select conversation_id from conversation where conversation_id in ${marksFor(conversationIds)}
        and due_at is null and lease_token is null order by conversation_id${tx.dialect.forUpdate}`,
    conversationIds,
  );
  if (idle.length === 0) return 0;
  const ids = idle.map((row) => row.conversation_id);
  const empty = await tx.all<{ conversation_id: string }>(
    `select conversation_id from conversation where conversation_id in ${marksFor(ids)}
      and not exists (select 1 from message m where m.conversation_id = conversation.conversation_id)`,
    ids,
  );
  if (empty.length === 0) return 0;
  const emptyIds = empty.map((row) => row.conversation_id);
  return tx.run(`delete from conversation where conversation_id in ${marksFor(emptyIds)}`, emptyIds);
}
