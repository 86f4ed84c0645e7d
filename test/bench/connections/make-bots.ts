import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../../gen/wecom/v1/trigger_pb.ts';

const atOnce = 8;

/** Makes bots that are dialled, bound to one account, and returns WeCom's ids of them. Their secret is s. */
export async function makeBots(url: string, appid: string, count: number): Promise<string[]> {
  const transport = createGrpcTransport({ baseUrl: url });
  const integrations = createClient(IntegrationService, transport);
  const triggers = createClient(TriggerService, transport);
  const botIds = Array.from({ length: count }, (_, index) => `bot-${index}`);
  const left = botIds.values();
  const make = async () => {
    for (const botId of left) {
      const request = { name: botId, mode: Mode.LONG_CONNECTION, botId, secret: 's' };
      const { integrationId } = (await integrations.createIntegration(request)).integration!;
      await triggers.publishTrigger({ integrationId, appid });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, make));
  return botIds;
}
