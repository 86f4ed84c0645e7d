import { Mode } from '../../../gen/wecom/v1/integration_pb.ts';
import { type Integration, mode } from './store.ts';

/** Path of a bot's callback address at the public listener. */
export const callbackPath = (integrationId: string) => `/api/wecom/webhook/${integrationId}`;

/** A bot as operators see it. */
export function showIntegration(integration: Integration) {
  const { createdAt, updatedAt, ...rest } = integration;
  const isWebhook = integration.mode === mode.webhook;
  return {
    ...rest,
    mode: isWebhook ? Mode.WEBHOOK : Mode.LONG_CONNECTION,
    callbackPath: isWebhook ? callbackPath(integration.integrationId) : '',
    createdAt: Math.floor(createdAt / 1000),
    updatedAt: Math.floor(updatedAt / 1000),
  };
}
