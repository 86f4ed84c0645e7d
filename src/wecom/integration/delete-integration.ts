import type { HandlerContext } from '@connectrpc/connect';
import type { DeleteIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { notFound } from '../../errors.ts';
import { deleteSessionsOf } from '../prune-sessions.ts';
import { deleteTrigger } from '../trigger/store.ts';
import { markIntegrationDeleted } from './store.ts';

/** See IntegrationService.DeleteIntegration. */
export function deleteIntegration({ database }: Context) {
  return async ({ integrationId }: DeleteIntegrationRequest, { signal }: Pick<HandlerContext, 'signal'>) => {
    await database.tx(async (tx) => {
      const rows = await tx.all('select 1 from integration where integration_id = ?', [integrationId]);
      if (rows.length === 0) throw notFound('integration', integrationId);
      await markIntegrationDeleted(tx, integrationId);
      await deleteTrigger(tx, integrationId);
    });
    await deleteSessionsOf(database, integrationId, signal); // else the scheduled job does
    return {};
  };
}
