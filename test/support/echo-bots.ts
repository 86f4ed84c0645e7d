/** WeCom bots whose assistant says back what it is asked, after a while where that is wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { answering, final, startFakeRemoteExpert } from './fake-remote-expert.ts';
import { post } from './service.ts';
import { until } from './until.ts';
import { createWecomSide, type WecomSide } from './wecom-side.ts';

export interface Bot {
  integrationId: string;
  wecom: WecomSide;
  /** Binds it anew. */
  bind(trigger: object): Promise<void>;
}

export interface EchoBots {
  /** What was asked, in its order; what is tried again, more than once. */
  calls: { question: string; history: string[] }[];
  /** How long an answer takes. */
  delayMs: () => number;
  /** Makes a bot and binds it to `appid`; `publicUrl` tells where its next callback goes. */
  makeBot(publicUrl: () => string, trigger?: object, settings?: object): Promise<Bot>;
  close(): Promise<void>;
}

/** What is answered to a question. */
export const echo = (question: string) => `答：${question}`;

/** Creates an assistant on the service whose internal address is asked for by `urlOf`, and has it answer so. */
export async function startEchoBots(urlOf: () => string, appid: string): Promise<EchoBots> {
  const engine = await startFakeRemoteExpert(async (call) => {
    const { question, history } = call.request;
    bots.calls.push({ question, history: history.map(({ content }) => content) });
    await sleep(bots.delayMs());
    answering(final({ text: echo(question) }))(call);
  });
  const transport = () => createGrpcTransport({ baseUrl: urlOf() });
  const url = urlOf();
  await post(url, '/api/wxmp/assistant/create', { appid, name: '助手' });
  await until(`${appid} has learned`, async () => {
    const { status } = await post(url, '/api/wxmp/assistant/detail', { appid });
    return [2, 4, 6].includes(status);
  });
  const expert = { kind: 3, address: engine.url };
  const set = await post(url, '/api/wxmp/assistant/expert/set', { appid, version: 0, expert });
  if (set.errcode !== 0) throw new Error(set.errmsg);
  const bots: EchoBots = {
    calls: [],
    delayMs: () => 0,
    async makeBot(publicUrl, trigger = {}, settings = {}) {
      let path = '';
      const wecom = createWecomSide(() => publicUrl() + path);
      const { token, encodingAesKey } = wecom;
      const request = { name: 'echo', mode: Mode.WEBHOOK, token, encodingAesKey, ...settings };
      const { integrationId, callbackPath } = (
        await createClient(IntegrationService, transport()).createIntegration(request)
      ).integration!;
      path = callbackPath;
      const bind = async (settings: object) => {
        await createClient(TriggerService, transport()).publishTrigger({ integrationId, appid, ...settings });
      };
      await bind(trigger);
      return { integrationId, wecom, bind };
    },
    close: engine.close,
  };
  return bots;
}
