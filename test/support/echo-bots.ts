/** WeCom bots whose assistant says back what it is asked, after a while where that is wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answering, final, startFakeRemoteExpert } from './fake-remote-expert.ts';
import { type Bot, makeBot } from './make-bot.ts';
import { post } from './service.ts';
import { until } from './until.ts';

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
    makeBot: (publicUrl, trigger = {}, settings = {}) =>
      makeBot({ url: urlOf, publicUrl }, appid, { trigger, settings }),
    close: engine.close,
  };
  return bots;
}
