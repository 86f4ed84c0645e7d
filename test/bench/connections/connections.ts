/**
 * Many bots over the long connection in one process, against a stand-in in another: how long it takes until all are
 * connected and how they are spread, whether each question is answered in its bubble, whether heartbeats are kept, and
 * what a connection costs, beside that of as many clients of WeCom's own SDK.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../../src/db/database.ts';
import { startWechatSide } from '../../../src/sandbox/wechat-side.ts';
import { dialects } from '../../support/databases.ts';
import { startEchoBots } from '../../support/echo-bots.ts';
import { testEnv } from '../../support/service.ts';
import { until } from '../../support/until.ts';
import { type Child, startChild, type Usage } from './child.ts';
import { makeBots } from './make-bots.ts';
import type { Seen } from './wecom.ts';

export interface ConnectionSettings {
  /** sqlite or mysql. */
  dialect: string;
  bots: number;
  /** Questions are asked for so long, so many a second, and it is watched for a quarter of that before. */
  seconds: number;
  perSecond: number;
  /** Told how far it is. */
  say(line: string): void;
  /** Options of node for the service: --cpu-prof. */
  options?: string[];
}

/** What a process uses with no bot and with all. */
export interface Cost {
  none: Usage;
  all: Usage;
}

/** CPU in milliseconds a second: with no bot, with all while nothing is asked, and while it is. */
export interface Cpu {
  none: number;
  idle: number;
  busy: number;
}

export interface ConnectionResult {
  settings: ConnectionSettings;
  /** Until all were connected, from when they were enabled. */
  bootMs: number;
  mostASecond: number;
  seen: Seen;
  /** The same after all connections were cut at once. */
  again: { bootMs: number; mostASecond: number };
  service: Cost;
  cpu: Cpu;
  sdk: Cost;
  /** What was promised and not kept. */
  broken: string[];
}

const heartbeatSeconds = 30;
const appid = 'wx_bench';

export async function runConnections(settings: ConnectionSettings): Promise<ConnectionResult> {
  const { bots, say } = settings;
  const wecom = startChild(join(import.meta.dirname, 'wecom.ts'));
  try {
    const wsUrl = await wecom.ask<string>('url');
    const sdk = await measureSdk(wecom, wsUrl, settings);
    say(`${bots} clients of the SDK: ${perBot(sdk, bots)}`);
    return await measureService(wecom, wsUrl, settings, sdk);
  } finally {
    await wecom.stop();
  }
}

async function measureSdk(wecom: Child, wsUrl: string, settings: ConnectionSettings): Promise<ConnectionResult['sdk']> {
  const botIds = Array.from({ length: settings.bots }, (_, index) => `sdk-${index}`);
  await wecom.ask('admit', botIds);
  const clients = startChild(join(import.meta.dirname, 'sdk-clients.ts'));
  try {
    const none = await clients.ask<Usage>('usage');
    await wecom.ask('countSockets');
    await wecom.ask('countPings');
    await clients.ask('connect', { wsUrl, botIds });
    await untilConnected(wecom, settings.bots);
    if (settings.seconds >= heartbeatSeconds) {
      await until('each has sent a heartbeat', async () => (await wecom.ask<Seen>('see')).fewestPings > 0);
    }
    return { none, all: await clients.ask<Usage>('usage') };
  } finally {
    await clients.stop();
    await until('they are gone', async () => (await wecom.ask<Seen>('see')).connected === 0);
  }
}

async function measureService(
  wecom: Child,
  wsUrl: string,
  settings: ConnectionSettings,
  sdk: ConnectionResult['sdk'],
): Promise<ConnectionResult> {
  const { bots, seconds, perSecond, say } = settings;
  const database = await dialects.find(({ name }) => name === settings.dialect)!.create();
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, []);
  const usual = { LEASE_SECONDS: '30', DISPATCH_CRON: '*/5 * * * * *', LOG_LEVEL: 'error', WECOM_WS_URL: wsUrl };
  const env = { ...testEnv(database.url, wechat.url), ...usual };
  const session = openDatabase({ url: database.url, poolSize: 1, queryTimeoutMs: 10_000 });
  let service = await startMeasured(env);
  const echoes = await startEchoBots(() => service.url, appid);
  try {
    const botIds = await makeBots(service.url, appid, bots);
    await session.run('update integration set enabled = 0');
    await service.child.stop();
    say(`${bots} bots are made`);
    await wecom.ask('admit', botIds);
    await wecom.ask('countSockets');
    service = await startMeasured(env, settings.options);
    const usage = () => service.child.ask<Usage>('usage');
    const watch = (work: () => Promise<unknown>) => watchCpu(service.child, work);
    await sleep(3000);
    const cpu: Cpu = { none: await watch(() => sleep((seconds * 1000) / 4)), idle: 0, busy: 0 };
    const none = await usage();

    const enabledMs = performance.now();
    await session.run('update integration set enabled = 1');
    await untilConnected(wecom, bots);
    const bootMs = performance.now() - enabledMs;
    const { mostASecond } = await wecom.ask<Seen>('see');
    say(`connected in ${(bootMs / 1000).toFixed(1)} s, at most ${mostASecond} in a second`);

    await wecom.ask('countPings');
    cpu.idle = await watch(() => sleep((seconds * 1000) / 4));
    cpu.busy = await watch(() => askMuch(wecom, botIds, settings));
    const asked = Math.round(seconds * perSecond);
    await until('all is answered', async () => (await wecom.ask<Seen>('see')).answeredMs.length >= asked).catch(
      () => {}, // it is counted below
    );
    const seen = await wecom.ask<Seen>('see');
    const cost = { none, all: await usage() };
    say(`the service: ${perBot(cost, bots)}`);
    const again = await cutAll(wecom, bots);
    const result = { settings, bootMs, mostASecond, seen, again, service: cost, cpu, sdk };
    return { ...result, broken: listBroken(result) };
  } finally {
    await service.child.stop();
    await echoes.close();
    await session.close();
    await wechat.close();
    await database.drop();
  }
}

async function startMeasured(
  env: Record<string, string>,
  options: string[] = [],
): Promise<{ child: Child; url: string }> {
  const child = startChild(join(import.meta.dirname, 'service.ts'), { env, options });
  return { child, url: await child.ask<string>('url') };
}

async function untilConnected(wecom: Child, bots: number): Promise<void> {
  const isDone = async () => (await wecom.ask<Seen>('see')).connected >= bots;
  await until(`${bots} are connected`, isDone, 60_000 + bots * 200);
}

/** Cuts all connections, and waits until all bots have another one. */
async function cutAll(wecom: Child, bots: number): Promise<ConnectionResult['again']> {
  const cutMs = performance.now();
  await wecom.ask('cut');
  await until('each has another one', async () => (await wecom.ask<Seen>('see')).sockets >= bots, 60_000 + bots * 200);
  await untilConnected(wecom, bots);
  return { bootMs: performance.now() - cutMs, mostASecond: (await wecom.ask<Seen>('see')).mostASecond };
}

/** CPU of a process in milliseconds a second, while something is done. */
async function watchCpu(child: Child, work: () => Promise<unknown>): Promise<number> {
  const before = await child.ask<number>('cpu');
  const beganMs = performance.now();
  await work();
  const seconds = (performance.now() - beganMs) / 1000;
  return ((await child.ask<number>('cpu')) - before) / seconds;
}

/** Asks at an even pace, a bot after another, each time as another user. */
async function askMuch(
  wecom: Child,
  botIds: readonly string[],
  { seconds, perSecond }: ConnectionSettings,
): Promise<void> {
  const beganMs = performance.now();
  for (let index = 0; index < seconds * perSecond; index++) {
    await sleep(Math.max(0, beganMs + (index * 1000) / perSecond - performance.now()));
    const botId = botIds[(index * 37) % botIds.length]!;
    await wecom.ask('say', { botId, userid: `user-${index}`, content: `第 ${index} 个问题` });
  }
  await sleep(Math.max(0, beganMs + seconds * 1000 - performance.now()));
}

/** Each of a connection's heartbeats comes a time after the one before; a busy machine makes it a little longer. */
const longestPauseSeconds = heartbeatSeconds * 1.5;

/** Subscriptions in one second: a process dials 25, and what stood still for two seconds is heard at once. */
const mostAtOnce = (bots: number) => Math.max(75, bots / 10);

function listBroken({ settings, mostASecond, seen, again }: Omit<ConnectionResult, 'broken'>): string[] {
  const { bots, seconds, perSecond } = settings;
  const leastPings = Math.floor(seconds / heartbeatSeconds) - 1;
  const asked = Math.round(seconds * perSecond);
  const checks: [boolean, string][] = [
    [seen.said === asked && seen.answeredMs.length === asked, `${seen.answeredMs.length} of ${asked} were answered`],
    [mostASecond <= mostAtOnce(bots), `${mostASecond} have subscribed in a second`],
    [again.mostASecond <= mostAtOnce(bots), `${again.mostASecond} have come back in a second`],
    [seen.connected === bots && seen.sockets === bots, `${seen.sockets} connections for ${bots} bots`],
    [seen.fewestPings >= leastPings, `${seen.fewestPings} heartbeats of a connection, not ${leastPings}`],
    [seen.longestPauseMs < longestPauseSeconds * 1000, `no heartbeat for ${seen.longestPauseMs} ms`],
    [seen.faults.length === 0, seen.faults.slice(0, 5).join('; ')],
  ];
  return checks.filter(([isKept]) => !isKept).map(([, what]) => what);
}

/** What one bot costs, in words. */
export function perBot({ none, all }: Cost, bots: number): string {
  const kb = (of: 'heapBytes' | 'rssBytes') => ((all[of] - none[of]) / bots / 1024).toFixed(1);
  return `${kb('heapBytes')} kB a bot in use, ${kb('rssBytes')} kB resident`;
}
