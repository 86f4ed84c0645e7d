/** A service of two processes whose bots are dialled, WeCom's side of that, and a model that the test plays. */

import { Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { type BotClients, clientsOf } from './dialled-bots.ts';
import { until } from './until.ts';
import { createChats, type WecomChats } from './wecom-chats.ts';
import { startWecomService, type WecomService } from './wecom-service.ts';
import { startWecomSocketSide, type WecomSocketSide } from './wecom-socket-side.ts';

export interface DialledBot {
  botId: string;
  integrationId: string;
}

export interface DialledService extends WecomService {
  side: WecomSocketSide;
  chats: WecomChats;
  clients: BotClients;
  /** A bot, bound and connected. */
  dial(settings?: object, trigger?: object): Promise<DialledBot>;
}

export async function startDialledService(
  appid: string,
  { dialect, env = {} }: { dialect: string; env?: Record<string, string> },
): Promise<DialledService> {
  const side = await startWecomSocketSide();
  const chats = createChats(side);
  const wecom = await startWecomService(appid, {
    dialect,
    replicas: 2,
    env: { WECOM_WS_URL: side.url, LEASE_SECONDS: '30', ...env },
  });
  const clients = clientsOf(wecom.service.url());
  let made = 0;
  return {
    ...{ ...wecom, side, chats, clients },
    async dial(settings = {}, trigger = {}) {
      const botId = `bot-${++made}`;
      side.secrets.set(botId, 's');
      const request = { name: botId, mode: Mode.LONG_CONNECTION, botId, secret: 's', ...settings };
      const { integrationId } = (await clients.bots.createIntegration(request)).integration!;
      await clients.triggers.publishTrigger({ integrationId, appid, ...trigger });
      await until(`${botId} is connected`, () => side.connected(botId));
      return { botId, integrationId };
    },
    async stop() {
      await wecom.stop();
      await side.close();
    },
  };
}
