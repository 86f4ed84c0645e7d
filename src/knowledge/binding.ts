import type { View } from '../assistant/store.ts';
import type { Session } from '../db/session.ts';

/** The file bases that a configuration uses, in the order of their creation. The articles' base is always used. */
export async function listBindings(session: Session, appid: string, view: View): Promise<string[]> {
  const rows = await session.all<{ knowledge_id: string }>(
    `select b.knowledge_id from binding b join knowledge k on k.knowledge_id = b.knowledge_id
      where b.appid = ? and b.view = ? and k.deleted_at is null order by k.created_at, k.knowledge_id`,
    [appid, view],
  );
  return rows.map((row) => row.knowledge_id);
}

/** Makes a configuration use exactly these file bases. */
export async function setBindings(tx: Session, appid: string, view: View, knowledgeIds: string[]): Promise<void> {
  await tx.run('delete from binding where appid = ? and view = ?', [appid, view]);
  await tx.insert(
    'binding',
    knowledgeIds.map((knowledgeId) => ({ appid, view, knowledge_id: knowledgeId })),
  );
}

/** Adds a base to both configurations. */
export async function bindEverywhere(tx: Session, appid: string, knowledgeId: string): Promise<void> {
  await tx.insert('binding', [
    { appid, view: 'online', knowledge_id: knowledgeId },
    { appid, view: 'draft', knowledge_id: knowledgeId },
  ]);
}

/** Takes a base out of both configurations. */
export async function unbindEverywhere(tx: Session, appid: string, knowledgeId: string): Promise<void> {
  await tx.run('delete from binding where appid = ? and knowledge_id = ?', [appid, knowledgeId]);
}

/** Takes all bases out of both configurations. */
export async function unbindAll(tx: Session, appid: string): Promise<void> {
  await tx.run('delete from binding where appid = ?', [appid]);
}
