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
    createdAt: toSeconds(createdAt),
    updatedAt: toSeconds(updatedAt),
  };
}

/** Of a time that is stored in milliseconds; 0: there is none. */
export function toSeconds(ms: number | null | undefined): number {
  return Math.floor((ms ?? 0) / 1000);
}
