/**
 * What is written down of an erasure: an entry that is begun in the transaction that takes the user's conversations out
 * of everybody's hands, counts each batch in the transaction that deletes it, and is done once none of those
 * conversations is left. So it is true whoever is cut off, wherever, and whoever goes on.
 */
import type { Database } from '../db/database.ts';
import { rangeOf } from '../db/prefix.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { insertEntry, userTarget } from '../dispatch/audit.ts';
import { countErased, type Erased } from './count-erased.ts';

/** Who has a user erased, and why. The user is named by a hash alone. */
export interface Erasure {
  appid: string;
  userHash: string;
  actor: string;
  reason: string;
}

/** Writes down that an erasure is begun, under this id; where a commit took effect unseen, once. */
export async function auditBegin(tx: Tx, id: string, { appid, userHash, actor, reason }: Erasure): Promise<void> {
  const known = await tx.all('select 1 from audit where id = ?', [id]);
  if (known.length > 0) return;
  const command = { actor, action: 'EraseUser', target: userTarget(appid, userHash), reason } as const;
  await insertEntry(tx, id, command, JSON.stringify({ state: 'begun', ...countErased().erased }));
}

/** Adds to what an erasure has removed. Locks the entry until the commit. */
export async function auditErased(tx: Tx, id: string, more: Partial<Erased>): Promise<void> {
  const [entry] = await loadEntries(tx, `id = ?${tx.dialect.forUpdate}`, [id]);
  if (entry === undefined) return; // kept for no longer
  const { erased, add } = countErased(entry.erased);
  add(more);
  await writeEntry(tx, id, entry.state, erased);
}

/** Writes down that an erasure is done, and returns what it has removed in all. */
export async function auditEnd(database: Database, id: string): Promise<Erased> {
  return database.tx(async (tx) => {
    const [entry] = await loadEntries(tx, `id = ?${tx.dialect.forUpdate}`, [id]);
    if (entry === undefined) return countErased().erased;
    await writeEntry(tx, id, 'done', entry.erased);
    return entry.erased;
  });
}

/** The last erasure of a user. By audit_by_target. */
export async function findLastErasure(session: Session, appid: string, userHash: string): Promise<string | undefined> {
  const target = userTarget(appid, userHash);
  const [entry] = await loadEntries(session, 'target = ? order by id desc limit 1', [target]);
  return entry?.id;
}

/** The erasures of an account's users, or of one of them, that are not done. By audit_by_target. */
export async function listBegun(session: Session, appid: string): Promise<{ id: string; userHash: string }[]> {
  const [start, end] = rangeOf(userTarget(appid, ''));
  const begun = `detail like '{"state":"begun"%'`;
  const entries = await loadEntries(session, `target >= ? and target < ? and ${begun} order by target, id`, [
    start,
    end,
  ]);
  return entries
    .map(({ id, target }) => ({ id, userHash: target.slice(start.length) }))
    .filter(({ userHash }) => /^[0-9a-f]{64}$/.test(userHash)); // of another account, whose appid begins like this one
}

interface Entry {
  id: string;
  target: string;
  state: 'begun' | 'done';
  erased: Erased;
}

async function loadEntries(session: Session, where: string, bindings: readonly string[]): Promise<Entry[]> {
  const rows = await session.all<{ id: string; target: string; detail: string }>(
    `select id, target, detail from audit where ${where}`,
    bindings,
  );
  return rows.map(({ id, target, detail }) => {
    const { state, ...erased } = JSON.parse(detail);
    return { id, target, state, erased };
  });
}

async function writeEntry(tx: Tx, id: string, state: Entry['state'], erased: Erased): Promise<void> {
  await tx.run('update audit set detail = ? where id = ?', [JSON.stringify({ state, ...erased }), id]);
}
