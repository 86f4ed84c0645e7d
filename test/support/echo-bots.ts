/** WeCom bots whose assistant says back what it is asked, after a while where that is wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answering, begin, end, final, send, startFakeRemoteExpert } from './fake-remote-expert.ts';
import { type Bot, makeBot } from './make-bot.ts';
import { post } from './service.ts';
import { until } from './until.ts';

export interface EchoBots {
  /** What was asked, in its order; what is tried again, more than once. */
  calls: { question: string; history: string[] }[];
  /** How long an answer takes. */
  delayMs: (question: string) => number;
  /** What is shown of an answer at once, before that time; undefined: nothing. */
  draft: (question: string) => string | undefined;
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
    const draft = bots.draft(question);
    if (draft === undefined) {
      await sleep(bots.delayMs(question));
      return answering(final({ text: echo(question) }))(call);
    }
    begin(call);
    send(call, draft);
    await sleep(bots.delayMs(question));
    if (call.stream.destroyed) return;
    send(call, final({ text: echo(question) }));
    end(call);
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
    draft: () => undefined,
    makeBot: (publicUrl, trigger = {}, settings = {}) =>
      makeBot({ url: urlOf, publicUrl }, appid, { trigger, settings }),
    close: engine.close,
  };
  return bots;
}
