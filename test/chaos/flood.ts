/**
 * A flood: a process of its own sends what one account is asked, several times as fast as the service can answer it, in
 * an open loop. Meanwhile somebody asks another account a question a second. What was accepted is answered, once and in
 * order; what was not was refused with 42901; the other account is hardly slower; the memory of the service is flat.
 *
 * `node test/chaos/flood.ts`; FLOOD_SECONDS=60, FLOOD_WARM_SECONDS=20, FLOOD_TIMES=5, FLOOD_DIALECTS=sqlite,mysql.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openDatabase } from '../../src/db/database.ts';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import { createMysql, createSqlite } from '../support/databases.ts';
import {
  type Answers,
  type Asking,
  askEachSecond,
  askInTurn,
  describeAsking,
  ratio,
  waitForAnswers,
  watchAnswers,
} from '../support/flood-asking.ts';
import type { FloodResult } from '../support/flood-sender.ts';
import { provideMysqlServer } from '../support/mysql-server.ts';
import { article, post, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';
import { readResidentMb, watchMemory } from '../support/watch-process.ts';

export interface FloodOptions {
  seconds?: number;
  warmSeconds?: number;
  /** How many times what the service takes is sent. */
  times?: number;
  dialects?: string[];
}

/** What a part of `make chaos` says of itself. */
export interface FloodReport {
  title: string;
  seed: number;
  notes: string[];
  /** Promises that were broken; empty: passed. */
  broken: string[];
}

const [flooded, other] = ['wx_flooded', 'wx_other'];
const waitText = 'please wait';
const articles = [
  article('a1', '成人票是 168 元，儿童票是 98 元，每天早上九点开门。', '企鹅馆的室温是三摄氏度，请带一件外套。'),
  article('a2', '停车场在潮声街，前两小时一共收费十元，之后每小时四元。'),
];

const fromEnv = (name: string, standard: number) => Number(process.env[`FLOOD_${name}`] ?? standard);

/** The part `flood`: on SQLite and on MariaDB, which it starts where TEST_DATABASE_URL names none. */
export async function* run(options: FloodOptions = {}): AsyncGenerator<FloodReport> {
  const server = await provideMysqlServer((line) => process.stderr.write(`${line}\n`));
  try {
    const wanted = options.dialects ?? (process.env.FLOOD_DIALECTS ?? 'sqlite,mysql').split(',');
    for (const name of wanted) {
      const { url, drop } = name === 'mysql' ? await createMysql(server?.url) : await createSqlite();
      yield await floodOne(name, url, options).finally(drop);
    }
  } finally {
    await server?.stop();
  }
}

async function floodOne(name: string, databaseUrl: string, options: FloodOptions): Promise<FloodReport> {
  const {
    seconds = fromEnv('SECONDS', 60),
    warmSeconds = fromEnv('WARM_SECONDS', 20),
    times = fromEnv('TIMES', 5),
  } = options;
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
  const service = await startProcess({
    ...testEnv(databaseUrl, wechat.url),
    ...{
      LEASE_SECONDS: '60',
      BIZCOMM_TIMEOUT_MS: '20000',
      ACCEPT_WAIT_MS: '5000',
      QUERY_TIMEOUT_MS: '20000',
      TEXT_PLEASE_WAIT: waitText,
    },
    ...{ BACKLOG_QUESTIONS: String(fromEnv('BACKLOG', 3000)), LOG_LEVEL: 'error' },
  });
  try {
    for (const appid of [flooded, other]) await createLearned(service.url, appid);
    const answers = watchAnswers(wechat, waitText);
    const asked = { url: service.url, appid: other, answers, seconds };
    const warm = await askInTurn({ ...asked, appid: flooded, seconds: warmSeconds });
    const warmMb = readResidentMb(service.pid);
    const calm = await askEachSecond({ ...asked, seconds: Math.min(10, warmSeconds) }, 'calm');
    const memory = watchMemory(service.pid);
    const [flood, meanwhile] = await Promise.all([
      sendFlood({ url: service.url, perSecond: Math.ceil(times * warm.perSecond), seconds }),
      askEachSecond(asked, 'meanwhile'),
    ]);
    const growths = memory.stop().map((mostMb) => mostMb / warmMb);
    const missing = await waitForAnswers(answers, flood.accepted);
    const lag = await readLag(service.url);
    const metrics = await readMetrics(service.url);
    return {
      title: `flood of ${times} times what it takes for ${seconds} s on ${name}`,
      seed: 0,
      notes: [
        `takes ${warm.perSecond.toFixed(0)} questions/s, accepted ${(flood.accepted.length / seconds / warm.perSecond).toFixed(2)} and refused ${(flood.refused / seconds / warm.perSecond).toFixed(2)} times that (${flood.accepted.length} and ${flood.refused} of ${flood.sent}; ${metrics})`,
        `a refusal takes ${flood.refusedMs.half} ms, 99 of 100 at most ${flood.refusedMs.most} ms`,
        `another account: ${describeAsking(meanwhile)}; medians: ${ratio(meanwhile.ackMs, calm.ackMs)} times the acknowledgement without any load, ${ratio(meanwhile.answerMs, calm.answerMs)} times the answer without any, ${ratio(meanwhile.answerMs, warm.answerMs)} times the answer in a closed loop of 24 users`,
        `resident memory in each quarter of the flood at most ${growths.map((each) => each.toFixed(2)).join(', ')} times that of the warmed-up service (${warmMb.toFixed(0)} MB)`,
        lag,
      ],
      broken: [
        ...findBroken({ flood, meanwhile, missing, growth: Math.max(...growths) }),
        ...(await findMisorder(databaseUrl, answers)),
      ],
    };
  } finally {
    await service.stop();
    await wechat.close();
  }
}

function findBroken({
  flood,
  meanwhile,
  missing,
  growth,
}: {
  flood: FloodResult;
  meanwhile: Asking;
  missing: number;
  growth: number;
}): string[] {
  const others = JSON.stringify(flood.others);
  return [
    missing > 0 && `${missing} accepted questions were not answered`,
    flood.accepted.length === 0 && 'nothing of the flood was accepted',
    flood.refused === 0 && 'nothing of the flood was refused',
    others !== '{}' && `answers that are neither accepted nor 42901: ${others}`,
    flood.withoutRetryAfter > 0 && `${flood.withoutRetryAfter} refusals without retry_after`,
    meanwhile.unacknowledged > 0 && `${meanwhile.unacknowledged} questions of the other account were not acknowledged`,
    meanwhile.unanswered > 0 && `${meanwhile.unanswered} questions of the other account were not answered in time`,
    growth > 1.5 && `the memory grew to ${growth.toFixed(2)} times`,
  ].filter((each) => each !== false);
}

interface Running {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

async function startProcess(env: Record<string, string>): Promise<Running> {
  const file = join(import.meta.dirname, '../support/service-process.ts');
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text = (text + chunk).slice(-100_000);
  });
  const url = await until('the service serves', () => /^http\S+$/m.exec(text)?.[0], 120_000);
  const stop = async () => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await exited;
    clearTimeout(force);
  };
  return { url, pid: child.pid!, stop };
}

async function createLearned(url: string, appid: string): Promise<void> {
  await post(url, '/api/wxmp/assistant/create', { appid, name: '助手' });
  const isLearned = async () => [2, 4, 6].includes((await post(url, '/api/wxmp/assistant/detail', { appid })).status);
  await until(`${appid} has learned`, isLearned, 120_000);
}

async function sendFlood({
  url,
  perSecond,
  seconds,
}: {
  url: string;
  perSecond: number;
  seconds: number;
}): Promise<FloodResult> {
  const env = { PATH: process.env.PATH, FLOOD_URL: url, FLOOD_APPID: flooded, FLOOD_USERS: '300' };
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/flood-sender.ts')], {
    env: { ...env, FLOOD_PER_SECOND: String(perSecond), FLOOD_SECONDS: String(seconds) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text) as FloodResult;
}

/** Holds the order of the answers that arrived against that in which the questions were accepted. */
async function findMisorder(databaseUrl: string, answers: Answers): Promise<string[]> {
  const database = openDatabase({ url: databaseUrl, poolSize: 1, queryTimeoutMs: 60_000 });
  const rows = await database.all<{ openid: string; msgid: string }>(
    "select openid, msgid from message where speaker = 'user' order by conversation_id, message_index",
  );
  await database.close();
  const repeated = [...answers.all().values()].filter((replies) => replies.length > 1).length;
  const accepted = Map.groupBy(rows, ({ openid }) => openid);
  const arrived = Map.groupBy(
    [...answers.all().values()].map(([first]) => first!),
    ({ openid }) => openid,
  );
  const isMisordered = ([openid, asked]: [string, { msgid: string }[]]) =>
    asked.map(({ msgid }) => msgid).join() !== (arrived.get(openid) ?? []).map(({ msgid }) => msgid).join();
  const misordered = [...accepted].filter(isMisordered).length;
  return [
    ...(repeated > 0 ? [`${repeated} questions were answered more than once`] : []),
    ...(misordered > 0
      ? [`${misordered} of ${accepted.size} conversations were answered out of order or not wholly`]
      : []),
  ];
}

async function readLag(url: string): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const ms = (name: string) =>
    Math.round(1000 * Number(new RegExp(`^nodejs_eventloop_lag_${name} (\\S+)`, 'm').exec(text)?.[1]));
  return `the event loop lags ${ms('mean_seconds')} ms on average, 99 of 100 times at most ${ms('p99_seconds')} ms, at most ${ms('max_seconds')} ms`;
}

/** Why calls were refused. */
async function readMetrics(url: string): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.matchAll(/^wxmp_refused_total\{reason="(\w+)"\} (\d+)/gm);
  return [...lines].map(([, reason, count]) => `${reason} ${count}`).join(', ');
}

if (import.meta.main) {
  let isKept = true;
  for await (const { title, notes, broken } of run()) {
    if (broken.length > 0) isKept = false;
    process.stdout.write(
      `${[title, ...notes, broken.length === 0 ? 'kept' : `BROKEN: ${broken.join('; ')}`].join('\n  ')}\n`,
    );
  }
  process.exitCode = isKept ? 0 : 1;
}
