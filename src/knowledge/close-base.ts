import type { Session } from '../db/session.ts';
import { unbindEverywhere } from './binding.ts';

/** Deletes a base: unbound at once, its open work ended. Its documents are in no search or list; cron purges them. */
export async function closeBase(tx: Session, appid: string, knowledgeId: string): Promise<void> {
  const { now } = tx.dialect;
  await unbindEverywhere(tx, appid, knowledgeId);
  await tx.run(`update knowledge set deleted_at = ${now}, updated_at = ${now} where knowledge_id = ?`, [knowledgeId]);
  await tx.run('update learning set due_at = null, lease_token = null where knowledge_id = ?', [knowledgeId]);
  await tx.run(
    "update article_event set state = 'cancelled' where knowledge_id = ? and state = 'pending' and event_type <> 12",
    [knowledgeId],
  );
}
