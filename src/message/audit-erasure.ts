import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
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
  await session.run(
    `insert into audit (id, at, actor, action, target, reason, detail)
      values (?, ${session.dialect.now}, ?, 'EraseUser', ?, ?, '{"state":"begun"}')`,
    [id, actor, `user:${appid}:${userHash}`, reason],
  );
  return id;
}

/** Writes down that it is done, and what was removed. */
export async function auditEnd(session: Session, id: string, erased: Erased): Promise<void> {
  await session.run('update audit set detail = ? where id = ?', [JSON.stringify({ state: 'done', ...erased }), id]);
}
