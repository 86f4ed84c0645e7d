import type { ReconnectIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { countReconnect, setWanted } from '../long-connection/holder-store.ts';
import { requireLongConnection } from './require-long-connection.ts';

/** See IntegrationService.ReconnectIntegration. */
export function reconnectIntegration({ database, wake }: Context) {
  return async ({ integrationId }: ReconnectIntegrationRequest) => {
    await database.tx(async (tx) => {
      await requireLongConnection(tx, integrationId);
      await setWanted(tx, integrationId, true);
      await countReconnect(tx, integrationId);
      tx.afterCommit(wake.connections);
    });
    return {};
  };
}
