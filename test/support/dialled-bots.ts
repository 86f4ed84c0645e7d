/** Operators' calls about bots with a long connection. */
import { randomBytes } from 'node:crypto';
import { type Client, createClient, createRouterTransport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createInterceptors } from '../../src/rpc/interceptors.ts';
import { integrationService } from '../../src/wecom/integration/index.ts';
import { triggerService } from '../../src/wecom/trigger/index.ts';

export interface BotClients {
  bots: Client<typeof IntegrationService>;
  triggers: Client<typeof TriggerService>;
}

/** Clients of a running process. */
export function clientsOf(url: string): BotClients {
  const transport = createGrpcTransport({ baseUrl: url });
  return { bots: createClient(IntegrationService, transport), triggers: createClient(TriggerService, transport) };
}

/** Clients of the same calls without a process: nobody but the test holds a bot then. Counts wake-ups. */
export function operateBots(database: Database): BotClients & { woken: { connections: number } } {
  const woken = { connections: 0 };
  const context = {
    database,
    config: { REQUEST_TIMEOUT_MS: 60_000 },
    logger: createLogger('silent'),
    metrics: createMetrics(),
    wake: { connections: () => void woken.connections++ },
  } as unknown as Context;
  const interceptors = createInterceptors(context);
  const transport = createRouterTransport(({ service }) => {
    service(IntegrationService, integrationService(context), { interceptors });
    service(TriggerService, triggerService(context), { interceptors });
  });
  const bots = createClient(IntegrationService, transport);
  return { bots, triggers: createClient(TriggerService, transport), woken };
}

/** A bot with a long connection, bound where an appid is given. */
export async function makeDialledBot({ bots, triggers }: BotClients, appid?: string): Promise<string> {
  const request = { name: 'b', mode: Mode.LONG_CONNECTION, botId: randomBytes(9).toString('hex'), secret: 's' };
  const { integrationId } = (await bots.createIntegration(request)).integration!;
  if (appid !== undefined) await triggers.publishTrigger({ integrationId, appid });
  return integrationId;
}
