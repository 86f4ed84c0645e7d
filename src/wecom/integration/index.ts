import type { ServiceImpl } from '@connectrpc/connect';
import type { IntegrationService } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { createIntegration } from './create-integration.ts';
import { deleteIntegration } from './delete-integration.ts';
import { disconnectIntegration } from './disconnect-integration.ts';
import { getIntegration } from './get-integration.ts';
import { getIntegrationStatus } from './get-integration-status.ts';
import { listIntegrations } from './list-integrations.ts';
import { reconnectIntegration } from './reconnect-integration.ts';
import { updateIntegration } from './update-integration.ts';

/** The calls of IntegrationService, a file each. */
export function integrationService(context: Context): ServiceImpl<typeof IntegrationService> {
  return {
    createIntegration: createIntegration(context),
    updateIntegration: updateIntegration(context),
    deleteIntegration: deleteIntegration(context),
    getIntegration: getIntegration(context),
    listIntegrations: listIntegrations(context),
    getIntegrationStatus: getIntegrationStatus(context),
    reconnectIntegration: reconnectIntegration(context),
    disconnectIntegration: disconnectIntegration(context),
  };
}
