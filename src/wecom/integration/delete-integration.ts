import type { HandlerContext } from '@connectrpc/connect';
import type { DeleteIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { notFound } from '../../errors.ts';
import { deleteSessionsOf } from '../prune-sessions.ts';
import { deleteTrigger } from '../trigger/store.ts';
import { markIntegrationDeleted } from './store.ts';

/**
 * See IntegrationService.DeleteIntegration. The row of its long connection stays: the lane of what was accepted before
 * needs it, and whoever still holds the bot gives it back there.
 */
export function deleteIntegration({ database, wake }: Context) {
  return async ({ integrationId }: DeleteIntegrationRequest, { signal }: Pick<HandlerContext, 'signal'>) => {
    await database.tx(async (tx) => {
      const rows = await tx.all('select 1 from integration where integration_id = ?', [integrationId]);
      if (rows.length === 0) throw notFound('integration', integrationId);
      await markIntegrationDeleted(tx, integrationId);
      await deleteTrigger(tx, integrationId);
      tx.afterCommit(wake.connections);
    });
    await deleteSessionsOf(database, integrationId, signal); // else the scheduled job does
    return {};
  };
}
