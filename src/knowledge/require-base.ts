import type { Session } from '../db/session.ts';
import { AppError, notFound } from '../errors.ts';
import { type Base, findArticleBase, findBase } from './store.ts';

/** A base of files that belongs to the account; another account's is as if it didn't exist. */
export async function requireFileBase(session: Session, appid: string, knowledgeId: string): Promise<Base> {
  const base = await findBase(session, knowledgeId);
  if (base === undefined || base.appid !== appid || base.type !== 2 || base.deleted) {
    throw notFound('file knowledge base', knowledgeId);
  }
  return base;
}

/** The base of an account's articles: every assistant has one. */
export async function requireArticleBase(session: Session, appid: string): Promise<Base> {
  const base = await findArticleBase(session, appid);
  if (base === undefined) throw new AppError('INTERNAL', 'the articles have no base', { detail: `appid ${appid}` });
  return base;
}
