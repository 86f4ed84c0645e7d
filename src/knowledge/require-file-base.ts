import type { Session } from '../db/session.ts';
import { notFound } from '../errors.ts';
import { type Base, findBase } from './store.ts';

/** A base of files that belongs to the account; another account's is as if it didn't exist. */
export async function requireFileBase(session: Session, appid: string, knowledgeId: string): Promise<Base> {
  const base = await findBase(session, knowledgeId);
  if (base === undefined || base.appid !== appid || base.type !== 2 || base.deleted) {
    throw notFound('file knowledge base', knowledgeId);
  }
  return base;
}
