import type { GetIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { showIntegration } from './show.ts';
import { requireIntegration } from './store.ts';

/** See IntegrationService.GetIntegration. */
export function getIntegration({ database }: Context) {
  return async ({ integrationId }: GetIntegrationRequest) => ({
    integration: showIntegration(await requireIntegration(database, integrationId)),
  });
}
