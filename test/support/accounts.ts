/** A whole service with many accounts, each with a WeChat side of its own whose answers a test can change or hold back. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SandboxMessage } from '../../src/sandbox/articles/types.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

/** A call that the service made to the WeChat side. */
export interface WechatCall {
  /** The last part of its path. */
  method: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
  body: any;
}

/** Gives the WeChat side's own answer, to the same or to another body. */
export type Forward = (body?: unknown) => Promise<Response>;

export interface Account {
  appid: string;
  wechat: WechatSide;
  /** What the service called, oldest first. */
  calls: WechatCall[];
  /**
   * Answers in the WeChat side's place: a Response or a text as it is, an object as JSON; undefined breaks the
   * connection off. Unset: the WeChat side answers.
   */
  answer?: ((call: WechatCall, forward: Forward) => unknown) | undefined;
  /** Pages of the list that were asked for. */
  pages(): WechatCall['body'][];
  /** The notices that arrived, as their event types. */
  noticed(): number[];
}

export interface Accounts {
  service: Service;
  /** Makes an account that has these articles. */
  open(appid: string, articles: readonly SandboxMessage[]): Promise<Account>;
  stop(): Promise<void>;
}

export async function startAccounts(options: ServiceOptions = {}): Promise<Accounts> {
  const accounts = new Map<string, Account>();
  const front = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port } = front.address() as AddressInfo;
  // A call that is only slow, on a busy machine, must not be taken for one that failed.
  const patience = { BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' };
  const env = { ...patience, ...options.env, BIZCOMM_URL: `http://127.0.0.1:${port}` };
  const service = await startService({ ...options, env });

  /** A reply names no account: it goes to the service's own WeChat side. */
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const body = JSON.parse(await readText(request));
    const account = accounts.get(body.appid ?? body.item?.[0]?.appid);
    const call = { method: /\/bizcomm\/(\w+)/.exec(path)?.[1] ?? '', body };
    account?.calls.push(call);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const forward: Forward = (other = body) =>
      fetch((account?.wechat ?? service.wechat).url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(other),
        signal: gone.signal,
      });
    await write(response, account?.answer ? await account.answer(call, forward) : await forward());
  }

  return {
    service,
    async open(appid, articles) {
      const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
      const calls: WechatCall[] = [];
      const account: Account = {
        ...{ appid, wechat, calls },
        pages: () =>
          calls
            .filter(({ method, body }) => method === 'getbizpublishlist' && body.fetch_type === 0)
            .map(({ body }) => body),
        noticed: () => wechat.state.notices.map(({ eventType }) => eventType),
      };
      accounts.set(appid, account);
      return account;
    },
    async stop() {
      await service.stop();
      for (const { wechat } of accounts.values()) await wechat.close();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

async function write(response: ServerResponse, answer: unknown): Promise<void> {
  if (answer === undefined) response.destroy();
  else if (typeof answer === 'string') response.setHeader('content-type', 'text/html').end(answer);
  else if (!(answer instanceof Response)) response.end(JSON.stringify(answer));
  else {
    const wait = answer.headers.get('retry-after');
    if (wait !== null) response.setHeader('retry-after', wait);
    response.statusCode = answer.status;
    response.end(await answer.text());
  }
}

/** A gate that calls wait at until a test opens it. */
export function createGate(): { opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
