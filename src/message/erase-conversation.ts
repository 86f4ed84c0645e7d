/**
 * Erases one conversation with all that belongs to it, while messages arrive, are answered and are delivered.
 *
 * First it is taken out of everybody's hands, in one short transaction under the locks of its row and of its lane: its
 * scope is renamed, so that what the user says from then on begins a new conversation, and both leases are taken away.
 * A worker that has an answer ready finds its lease gone, and so does one that has a reply on its way: that reply may
 * still arrive, but nothing is written of it. What was accepted before is found here; what comes after is none of this.
 *
 * Then its rows go in batches, its own last. Whoever is cut off in between leaves a conversation with the new name,
 * which is found by the next erasure of the same user and by the scheduled job.
 */
import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import { rangeOf } from '../db/prefix.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { eraseLaneBatch, takeLane } from '../dispatch/erase-lane.ts';
import { takeAttachments } from './attachment/store.ts';
import { auditErased } from './audit-erasure.ts';
import type { Erased } from './count-erased.ts';
import { forgetSearched } from './forget-searched.ts';
import { deleteMessages } from './prune-messages.ts';
import { laneOf } from './reply-dispatch.ts';

const batchSize = 200;

/** Begins the scope of conversations that are being erased; no other begins so. What follows names no user. */
export const erasingPrefix = 'erasing:';

/** The scope of a conversation that is being erased; `partOf`: it holds what one user said in that other one. */
export const erasingScope = (userHash: string, id: string, partOf = '') =>
  `${erasingPrefix}${userHash}:${id}${partOf === '' ? '' : `:of:${partOf}`}`;

/** A conversation that is being erased. */
export interface Erasing {
  id: string;
  userHash: string;
  /** The conversation of which it is a part; undefined: it is a whole one. */
  partOf?: string | undefined;
}

/** The conversations of an account, or of one of its users, that are being erased. By conversation_by_scope. */
export async function listErasing(session: Session, appid: string, userHash?: string): Promise<Erasing[]> {
  const prefix = userHash === undefined ? erasingPrefix : `${erasingPrefix}${userHash}:`;
  const rows = await session.all<{ conversation_id: string; scope_key: string }>(
    'select conversation_id, scope_key from conversation where appid = ? and scope_key >= ? and scope_key < ?',
    [appid, ...rangeOf(prefix)],
  );
  return rows.map(({ conversation_id: id, scope_key }) => {
    const [, userHash, , , partOf] = scope_key.split(':');
    return { id, userHash: userHash!, partOf };
  });
}

/** Takes a conversation out of everybody's hands, if there is one with this scope. */
export async function beginErasing(
  tx: Tx,
  { appid, scopeKey, userHash }: { appid: string; scopeKey: string; userHash: string },
): Promise<void> {
  const [row] = await tx.all<{ conversation_id: string }>(
    `select conversation_id from conversation where appid = ? and scope_key = ?${tx.dialect.forUpdate}`,
    [appid, scopeKey],
  );
  if (row === undefined) return;
  const { conversation_id: id } = row;
  await tx.run('update conversation set scope_key = ?, lease_token = null, due_at = null where conversation_id = ?', [
    ...[erasingScope(userHash, id), id],
  ]);
  await takeAttachments(tx, id);
  await takeLane(tx, laneOf(id));
}

/**
 * Erases a conversation that is in nobody's hands, and counts what goes in the entry of the erasure; returns whether
 * the conversation itself went, as 1 or 0. Throws the signal's reason where that is aborted before the end.
 */
export async function eraseConversation(
  database: Database,
  { id, partOf, auditId }: Pick<Erasing, 'id' | 'partOf'> & { auditId: string | undefined },
  signal: AbortSignal,
): Promise<number> {
  if (partOf !== undefined) await forgetSearched(database, { id, partOf }, signal);
  const counted = (deleteBatch: (tx: Tx) => Promise<Partial<Erased>>) =>
    database.tx(async (tx) => {
      const more = await deleteBatch(tx);
      if (auditId !== undefined) await auditErased(tx, auditId, more);
      return more;
    });
  await inBatches(signal, async () => {
    const { dispatches = 0 } = await counted((tx) => eraseLaneBatch(tx, laneOf(id)));
    return dispatches > 0;
  });
  await inBatches(signal, async () => {
    const ids = await listMessageIds(database, id);
    if (ids.length > 0) await counted((tx) => deleteMessages(tx, ids));
    return ids.length > 0;
  });
  signal.throwIfAborted();
  const { conversations = 0 } = await counted(async (tx) => {
    const deleted = await tx.run('delete from conversation where conversation_id = ?', [id]);
    return { conversations: partOf === undefined ? deleted : 0 }; // the others' is still there
  });
  return conversations;
}

/** By message_by_index. */
async function listMessageIds(session: Session, conversationId: string): Promise<string[]> {
  const rows = await session.all<{ message_id: string }>(
    `select message_id from message where conversation_id = ? order by message_index limit ${batchSize}`,
    [conversationId],
  );
  return rows.map((row) => row.message_id);
}
