import type { HandlerContext } from '@connectrpc/connect';
import type { DeleteAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { notFound } from '../errors.ts';
import { deleteTriggersOf } from '../wecom/trigger/store.ts';
import { cancelBatch, cancelPending } from './cancel-pending.ts';
import { loadStatus } from './status.ts';
import { lockAssistant, markDeleted } from './store.ts';

/**
 * See AssistantService.DeleteAssistant. The first batch of what is pending ends in the transaction that deletes, which
 * is all of it most of the time; the rest in batches before the answer. So no try begins after that. What a call that
 * was cut off has left is ended by its repetition, by the account's next creation, or by the scheduled job.
 */
export function deleteAssistant({ database }: Context) {
  return async ({ appid }: DeleteAssistantRequest, { signal }: Pick<HandlerContext, 'signal'>) => {
    const status = await database.tx(async (tx) => {
      const assistant = await lockAssistant(tx, appid);
      if (assistant === undefined) throw notFound('assistant', appid);
      if (assistant.deleted) return assistant.lastStatus;
      const last = await loadStatus(tx, appid);
      await markDeleted(tx, appid, last);
      await closeBases(tx, appid);
      await deleteTriggersOf(tx, appid);
      await cancelBatch(tx, appid);
      return last;
    });
    await cancelPending(database, appid, signal);
    return { status };
  };
}

/** Whoever holds a base finds its token gone. */
async function closeBases(tx: Tx, appid: string): Promise<void> {
  await tx.run('update learning set due_at = null, lease_token = null where appid = ?', [appid]);
  await tx.run(`update knowledge set deleted_at = ${tx.dialect.now} where appid = ? and deleted_at is null`, [appid]);
}
