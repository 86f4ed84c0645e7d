import type { DisconnectIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { setWanted } from '../long-connection/holder-store.ts';
import { requireLongConnection } from './require-long-connection.ts';

/** See IntegrationService.DisconnectIntegration. */
export function disconnectIntegration({ database, wake }: Context) {
  return async ({ integrationId }: DisconnectIntegrationRequest) => {
    await database.tx(async (tx) => {
      await requireLongConnection(tx, integrationId);
      await setWanted(tx, integrationId, false);
      tx.afterCommit(wake.connections);
    });
    return {};
  };
}
