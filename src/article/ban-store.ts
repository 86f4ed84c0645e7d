import type { Session } from '../db/session.ts';

/** Tells whether an item is banned: what was said of the item itself counts before what was said of its message. */
export type IsHidden = (articleId: string, msgidx: number) => boolean;

/** The bans of some articles of a base. By the primary key. */
export async function loadBans(session: Session, knowledgeId: string, articleIds: string[]): Promise<IsHidden> {
  if (articleIds.length === 0) return () => false;
  const rows = await session.all<{ article_id: string; msgidx: number; hidden: number }>(
    `select article_id, msgidx, hidden from article_ban
      where knowledge_id = ? and article_id in (${articleIds.map(() => '?').join(', ')})`,
    [knowledgeId, ...articleIds],
  );
  const bans = new Map(rows.map((row) => [`${row.article_id}:${row.msgidx}`, row.hidden === 1]));
  return (articleId, msgidx) => bans.get(`${articleId}:${msgidx}`) ?? bans.get(`${articleId}:0`) ?? false;
}

/**
 * Bans or unbans an item, or with msgidx 0 a whole message, whose items then have no say of their own any more.
 * Returns how many documents that concerns; it is kept for those that come later, too.
 */
export async function setBan(
  tx: Session,
  knowledgeId: string,
  { articleId, msgidx, hidden }: { articleId: string; msgidx: number; hidden: boolean },
): Promise<number> {
  if (msgidx === 0) {
    await tx.run('delete from article_ban where knowledge_id = ? and article_id = ?', [knowledgeId, articleId]);
  }
  const row = { knowledge_id: knowledgeId, article_id: articleId, msgidx, hidden: hidden ? 1 : 0 };
  await tx.upsert('article_ban', row, ['knowledge_id', 'article_id', 'msgidx'], ['hidden']);
  // By document_by_article.
  return tx.run(
    `update document set hidden = ?, updated_at = ${tx.dialect.now}
      where knowledge_id = ? and article_id = ? and state <> 8 ${msgidx === 0 ? '' : 'and msgidx = ?'}`,
    [row.hidden, knowledgeId, articleId, ...(msgidx === 0 ? [] : [msgidx])],
  );
}
