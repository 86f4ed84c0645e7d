/**
 * Processes of the service that share a database and dial one strict WeCom, for the tests that kill, stop and freeze them;
 * and the reckoning of what came of each question in the end.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import type { TestDatabase } from './databases.ts';
import { clientsOf } from './dialled-bots.ts';
import { type EchoBots, echo, startEchoBots } from './echo-bots.ts';
import { article, testEnv } from './service.ts';
import { type ServiceProcess, spawnService } from './spawn-service.ts';
import { until } from './until.ts';
import { createChats, type From, type Shown, type WecomChats } from './wecom-chats.ts';
import { startWecomSocketSide, type WecomSocketSide } from './wecom-socket-side.ts';

export interface FieldBot {
  botId: string;
  integrationId: string;
}

/** A question as it was said, which may have been heard or not. */
export interface Asked {
  from: From;
  words: string;
  reqId: string;
}

export interface ConnectionField {
  side: WecomSocketSide;
  chats: WecomChats;
  echoes: EchoBots;
  /** A look at the database from outside. */
  database: Database;
  /** Those that live. */
  processes: ServiceProcess[];
  /** When processes were killed, by performance.now(). */
  killedMs: number[];
  /** All that was ever said. */
  asked: Asked[];
  start(): Promise<ServiceProcess>;
  /** Ends one by SIGKILL, or as told; resolves when it is gone. */
  end(process: ServiceProcess, signal?: NodeJS.Signals): Promise<void>;
  makeBot(): Promise<FieldBot>;
  /** The process whose bot it is, once there is one. */
  ownerOf(bot: FieldBot): Promise<ServiceProcess>;
  /** Says something as soon as the bot is connected. */
  ask(bot: FieldBot, from: From, words: string): Promise<Asked>;
  /** Whether it was accepted: its bubble thinks, or the row is there. */
  isAccepted(asked: Asked): Promise<boolean>;
  /** Asks again and again until it was accepted, in other words each time. */
  askUntilAccepted(bot: FieldBot, from: From, words: string): Promise<Asked>;
  close(): Promise<void>;
}

const appid = 'wx_field';

export async function openConnectionField(
  created: TestDatabase,
  env: Record<string, string>,
): Promise<ConnectionField> {
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [article('a1', '本馆的成人票是 168 元。')]);
  const side = await startWecomSocketSide();
  const chats = createChats(side);
  const all = {
    ...{ ...testEnv(created.url, wechat.url), DATABASE_POOL_SIZE: '6', QUERY_TIMEOUT_MS: '2000' },
    ...{ LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal', WECOM_WS_URL: side.url, ...env },
  };
  const start = async () => {
    const started = await spawnService(all);
    if (started === undefined) throw new Error('a process died before it served');
    field.processes.push(started);
    return started;
  };
  const field = {
    ...{ side, chats, start, processes: [] as ServiceProcess[], killedMs: [] as number[], asked: [] as Asked[] },
    async end(process: ServiceProcess, signal: NodeJS.Signals = 'SIGKILL') {
      field.processes.splice(0, field.processes.length, ...field.processes.filter((each) => each !== process));
      if (signal === 'SIGKILL') field.killedMs.push(performance.now());
      process.kill(signal);
      await process.ended;
    },
    async makeBot() {
      const botId = `bot-${randomBytes(4).toString('hex')}`;
      side.secrets.set(botId, 's');
      const { bots, triggers } = clientsOf(field.processes[0]!.url);
      const { integration } = await bots.createIntegration({ name: 'b', mode: 2, botId, secret: 's' });
      const { integrationId } = integration!;
      await triggers.publishTrigger({ integrationId, appid });
      await until(`${botId} is connected`, () => side.connected(botId));
      return { botId, integrationId };
    },
    ownerOf: ({ integrationId }: FieldBot) =>
      until('a process holds the bot', async () => {
        const [row] = await field.database.all<{ name: string }>(
          `select h.name from bot_connection c join connection_holder h on h.holder_id = c.holder_id
            where c.integration_id = ? and h.due_at > ${field.database.dialect.now}`,
          [integrationId],
        );
        return field.processes.find(({ pid }) => row?.name.endsWith(`/${pid}`));
      }),
    async ask({ botId }: FieldBot, from: From, words: string) {
      await until(`${botId} is connected`, () => side.connected(botId));
      const asked = { from, words, reqId: chats.say(botId, from, words) };
      field.asked.push(asked);
      return asked;
    },
    async isAccepted({ reqId }: Asked) {
      if (chats.taken.some(({ cmd, headers }) => cmd === 'aibot_respond_msg' && headers.req_id === reqId)) return true;
      return (await field.database.all('select 1 from reply where req_id = ?', [reqId])).length > 0;
    },
    async askUntilAccepted(bot: FieldBot, from: From, words: string) {
      for (let time = 1; ; time++) {
        const asked = await field.ask(bot, from, `${words}（第${time}次）`);
        const heardBy = side.connected(bot.botId);
        const isOver = () => side.connected(bot.botId) !== heardBy;
        let isAccepted = false;
        await until('it is accepted, or nobody is there any more', async () => {
          isAccepted = await field.isAccepted(asked);
          return isAccepted || isOver();
        });
        if (isAccepted) return asked;
      }
    },
    async close() {
      await Promise.all(field.processes.map((each) => field.end(each, 'SIGTERM')));
      await field.echoes?.close();
      await side.close();
      await field.database?.close();
      await wechat.close();
      await created.drop();
    },
  } as ConnectionField;
  await start();
  field.database = openDatabase({ url: created.url, poolSize: 2, queryTimeoutMs: 10_000 });
  field.echoes = await startEchoBots(() => field.processes[0]!.url, appid);
  return field;
}

/** What a process has sent WeCom may read only a moment after it was killed. */
const readMs = 500;

/** What came of the questions that were accepted. */
export interface Reckoning {
  accepted: number;
  /** Not answered. */
  lost: string[];
  /** Not answered, since three processes died while the answer was sent: it waits for an operator. */
  buried: string[];
  /** Answered more than once: in two bubbles, in one and a message besides, or in two messages without a kill between. */
  doubled: string[];
  /** Messages that were said again, each after a kill. */
  repeats: number;
}

/**
 * Waits until all that was accepted is answered, for `patienceMs` at most, then looks at the chats. Throws where a user's
 * answers are out of order.
 */
export async function reckon(
  { chats, isAccepted, asked: all, database, killedMs }: ConnectionField,
  patienceMs = 60_000,
): Promise<Reckoning> {
  const answersTo = ({ from, words }: Asked) => chats.chat(from).filter((each) => each.texts.at(-1) === echo(words));
  const accepted: Asked[] = [];
  for (const asked of all) if (await isAccepted(asked)) accepted.push(asked);
  const unanswered = () => accepted.filter((asked) => answersTo(asked).length === 0);
  await until('all is answered', () => unanswered().length === 0, patienceMs).catch(() => {});
  const found: Reckoning = { accepted: accepted.length, lost: [], buried: [], doubled: [], repeats: 0 };
  for (const { reqId, words } of unanswered()) {
    const dead = await database.all<{ reason: string }>(
      `select d.reason from reply r join dispatch d on d.message_id = r.message_id
        where r.req_id = ? and d.state = 'dead'`,
      [reqId],
    );
    found[dead.some(({ reason }) => /^begun 3 times/.test(reason)) ? 'buried' : 'lost'].push(words);
  }
  for (const asked of accepted) {
    const answers = answersTo(asked);
    const messages = answers.filter(({ kind }) => kind === 'markdown');
    const bubbles = answers.length - messages.length;
    const isExcused = ({ atMs }: Shown, index: number) =>
      index === 0 || killedMs.some((ms) => ms >= messages[index - 1]!.atMs - readMs && ms <= atMs);
    if (bubbles > 1 || (bubbles === 1 && messages.length > 0) || !messages.every(isExcused)) {
      found.doubled.push(asked.words);
    }
    found.repeats += Math.max(0, messages.length - 1);
  }
  for (const userid of new Set(accepted.map(({ from }) => from.userid))) {
    const own = accepted.filter((asked) => asked.from.userid === userid && answersTo(asked).length > 0);
    const places = own.map(({ words }) => chats.taken.findIndex((frame) => saidFinally(frame.body) === echo(words)));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
      `the answers of ${userid} in the order of his questions`,
    );
  }
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
const saidFinally = (body: any): string | undefined =>
  body?.markdown?.content ?? (body?.stream?.finish ? body.stream.content : undefined);

/** The bubbles that were never finished. */
export function listUnfinished({ chats, asked }: ConnectionField): string[] {
  const users = new Map(asked.map(({ from }) => [from.userid, from]));
  return [...users.values()].flatMap((from) =>
    chats
      .chat(from)
      .filter(({ isFinished }) => !isFinished)
      .map(({ texts }) => `${from.userid}: ${texts.at(-1)}`),
  );
}
