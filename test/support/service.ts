/** A whole service in this process, on a fresh database, with a sandbox as its WeChat side. */
import { randomBytes } from 'node:crypto';
import { type App, startApp } from '../../src/app.ts';
import { toConfig } from '../../src/config.ts';
import type { Point } from '../../src/context.ts';
import { createLogger } from '../../src/logger.ts';
import type { SandboxMessage } from '../../src/sandbox/articles/types.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects } from './databases.ts';
import { until } from './until.ts';

/** An answer of a JSON route. */
export interface Answer {
  errcode: number;
  errmsg: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  [field: string]: any;
}

export interface Service {
  app: App;
  wechat: WechatSide;
  databaseUrl: string;
  /** The internal address. */
  url(): string;
  /** The internal addresses of all replicas. */
  urls(): string[];
  /** Where callbacks go: to each of the replicas in turn. */
  publicUrl(): string;
  /** Posts to a JSON route and returns the answer's body. */
  call(path: string, body: unknown): Promise<Answer>;
  /** Creates an assistant and waits until its first learning is done. */
  createLearned(appid: string): Promise<void>;
  /** Asks as a user, and waits for the reply. */
  ask(appid: string, openid: string, msgid: string, content: string): Promise<{ text: string; quotation: string }>;
  /** Starts another one on the same database. */
  startReplica(): Promise<App>;
  /** Stops the service, but for its database and its WeChat side. */
  stopApp(): Promise<void>;
  /** Starts it again on the same database and with the same WeChat side. */
  restartApp(env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** sqlite or mysql. */
  dialect?: string;
  articles?: readonly SandboxMessage[];
  /** So many share the work and the callbacks; one unless given. */
  replicas?: number;
  env?: Record<string, string>;
  reached?: (point: Point) => void;
}

/** Settings of a service under test: free ports, short waits. */
export function testEnv(databaseUrl: string, wechatUrl: string | undefined): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SECRET_KEY: randomBytes(32).toString('base64'),
    HTTP_ADDR: '127.0.0.1:0',
    PUBLIC_ADDR: '127.0.0.1:0',
    ...(wechatUrl !== undefined && { BIZCOMM_URL: wechatUrl }),
    EGRESS_ALLOW: '127.0.0.1', // where a test's files are
    BIZCOMM_TIMEOUT_MS: '1500',
    QUERY_TIMEOUT_MS: '5000',
    ACCEPT_WAIT_MS: '9500', // a busy machine is no flood
    LEASE_SECONDS: '8',
    WECOM_WS_URL: 'ws://127.0.0.1:9', // nobody is there
    DISPATCH_BACKOFF_MS: '20',
    DISPATCH_CRON: '* * * * * *',
    SHUTDOWN_GRACE_SECONDS: '5',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const dialect = dialects.find(({ name }) => name === (options.dialect ?? 'sqlite'))!;
  const database = await dialect.create();
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, options.articles ?? []);
  const own = testEnv(database.url, wechat.url); // its secret key stays the same
  const start = (env: Record<string, string> = {}) => {
    const config = toConfig({ ...own, ...options.env, ...env });
    const { reached } = options;
    return startApp({ config, logger: createLogger(config.LOG_LEVEL), ...(reached && { reached }) });
  };
  const app = await start();
  const others: App[] = [];
  for (let more = 1; more < (options.replicas ?? 1); more++) others.push(await start());
  let turn = 0;
  const service: Service = {
    app,
    wechat,
    databaseUrl: database.url,
    url: () => service.app.url,
    urls: () => [service.app, ...others].map((each) => each.url),
    publicUrl() {
      const all = [service.app, ...others];
      return all[turn++ % all.length]!.publicUrl;
    },
    call: (path, body) => post(service.app.url, path, body),
    async createLearned(appid) {
      await service.call('/api/wxmp/assistant/create', { appid, name: '助手' });
      await until(`${appid} has learned`, async () => {
        const { status } = await service.call('/api/wxmp/assistant/detail', { appid });
        return [2, 4, 6].includes(status);
      });
    },
    async ask(appid, openid, msgid, content) {
      const message = { appid, openid, msgid, msg_type: 'text', text: { content } };
      const { errcode, errmsg } = await service.call('/api/wxmp/message/notify', message);
      if (errcode !== 0) throw new Error(errmsg);
      const reply = await until(`${msgid} is answered`, () =>
        wechat.state.replies.find((each) => each.msgid === msgid),
      );
      return {
        text: reply.segments.map((segment) => segment.content).join('\n'),
        quotation: reply.segments.at(-1)?.quotation ?? '',
      };
    },
    startReplica: () => start(),
    stopApp: () => service.app.stop(),
    async restartApp(env) {
      service.app = await start(env);
    },
    async stop() {
      try {
        await Promise.all([service.app, ...others].map((each) => each.stop()));
      } finally {
        await wechat.close();
        await database.drop();
      }
    },
  };
  return service;
}

/** Posts JSON and returns the answer's body. */
export async function post(url: string, path: string, body: unknown, headers = {}): Promise<Answer> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  return (await response.json()) as Answer;
}

/** A publish message of simple items for tests. */
export function article(articleId: string, ...texts: string[]): SandboxMessage {
  const items = texts.map((text, index) => ({
    title: `${articleId} 第${index + 1}篇`,
    author: '编辑',
    digest: '',
    content: `<p>${text}</p>`,
  }));
  return { articleId, createTime: 1_790_000_000, items };
}
