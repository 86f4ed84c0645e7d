import type { GetIntegrationStatusRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { loadConnection } from '../long-connection/connection-store.ts';
import { toSeconds } from './show.ts';
import { showConnection } from './show-connection.ts';
import { loadErrors, loadStatus } from './status-store.ts';
import { mode, requireIntegration } from './store.ts';

/** See IntegrationService.GetIntegrationStatus. */
export function getIntegrationStatus({ database }: Context) {
  return async ({ integrationId }: GetIntegrationStatusRequest) => {
    const integration = await requireIntegration(database, integrationId);
    const isDialled = integration.mode === mode.longConnection;
    const status = await loadStatus(database, integrationId);
    return {
      lastCallbackAt: toSeconds(status.last_callback_at),
      lastBadSignatureAt: toSeconds(status.last_bad_signature_at),
      callbacks: BigInt(status.callbacks),
      badSignatures: BigInt(status.bad_signatures),
      messages: BigInt(status.messages),
      errors: (await loadErrors(database, integrationId)).map(({ at, code, what, reason }) => ({
        ...{ at: toSeconds(at), code, what, reason },
      })),
      ...(isDialled && { connection: showConnection(integration, await loadConnection(database, integrationId)) }),
    };
  };
}
