import type { DeleteAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { notFound } from '../errors.ts';
import { loadStatus } from './status.ts';
import { lockAssistant, markDeleted } from './store.ts';

/** See AssistantService.DeleteAssistant. */
export function deleteAssistant({ database }: Context) {
  return async ({ appid }: DeleteAssistantRequest) =>
    database.tx(async (tx) => {
      const assistant = await lockAssistant(tx, appid);
      if (assistant === undefined) throw notFound('assistant', appid);
      if (assistant.deleted) return { status: assistant.lastStatus };
      const status = await loadStatus(tx, appid);
      await markDeleted(tx, appid, status);
      await cancelWork(tx, appid);
      return { status };
    });
}

/**
 * Ends all that is open. Whoever holds a base finds its token gone. A worker that has an answer ready finds its
 * message cancelled; one that committed first has its dispatch cancelled here, since messages are locked before.
 */
async function cancelWork(tx: Tx, appid: string): Promise<void> {
  const { now } = tx.dialect;
  await tx.run('update learning set due_at = null, lease_token = null where appid = ?', [appid]);
  await tx.run("update article_event set state = 'cancelled' where appid = ? and state = 'pending'", [appid]);
  await tx.run("update message set state = 'cancelled' where appid = ? and state = 'pending'", [appid]);
  await tx.run(
    `update dispatch set state = 'cancelled', reason = 'the assistant was deleted', settled_at = ${now}
      where appid = ? and state = 'pending'`,
    [appid],
  );
  await tx.run(`update knowledge set deleted_at = ${now} where appid = ? and deleted_at is null`, [appid]);
}
