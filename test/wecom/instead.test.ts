/** What bots do in place of losing, doubling and mixing up; see the table in docs/guarantees.md. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { createGate } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import type { Bot } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import type { From } from '../support/wecom-side.ts';

const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`what a WeCom bot does instead, on ${dialect}`, () => {
    let service: Service;
    let bots: EchoBots;
    let bot: Bot;
    before(async () => {
      service = await startService({ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元。')] });
      bots = await startEchoBots(() => service.app.url, 'wx_instead');
      bot = await bots.makeBot(service.publicUrl);
    });
    after(async () => {
      await service?.stop();
      await bots?.close();
    });

    const fetchAll = (from: From, id: string) =>
      until('it is finished', async () => {
        const { finish, content } = (await bot.wecom.poll(from, id)).frame.stream;
        return finish ? (content as string) : undefined;
      });

    test(
      'what could not be stored is asked for again in time, and is no repeat when it comes again',
      LONG,
      async () => {
        const from = { userid: 'lisi' };
        await bot.wecom.ask(from, '先说一句'); // there is a session
        const other = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 60_000 });
        const gate = createGate();
        const locked = createGate();
        const holding = other.tx(async (tx) => {
          await tx.run('update wecom_session set active_at = active_at + 1 where integration_id = ?', [
            bot.integrationId,
          ]);
          locked.open();
          await gate.opened;
        });
        await locked.opened;
        const startMs = performance.now();
        const refused = (await bot.wecom.say(from, '多少钱？', { msgid: 'm-stuck' })).frame.stream;
        const tookMs = performance.now() - startMs;
        gate.open();
        await holding;
        await other.close();
        assert.deepEqual([refused.finish, refused.content], [true, '抱歉，刚才没有收到，请再发一次。']);
        assert.ok(tookMs < 5000, `WeCom waits for five seconds, it took ${tookMs} ms`);
        const { id, finish } = (await bot.wecom.say(from, '多少钱？', { msgid: 'm-stuck' })).frame.stream;
        assert.equal(finish, false);
        assert.equal(await fetchAll(from, id), echo('多少钱？'));
      },
    );

    test('what one user asks at once is answered one after another, each in its own bubble', LONG, async () => {
      const from = { userid: 'wangwu' };
      bots.delayMs = () => 100;
      const questions = Array.from({ length: 6 }, (_, index) => `同时的第${index}问`);
      const said = await Promise.all(questions.map((words) => bot.wecom.say(from, words)));
      const answers = await Promise.all(said.map(({ frame }) => fetchAll(from, frame.stream.id)));
      bots.delayMs = () => 0;
      assert.deepEqual(answers, questions.map(echo));
      const asked = bots.calls.filter(({ question }) => questions.includes(question));
      assert.deepEqual(
        asked.map(({ history }) => history.length),
        [0, 2, 4, 6, 8, 10].map((turns) => Math.min(turns, asked.at(-1)!.history.length)),
        'each knows the ones before: no two conversations began',
      );
    });

    test('a /new that comes again begins no other session', LONG, async () => {
      const from = { userid: 'again' };
      await bot.wecom.say(from, '/new', { msgid: 'm-new' });
      await bot.wecom.ask(from, '第一问');
      assert.equal((await bot.wecom.say(from, '/new', { msgid: 'm-new' })).frame.stream.finish, true);
      await bot.wecom.ask(from, '第二问');
      assert.deepEqual(bots.calls.at(-1)!.history, ['第一问', echo('第一问')]);
    });

    test('an answer under way when its user begins a new session stays out of it', LONG, async () => {
      const from = { userid: 'zhaoliu' };
      bots.delayMs = () => 1500;
      const old = (await bot.wecom.say(from, '旧的问题')).frame.stream.id;
      await until('it is being answered', () => bots.calls.some(({ question }) => question === '旧的问题'));
      bots.delayMs = () => 0;
      const next = (await bot.wecom.say(from, '/NEW 新的问题')).frame.stream.id;
      assert.equal(await fetchAll(from, next), echo('新的问题'));
      assert.equal(await fetchAll(from, old), echo('旧的问题'));
      const { id } = (await bot.wecom.say(from, '还有呢？')).frame.stream;
      await fetchAll(from, id);
      const last = bots.calls.at(-1)!;
      assert.deepEqual([last.question, last.history], ['还有呢？', ['新的问题', echo('新的问题')]]);
    });
  });
}
