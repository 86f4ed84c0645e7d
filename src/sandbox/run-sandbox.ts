import { setTimeout as sleep } from 'node:timers/promises';
import { startApp } from '../app.ts';
import { toConfig } from '../config.ts';
import { createLogger } from '../logger.ts';
import { accountName, sampleQuestions, sandboxMessages } from './articles/index.ts';
import { startWechatSide } from './wechat-side.ts';

const appid = 'wx_sandbox';

/** Starts the service with a stand-in WeChat side, an account and its assistant, and says what to try. */
export async function runSandbox(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const { SANDBOX_ADDR } = toConfig(env);
  const wechat = await startWechatSide(SANDBOX_ADDR, sandboxMessages);
  const config = toConfig({ ...env, BIZCOMM_URL: wechat.url, LOG_LEVEL: env.LOG_LEVEL ?? 'warn' });
  const app = await startApp({ config, logger: createLogger(config.LOG_LEVEL) });
  print(`service   ${app.url}   (JSON, Connect, gRPC, /metrics)`);
  print(`public    ${app.publicUrl}`);
  print(`WeChat    ${wechat.url}   (stand-in, with the account ${accountName})\n`);
  await call(app.url, '/api/wxmp/assistant/create', config.WXMP_TOKEN, {
    appid,
    name: `${accountName}助手`,
    description: '回答关于海洋馆的问题',
    system_promot: '你是海洋馆公众号的助手，依据公众号文章回答。',
  });
  await showLearning(app.url, config.WXMP_TOKEN);
  printCommands(app.url, wechat.url, config.WXMP_TOKEN);
  return async () => {
    await app.stop();
    await wechat.close();
  };
}

/** Starts the stand-in WeChat side alone. */
export async function runWechatSide(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const wechat = await startWechatSide(toConfig(env).SANDBOX_ADDR, sandboxMessages);
  print(`WeChat    ${wechat.url}   set BIZCOMM_URL=${wechat.url} for the service`);
  return () => wechat.close();
}

/** Shows how many articles have been learned until the first learning is done. */
async function showLearning(url: string, token: string | undefined): Promise<void> {
  let shown = -1;
  for (;;) {
    const { status, knowledges } = await call<Detail>(url, '/api/wxmp/assistant/detail', token, { appid });
    const docNum = knowledges[0]?.doc_num ?? 0;
    if (docNum !== shown) print(`learning  ${docNum} articles${status === 1 ? ' …' : ''}`);
    shown = docNum;
    if (status >= 2) return print(`ready     status ${status}\n`);
    await sleep(100);
  }
}

interface Detail {
  status: number;
  knowledges: { doc_num: number }[];
}

function printCommands(url: string, wechatUrl: string, token: string | undefined): void {
  const question = sampleQuestions[0]?.question ?? '';
  const start = Date.now().toString(36); // another start, other msgids: a repeated one would not be answered again
  const body = (msgid: string) =>
    JSON.stringify({ appid, openid: 'visitor', msgid, msg_type: 'text', text: { content: question } });
  const header = token === undefined ? '' : ' -H "authorization: Bearer $WXMP_TOKEN"';
  print('Ask a question as a user of the account (the answer comes a moment later, over there):\n');
  print(`  curl -s ${url}/api/wxmp/message/notify${header} -H 'content-type: application/json' \\`);
  print(`    -d '${body(`q1-${start}`)}'\n`);
  print('The same over gRPC:\n');
  print(`  node_modules/.bin/buf curl --http2-prior-knowledge --protocol grpc${header} \\`);
  print(`    -d '${body(`q2-${start}`)}' \\\n    ${url}/wxmp.message.v1.MessageService/NotifyMessage\n`);
  print('See what the user is sent, with its source (quotation):\n');
  print(`  curl -s '${wechatUrl}/sandbox/replies?openid=visitor'\n`);
  print('Another question needs another msgid: a repeated one is answered once. Ctrl-C stops.');
}

async function call<T>(url: string, path: string, token: string | undefined, body: unknown): Promise<T> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as T & { errcode: number; errmsg: string };
  if (answer.errcode !== 0) throw new Error(`${path}: ${answer.errcode} ${answer.errmsg}`);
  return answer;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
