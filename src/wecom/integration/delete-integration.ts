import type { DeleteIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { notFound } from '../../errors.ts';
import { deleteTrigger } from '../trigger/store.ts';
import { markIntegrationDeleted } from './store.ts';

/** See IntegrationService.DeleteIntegration. */
export function deleteIntegration({ database }: Context) {
  return async ({ integrationId }: DeleteIntegrationRequest) => {
    await database.tx(async (tx) => {
      const rows = await tx.all('select 1 from integration where integration_id = ?', [integrationId]);
      if (rows.length === 0) throw notFound('integration', integrationId);
      await markIntegrationDeleted(tx, integrationId);
      await deleteTrigger(tx, integrationId);
    });
    return {};
  };
}
