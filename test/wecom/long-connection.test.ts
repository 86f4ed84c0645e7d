import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { dialects } from '../support/databases.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { createChats, type WecomChats } from '../support/wecom-chats.ts';
import { startWecomSocketSide, type WecomSocketSide } from '../support/wecom-socket-side.ts';

const LONG = { timeout: 120_000 };
const appid = 'wx_long';

for (const { name: dialect } of dialects) {
  describe(`a bot that is dialled, on ${dialect}`, () => {
    let side: WecomSocketSide;
    let chats: WecomChats;
    let service: Service;
    let echoes: EchoBots;
    let bots: number;
    const integrations = () => createClient(IntegrationService, createGrpcTransport({ baseUrl: service.url() }));

    before(async () => {
      side = await startWecomSocketSide();
      chats = createChats(side);
      service = await startService({ dialect, replicas: 2, env: { WECOM_WS_URL: side.url, LEASE_SECONDS: '8' } });
      echoes = await startEchoBots(service.url, appid);
      bots = 0;
    });
    after(async () => {
      await service?.stop();
      await echoes?.close();
      await side?.close();
    });
    beforeEach(() => {
      echoes.delayMs = () => 0;
      chats.fault = () => undefined;
      chats.faults = [];
    });

    const makeBot = async (settings = {}) => {
      const botId = `bot-${++bots}`;
      side.secrets.set(botId, 's');
      const request = { name: botId, mode: Mode.LONG_CONNECTION, botId, secret: 's', ...settings };
      const { integrationId } = (await integrations().createIntegration(request)).integration!;
      const triggers = createClient(TriggerService, createGrpcTransport({ baseUrl: service.url() }));
      await triggers.publishTrigger({ integrationId, appid });
      await until(`${botId} is connected`, () => side.connected(botId));
      return { botId, integrationId };
    };

    test('a question is answered in one bubble, which thinks at once', LONG, async () => {
      const { botId } = await makeBot();
      echoes.delayMs = () => 500;
      const from = { userid: 'asker' };
      chats.say(botId, from, '成人票多少钱？');
      await until('it thinks', () => chats.chat(from)[0]?.texts[0] === '正在思考…');
      assert.deepEqual(await chats.finished(from, 1), [echo('成人票多少钱？')]);
      assert.equal(chats.chat(from).length, 1);
      assert.deepEqual([...chats.faults, ...side.faults], []);
    });
  });
}
