import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { echo, startEchoBots } from '../support/echo-bots.ts';
import type { Bot } from '../support/make-bot.ts';
import { createRandom, type Random } from '../support/random.ts';
import { article, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { createWecomSide, type From, type ResponseUrls, startResponseUrls } from '../support/wecom-side.ts';

/** A user of a bot in one chat, who does one thing after another. */
interface Actor {
  bot: Bot;
  from: From;
  /** In all that this one says. */
  label: string;
  said: { msgid: string; words: string; url?: string }[];
  streams: { id: string; polled: boolean }[];
  /** What was read in finished streams. */
  read: string[];
}

const rounds = 8;
/** Stands in all that must have no effect. */
const alien = 'ALIEN';

for (const { name: dialect } of dialects) {
  test(`users, chats, bots and replicas interleaved: every answer goes to its own, strangers have no effect, on ${dialect}`, {
    timeout: 300_000,
  }, async () => {
    const random = createRandom();
    console.log(`TEST_SEED=${random.seed}`);
    const urls = await startResponseUrls();
    const service = await startService({
      ...{ dialect, articles: [article('a1', '本馆的成人票是 168 元。')] },
      // A busy machine is no receiver that fails: a response_url takes one call.
      env: { WECOM_API_HOSTS: urls.host, BIZCOMM_TIMEOUT_MS: '15000', LEASE_SECONDS: '30' },
    });
    const replica = await service.startReplica();
    const bots = await startEchoBots(() => service.app.url, 'wx_interleaved');
    try {
      bots.delayMs = () => random.below(400);
      const address = () => random.pick([service.app, replica]).publicUrl;
      const named = { botName: '小助手' };
      const windowed = await bots.makeBot(address, { summaryWindowSeconds: 1, groupScope: 'chat' }, named);
      const plain = await bots.makeBot(address, { groupScope: 'member' }, named);
      const actors = [windowed, plain].flatMap((bot) => makeActors(bot));
      await Promise.all(actors.map((actor) => act(actor, { actors, random, urls })));
      await Promise.all(actors.map((actor) => readAll(actor)));
      const isOver = async () => urls.taken.length + readCount(actors) >= (await countQuestions(service.databaseUrl));
      await until('all is answered', isOver, 90_000);
      await assertAllWentWhereItBelongs(actors, urls);
      assert.deepEqual(urls.refused, [], 'no address was called twice');
      assert.ok(urls.taken.length > 0 && readCount(actors) > 0, 'both routes were taken');
      assert.equal(bots.calls.filter(({ question }) => question.includes(alien)).length, 0);
      assert.equal(await countAliens(service.databaseUrl), 0);
    } finally {
      await replica.stop();
      await service.stop();
      await bots.close();
      await urls.close();
    }
  });
}

function makeActors(bot: Bot): Actor[] {
  const places = [{}, { chatid: 'g1' }, { chatid: 'g2' }].flatMap((chat) =>
    ['lisi', 'wangwu', 'zhaoliu'].map((userid) => ({ userid, ...chat })),
  );
  return places.map((from) => {
    const label = `${bot.integrationId.slice(-4)}|${'chatid' in from ? from.chatid : ''}|${from.userid}`;
    return { bot, from, label, said: [], streams: [], read: [] };
  });
}

const mentioned = ({ from }: Actor, words: string) => (from.chatid === undefined ? words : `@小助手 ${words}`);

async function act(actor: Actor, { actors, random, urls }: { actors: Actor[]; random: Random; urls: ResponseUrls }) {
  for (let round = 0; round < rounds; round++) {
    const words = `<${actor.label}#${round}>`;
    const msgid = randomBytes(9).toString('base64');
    const isRead = random.chance(0.5);
    const url = isRead && random.chance(0.5) ? undefined : urls.make();
    const said = random.chance(0.2) ? `/new ${words}` : words;
    const more = { msgid, ...(url !== undefined && { response_url: url }) };
    const { frame } = await sayUntilTaken(actor, mentioned(actor, said), more);
    actor.said.push({ msgid, words, ...(url !== undefined && { url }) });
    if (frame !== undefined) actor.streams.push({ id: frame.stream.id, polled: isRead });
    if (random.chance(0.3)) await sayAgain(actor, random);
    if (random.chance(0.4)) await intrude(actor, { actors, random });
    if (random.chance(0.2)) await actor.bot.wecom.say(actor.from, mentioned(actor, '/new'));
    await sleep(random.below(random.chance(0.3) ? 1300 : 200));
  }
}

/** Says it until it is taken: on a busy machine it may be asked for again. */
async function sayUntilTaken({ bot, from }: Actor, words: string, more: object) {
  for (;;) {
    const answered = await bot.wecom.say(from, words, more);
    if (answered.frame?.stream.finish !== true) return answered;
  }
}

/** WeCom calls again: the same words once more have no effect. */
async function sayAgain({ bot, from, said }: Actor, random: Random): Promise<void> {
  const { msgid, words } = random.pick(said);
  await bot.wecom.say(from, words, { msgid });
}

/** Somebody who has no business here tries this and that. */
async function intrude({ bot, from }: Actor, { actors, random }: { actors: Actor[]; random: Random }): Promise<void> {
  const victim = random.pick(actors);
  const content = `${alien} ${random.below(1000)}`;
  if (random.chance(0.5)) {
    // Without a key: nothing at all happens.
    const forged = createWecomSide(() => victim.bot.wecom.url());
    const { status } = await forged.say(victim.from, content);
    assert.ok(status >= 400 && status < 500);
    const unsigned = await fetch(victim.bot.wecom.url(), {
      method: 'POST',
      body: JSON.stringify({ text: { content } }),
    });
    assert.ok(unsigned.status >= 400 && unsigned.status < 500);
    return;
  }
  // Another user, or another bot's, asks for a stream: it is not shown.
  const stream = victim.streams.at(-1);
  if (stream === undefined || (victim.bot === bot && victim.from === from)) return;
  const shown = (await bot.wecom.poll(from, stream.id)).frame.stream;
  assert.equal(shown.finish, true);
  assert.ok(!shown.content.includes(victim.label), 'a stream is shown to its own user alone');
}

/** Fetches the streams that are fetched at all. */
async function readAll({ bot, from, streams, read }: Actor): Promise<void> {
  for (const { id, polled } of streams) {
    if (!polled) continue;
    await until(`${id} is finished`, async () => {
      const { finish, content } = (await bot.wecom.poll(from, id)).frame.stream;
      if (finish) read.push(content);
      return finish;
    });
  }
}

const readCount = (actors: Actor[]) =>
  actors.reduce((count, { read }) => count + read.filter((text) => text.startsWith(echo(''))).length, 0);

async function countQuestions(databaseUrl: string): Promise<number> {
  return count(databaseUrl, "select count(*) n from message where speaker = 'user' and state <> 'merged'");
}

async function countAliens(databaseUrl: string): Promise<number> {
  return count(databaseUrl, `select count(*) n from message where content like '%${alien}%'`);
}

async function count(databaseUrl: string, sql: string): Promise<number> {
  const database = openDatabase({ url: databaseUrl, poolSize: 1, queryTimeoutMs: 10_000 });
  try {
    const [row] = await database.all<{ n: number }>(sql);
    return Number(row!.n);
  } finally {
    await database.close();
  }
}

/** Each part of each actor is in exactly one answer, and that went by one of the actor's own routes. */
async function assertAllWentWhereItBelongs(actors: Actor[], urls: ResponseUrls): Promise<void> {
  for (const { label, said, read } of actors) {
    const own = new Set(said.map(({ url }) => url));
    const sent = urls.taken.filter(({ url }) => own.has(url)).map(({ body }) => body.markdown.content);
    const answers = [...read.filter((text) => text.startsWith(echo(''))), ...sent];
    const told = answers.flatMap((text) => text.slice(echo('').length).split('\n'));
    assert.deepEqual(told.sort(), said.map(({ words }) => words).sort(), `all of ${label}, once, and of nobody else`);
  }
}
