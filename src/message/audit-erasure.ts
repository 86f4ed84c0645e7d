import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import { insertEntry, userTarget } from '../dispatch/audit.ts';
import type { Erased } from './erase-conversation.ts';

/** Who has a user erased, and why. The user is named by a hash alone. */
export interface Erasure {
  appid: string;
  userHash: string;
  actor: string;
  reason: string;
}

/** Writes down that an erasure is begun, and returns the entry's id: should it be cut off, that is known. */
export async function auditBegin(session: Session, { appid, userHash, actor, reason }: Erasure): Promise<string> {
  const id = ulid();
  const command = { actor, action: 'EraseUser', target: userTarget(appid, userHash), reason } as const;
  await insertEntry(session, id, command, JSON.stringify({ state: 'begun' }));
  return id;
}

/** Writes down that it is done, and what was removed. */
export async function auditEnd(session: Session, id: string, erased: Erased): Promise<void> {
  await session.run('update audit set detail = ? where id = ?', [JSON.stringify({ state: 'done', ...erased }), id]);
}
