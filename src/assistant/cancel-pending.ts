import { inBatches, marksFor } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Binding } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { holdDeleted } from './store.ts';

/** Rows of each kind that one transaction ends. */
const batchSize = 500;

/**
 * Ends what is pending of a deleted account, in batches, each in a transaction; nothing of an account that was created
 * again meanwhile, which has begun with nothing pending. Throws the signal's reason where that is aborted before the end.
 */
export async function cancelPending(database: Database, appid: string, signal: AbortSignal): Promise<void> {
  await inBatches(signal, () =>
    database.tx(async (tx) => (await holdDeleted(tx, appid)) && (await cancelBatch(tx, appid))),
  );
  signal.throwIfAborted();
}

/**
 * Ends some of what is pending of a locked account; true: there may be more. A worker that has an answer ready finds its
 * message cancelled; one that committed first has its dispatch cancelled here, since messages are locked before. So once
 * no message is left, no dispatch comes after. By article_event_by_base, message_by_appid and dispatch_by_appid, then
 * by the primary keys.
 */
export async function cancelBatch(tx: Tx, appid: string): Promise<boolean> {
  const events = await tx.all<{ id: string }>(
    `select e.event_id id from learning l join article_event e on e.knowledge_id = l.knowledge_id
      where l.appid = ? and e.state = 'pending' limit ${batchSize}`,
    [appid],
  );
  await end(events, (marks, ids) =>
    tx.run(
      `update article_event set state = 'cancelled' where appid = ? and event_id in ${marks} and state = 'pending'`,
      [appid, ...ids],
    ),
  );
  const messages = await tx.all<{ id: string }>(
    `select message_id id from message where appid = ? and state = 'pending' limit ${batchSize}`,
    [appid],
  );
  await end(messages, (marks, ids) =>
    tx.run(`update message set state = 'cancelled' where message_id in ${marks} and state = 'pending'`, ids),
  );
  const dispatches = await tx.all<{ id: string }>(
    `select dispatch_id id from dispatch where appid = ? and state = 'pending' limit ${batchSize}`,
    [appid],
  );
  await end(dispatches, (marks, ids) =>
    tx.run(
      `update dispatch set state = 'cancelled', reason = 'the assistant was deleted', settled_at = ${tx.dialect.now}
        where dispatch_id in ${marks} and state = 'pending'`,
      ids,
    ),
  );
  return [events, messages, dispatches].some((rows) => rows.length === batchSize);
}

async function end(rows: readonly { id: string }[], update: (marks: string, ids: Binding[]) => Promise<unknown>) {
  const ids = rows.map(({ id }) => id);
  if (ids.length > 0) await update(marksFor(ids), ids);
}
