import { setTimeout as sleep } from 'node:timers/promises';
import { startApp } from '../app.ts';
import { toConfig } from '../config.ts';
import { createLogger } from '../logger.ts';
import { accountName, sampleQuestions, sandboxMessages } from './articles/index.ts';
import { type CalledService, callService } from './call-service.ts';
import { fileQuestions } from './files/index.ts';
import { uploadFiles } from './upload-files.ts';
import { startWechatSide } from './wechat-side.ts';
import { botName, loadKeys, makeBot } from './wecom/make-bot.ts';

const appid = 'wx_sandbox';

/** Starts the service with a stand-in WeChat side, an account and its assistant, and says what to try. */
export async function runSandbox(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const given = toConfig(env);
  const wechat = await startWechatSide(given.SANDBOX_ADDR, sandboxMessages);
  const keys = loadKeys(given);
  wechat.sockets.secrets.set(keys.long.botId, keys.long.secret);
  // The sample files lie on this machine, where the downloader goes only when told to.
  const egressAllow = [env.EGRESS_ALLOW, new URL(wechat.url).host].filter(Boolean).join();
  // Answers of its bot that nobody fetches any more go there, too.
  const apiHosts = [env.WECOM_API_HOSTS || 'qyapi.weixin.qq.com', new URL(wechat.url).host].join();
  const hosts = { EGRESS_ALLOW: egressAllow, WECOM_API_HOSTS: apiHosts, WECOM_WS_URL: wechat.socketUrl };
  const config = toConfig({ ...env, ...hosts, BIZCOMM_URL: wechat.url, LOG_LEVEL: env.LOG_LEVEL ?? 'warn' });
  const app = await startApp({ config, logger: createLogger(config.LOG_LEVEL) });
  print(`service   ${app.url}   (JSON, Connect, gRPC, /metrics)`);
  print(`public    ${app.publicUrl}`);
  print(`WeChat    ${wechat.url}   (stand-in, with the account ${accountName})\n`);
  const service = { url: app.url, token: config.WXMP_TOKEN };
  await callService(service, '/api/wxmp/assistant/create', {
    appid,
    name: `${accountName}助手`,
    description: '回答关于海洋馆的问题',
    system_promot: '你是海洋馆公众号的助手，依据公众号文章回答。',
  });
  await showLearning(service);
  await uploadFiles(service, { appid, wechatUrl: wechat.url, tell: print });
  const bot = await makeBot(app, config, { appid, sandboxUrl: wechat.url, keys });
  if (bot !== undefined) {
    print(`WeCom bot ${bot.callbackUrl}   (mentioned in groups as ${botName})`);
    print(`the other ${wechat.socketUrl}   (with a long connection)\n`);
  }
  printCommands(app.url, wechat.url, config.WXMP_TOKEN);
  if (bot !== undefined) printSay();
  print('Another question by curl needs another msgid: a repeated one is answered once. Ctrl-C stops.');
  return async () => {
    await app.stop();
    await wechat.close();
  };
}

/** Starts the stand-in WeChat side alone. */
export async function runWechatSide(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const wechat = await startWechatSide(toConfig(env).SANDBOX_ADDR, sandboxMessages);
  print(`WeChat    ${wechat.url}   set BIZCOMM_URL=${wechat.url} for the service`);
  print(`WeCom     ${wechat.socketUrl}   set WECOM_WS_URL to it; POST /sandbox/wecom/bots makes known who may connect`);
  return () => wechat.close();
}

/** Shows how many articles have been learned until the first learning is done. */
async function showLearning(service: CalledService): Promise<void> {
  let shown = -1;
  for (;;) {
    const { status, knowledges } = await callService<Detail>(service, '/api/wxmp/assistant/detail', { appid });
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
  const body = (msgid: string, content = question) =>
    JSON.stringify({ appid, openid: 'visitor', msgid, msg_type: 'text', text: { content } });
  const header = token === undefined ? '' : ' -H "authorization: Bearer $WXMP_TOKEN"';
  print('Ask a question as a user of the account (the answer comes a moment later, over there):\n');
  print(`  curl -s ${url}/api/wxmp/message/notify${header} -H 'content-type: application/json' \\`);
  print(`    -d '${body(`q1-${start}`)}'\n`);
  print('The same over gRPC:\n');
  print(`  node_modules/.bin/buf curl --http2-prior-knowledge --protocol grpc${header} \\`);
  print(`    -d '${body(`q2-${start}`)}' \\\n    ${url}/wxmp.message.v1.MessageService/NotifyMessage\n`);
  print('Another one, which a file answers:\n');
  print(`  curl -s ${url}/api/wxmp/message/notify${header} -H 'content-type: application/json' \\`);
  print(`    -d '${body(`q3-${start}`, fileQuestions[0]!.question)}'\n`);
  print('See what the user is sent, with its source (quotation):\n');
  print(`  curl -s '${wechatUrl}/sandbox/replies?openid=visitor'\n`);
}

function printSay(): void {
  print('Say something to the WeCom bot, as a user, and see the answer grow (make say SAY=--help tells the rest):\n');
  print(`  make say TEXT='${sampleQuestions[1]?.question ?? ''}'`);
  print(`  make say TEXT='${sampleQuestions[1]?.question ?? ''}' LONG=1   (to the one with a long connection)\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
