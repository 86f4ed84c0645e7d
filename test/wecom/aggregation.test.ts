import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../../src/app.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import type { Bot } from '../support/make-bot.ts';
import { createRandom } from '../support/random.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { type From, type ResponseUrls, startResponseUrls } from '../support/wecom-side.ts';

const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`messages that follow each other, on ${dialect}`, () => {
    let service: Service;
    let urls: ResponseUrls;
    let bots: EchoBots;
    let database: Database;
    before(async () => {
      urls = await startResponseUrls();
      const env = { WECOM_API_HOSTS: urls.host };
      service = await startService({ dialect, articles: [article('a1', '本馆的成人票是 168 元。')], env });
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
      bots = await startEchoBots(() => service.app.url, 'wx_gather');
    });
    after(async () => {
      await database?.close();
      await service?.stop();
      await bots?.close();
      await urls?.close();
    });

    const makeBot = (trigger: object) => bots.makeBot(() => service.app.publicUrl, trigger);
    /** Fetches a stream until it is finished. */
    const fetchAll = async ({ wecom }: Bot, from: From, streamId: string): Promise<string> => {
      let stream: { finish: boolean; content: string } | undefined;
      await until('it is finished', async () => {
        stream = (await wecom.poll(from, streamId)).frame.stream;
        return stream!.finish;
      });
      return stream!.content;
    };
    const taken = (url: string) =>
      urls.taken.filter((each) => each.url === url).map(({ body }) => body.markdown.content);

    test(
      'within the window are one question: one bubble, empty answers to the later ones, one answer',
      LONG,
      async () => {
        const bot = await makeBot({ summaryWindowSeconds: 2 });
        const from = { userid: 'lisi' };
        const first = await bot.wecom.say(from, '成人票');
        assert.equal(first.frame.stream.finish, false);
        for (const words of ['儿童票', '多少钱？']) {
          const { status, text } = await bot.wecom.say(from, words);
          assert.deepEqual([status, text], [200, '']);
        }
        const answer = await fetchAll(bot, from, first.frame.stream.id);
        assert.equal(answer, echo('成人票\n儿童票\n多少钱？'));
      },
    );

    test('the newest part brings the response_url that carries the answer', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60 });
      const [older, newer] = [urls.make(), urls.make()];
      await bot.wecom.say({ userid: 'lisi' }, '甲', { response_url: older });
      await bot.wecom.say({ userid: 'lisi' }, '乙', { response_url: newer });
      await bot.wecom.say({ userid: 'lisi' }, '丙');
      await bot.wecom.say({ userid: 'lisi' }, '/new');
      await until('it has come', () => taken(newer).length > 0, 60_000);
      assert.deepEqual([taken(older), taken(newer)], [[], [echo('甲\n乙\n丙')]]);
    });

    test('each part begins the window anew, up to the longest wait', LONG, async () => {
      const windowMs = 6000;
      const bot = await makeBot({ summaryWindowSeconds: windowMs / 1000, maxWaitSeconds: 12 });
      const from = { userid: 'lisi' };
      const parts: { words: string; atMs: number }[] = [];
      const streams: string[] = [];
      while (streams.length < 2) {
        const words = `第${parts.length}句`;
        parts.push({ words, atMs: performance.now() });
        const { frame } = await bot.wecom.say(from, words);
        if (frame !== undefined) streams.push(frame.stream.id);
        await sleep(1000);
      }
      await bot.wecom.say(from, '/new');
      const answers = [];
      for (const id of streams) answers.push(await fetchAll(bot, from, id));
      const questions = answers.map((each) => each.slice(echo('').length).split('\n'));
      assert.deepEqual(
        questions.flat(),
        parts.map(({ words }) => words),
        'each part in one question, in order',
      );
      const last = parts[questions[0]!.length - 1]!;
      assert.ok(last.atMs - parts[0]!.atMs > windowMs, `the window was begun anew: ${JSON.stringify(questions)}`);
    });

    test('twenty parts are a question, and the next one begins another', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60 });
      const from = { userid: 'lisi' };
      const parts = Array.from({ length: 20 }, (_, index) => `第${index}句`);
      const { frame } = await bot.wecom.say(from, parts[0]!);
      for (const part of parts.slice(1)) assert.equal((await bot.wecom.say(from, part)).text, '');
      assert.equal(
        await fetchAll(bot, from, frame.stream.id),
        echo(parts.join('\n')),
        'long before the window is over',
      );
      const next = (await bot.wecom.say(from, '又一句')).frame;
      assert.notEqual(next.stream.id, frame.stream.id);
    });

    test('/new cuts the window: both questions are answered, each in its own bubble', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60 });
      const from = { userid: 'lisi' };
      const before = (await bot.wecom.say(from, '旧的问题')).frame.stream.id;
      const next = (await bot.wecom.say(from, '/new 新的问题')).frame.stream.id;
      assert.equal((await bot.wecom.say(from, '第二句')).text, '', 'a part of the new one');
      assert.equal(await fetchAll(bot, from, before), echo('旧的问题'), 'long before its window is over');
      assert.equal((await bot.wecom.say(from, '/new')).frame.stream.finish, true);
      assert.equal(await fetchAll(bot, from, next), echo('新的问题\n第二句'));
    });

    test('of a question in many parts ten pictures and files are fetched, the others are not', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60 });
      const from = { userid: 'lisi' };
      const images = (count: number) => ({
        ...{ msgtype: 'mixed', text: undefined },
        mixed: { msg_item: Array.from({ length: count }, () => ({ msgtype: 'image', image: { url: 'nonsense' } })) },
      });
      for (const count of [7, 2, 3, 12]) await bot.wecom.say(from, '', images(count));
      const find = `select a.reason like 'more than 10 %' surplus, a.sealed_link link, a.state from attachment a
        where a.integration_id = ?`;
      const rows = await database.all<{ surplus: number; link: string | null; state: string }>(find, [
        bot.integrationId,
      ]);
      assert.equal(rows.length, 7 + 2 + 3 + 11);
      const surplus = rows.filter((row) => row.surplus === 1);
      assert.equal(rows.length - surplus.length, 10);
      for (const { link, state } of surplus) assert.deepEqual([link, state], [null, 'failed']);
    });

    test('a part that comes again is in the question once', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60 });
      const from = { userid: 'lisi' };
      const { id } = (await bot.wecom.say(from, '甲', { msgid: 'm1' })).frame.stream;
      const again = await Promise.all(Array.from({ length: 5 }, () => bot.wecom.say(from, '乙', { msgid: 'm2' })));
      assert.deepEqual(new Set(again.map(({ text }) => text)), new Set(['']));
      assert.equal((await bot.wecom.say(from, '甲', { msgid: 'm1' })).frame.stream.id, id);
      await bot.wecom.say(from, '/new');
      assert.equal(await fetchAll(bot, from, id), echo('甲\n乙'));
      assert.equal(
        (await bot.wecom.say(from, '乙', { msgid: 'm2' })).text,
        '',
        'and no question of its own afterwards',
      );
    });

    test('only what the same user says in the same chat is one question', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 60, groupScope: 'chat' });
      const places = [
        { userid: 'lisi' },
        { userid: 'wangwu' },
        { userid: 'lisi', chatid: 'g1' },
        { userid: 'wangwu', chatid: 'g1' },
        { userid: 'lisi', chatid: 'g2' },
      ];
      const name = ({ userid, chatid = '' }: From) => `${userid}在${chatid}`;
      const firsts = await Promise.all(places.map((from) => bot.wecom.say(from, `${name(from)}一`)));
      await Promise.all(places.map((from) => bot.wecom.say(from, `${name(from)}二`)));
      await Promise.all(places.map((from) => bot.wecom.say(from, '/new')));
      const answers = await Promise.all(places.map((from, n) => fetchAll(bot, from, firsts[n]!.frame.stream.id)));
      assert.deepEqual(
        answers,
        places.map((from) => echo(`${name(from)}一\n${name(from)}二`)),
      );
    });

    test('what was gathered outlives the process, and another answers it', LONG, async () => {
      const bot = await makeBot({ summaryWindowSeconds: 10 });
      const from = { userid: 'lisi' };
      const { id } = (await bot.wecom.say(from, '甲')).frame.stream;
      await bot.wecom.say(from, '乙');
      await service.stopApp();
      await service.restartApp();
      assert.equal(await fetchAll(bot, from, id), echo('甲\n乙'));
    });

    test('no part is lost or doubled around the end of a window, with two replicas', LONG, async () => {
      const replica: App = await service.startReplica();
      try {
        const random = createRandom();
        console.log(`TEST_SEED=${random.seed}`);
        let turn = 0;
        const addresses = () => [service.app.publicUrl, replica.publicUrl][turn++ % 2]!;
        const bot = await bots.makeBot(addresses, { summaryWindowSeconds: 1, maxWaitSeconds: 2 });
        const users = Array.from({ length: 6 }, (_, index) => ({ userid: `user-${index}` }));
        const said = await Promise.all(
          users.map(async (from) => {
            const parts: string[] = [];
            const streams: string[] = [];
            for (let index = 0; index < 12; index++) {
              parts.push(`${from.userid}的第${index}句`);
              const { frame } = await bot.wecom.say(from, parts.at(-1)!);
              if (frame !== undefined) streams.push(frame.stream.id);
              await sleep(random.below(3) === 0 ? 950 + random.below(150) : random.below(300));
            }
            const answers = [];
            for (const id of streams) answers.push(await fetchAll(bot, from, id));
            return { parts, questions: answers.map((each) => each.slice(echo('').length)) };
          }),
        );
        for (const { parts, questions } of said) assert.deepEqual(questions.join('\n').split('\n'), parts);
        const most = Math.max(...said.map(({ questions }) => questions.length));
        assert.ok(most > 1, 'windows ended meanwhile');
      } finally {
        await replica.stop();
      }
    });
  });
}
