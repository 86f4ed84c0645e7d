import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { article, post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const articles = Array.from({ length: 30 }, (_, index) =>
  article(`k${index}`, `第${index}号展柜里放着编号${1000 + index}的青铜铃铛，每周${(index % 6) + 1}开放参观。`),
);

/** Short leases, so that what a dead process held is taken up soon. */
const quick = { BIZCOMM_TIMEOUT_MS: '800', QUERY_TIMEOUT_MS: '800', LEASE_SECONDS: '2', DATABASE_POOL_SIZE: '6' };

for (const { name: dialect, create } of dialects) {
  describe(`a process that is killed, on ${dialect}`, () => {
    let database: TestDatabase;
    let wechat: WechatSide;
    let env: Record<string, string>;
    const running = new Set<ServiceProcess>();

    before(async () => {
      database = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
      env = { ...testEnv(database.url, wechat.url), ...quick };
    });
    after(async () => {
      for (const process of running) process.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      await wechat.close();
      await database.drop();
    });

    const start = async (killAt = '') => {
      const process = await spawnService({ ...env, KILL_AT: killAt });
      if (process === undefined) return undefined;
      running.add(process);
      void process.ended.then(() => running.delete(process));
      return process;
    };
    const notify = (url: string, appid: string, msgid: string, content: string) =>
      post(url, '/api/wxmp/message/notify', { appid, openid: appid, msgid, msg_type: 'text', text: { content } });
    const detail = (url: string, appid: string) => post(url, '/api/wxmp/assistant/detail', { appid });
    const learned = (url: string, appid: string) =>
      until(`${appid} has learned`, async () => [2, 4, 6].includes((await detail(url, appid)).status));
    const repliesOf = (appid: string) => wechat.state.replies.filter(({ openid }) => openid === appid);
    const noticesOf = (appid: string) => wechat.state.notices.filter((notice) => notice.appid === appid);

    for (const { point, repeats } of [
      { point: 'message.accepted', repeats: 0 },
      { point: 'message.composed', repeats: 0 },
      { point: 'message.answered', repeats: 0 },
      { point: 'dispatch.begun', repeats: 0 },
      { point: 'dispatch.sent', repeats: 1 },
    ]) {
      test(`at ${point} leaves nothing lost: three questions, three replies in order, ${repeats} repeats at most`, async () => {
        const appid = `wx_${point.replace('.', '_')}`;
        const first = await start();
        await post(first!.url, '/api/wxmp/assistant/create', { appid, name: 'n' });
        await learned(first!.url, appid);
        await until('the notice is here', () => noticesOf(appid).length === 1);
        first!.kill('SIGTERM');
        assert.equal(await first!.ended, 0);

        const second = await start(point);
        const msgids = ['q1', 'q2', 'q3'].map((id) => `${appid}-${id}`);
        const asked = await Promise.allSettled([notify(second!.url, appid, msgids[0]!, '第7号展柜里放着什么？')]);
        assert.equal(await second!.ended, 'SIGKILL');

        const third = await start();
        // Whoever got no answer asks again, with the same msgid.
        if (asked[0]!.status === 'rejected') await notify(third!.url, appid, msgids[0]!, '第7号展柜里放着什么？');
        for (const msgid of msgids.slice(1)) await notify(third!.url, appid, msgid, '第8号展柜里放着什么？');
        await until('all are answered', () => new Set(repliesOf(appid).map(({ msgid }) => msgid)).size === 3);
        third!.kill('SIGTERM');
        assert.equal(await third!.ended, 0);

        const arrived = repliesOf(appid);
        const distinct = arrived.filter((reply, index) => arrived.findIndex((r) => r.msgid === reply.msgid) === index);
        assert.deepEqual(
          distinct.map(({ msgid }) => msgid),
          msgids,
        );
        assert.ok(arrived.length - distinct.length <= repeats, `${arrived.length} arrivals`);
        for (const reply of arrived) {
          assert.deepEqual(
            reply,
            distinct.find(({ msgid }) => msgid === reply.msgid),
          );
        }
        assert.match(distinct[0]!.segments[0]!.content, /1007|铃铛/);
      });
    }

    for (const point of ['page.fetched', 'page.indexing', 'page.committed']) {
      test(`at ${point} of the first page leaves learning to be gone on with: every article once`, async () => {
        const appid = `wx_${point.replace('.', '_')}`;
        const first = await start(point);
        await Promise.allSettled([post(first!.url, '/api/wxmp/assistant/create', { appid, name: 'n' })]);
        assert.equal(await first!.ended, 'SIGKILL');

        const second = await start();
        await learned(second!.url, appid);
        assert.equal((await detail(second!.url, appid)).knowledges[0].doc_num, articles.length);
        await until('the notice is here', () => noticesOf(appid).length > 0);
        second!.kill('SIGTERM');
        assert.equal(await second!.ended, 0);
        assert.deepEqual(
          noticesOf(appid).map(({ eventType }) => eventType),
          [1],
        );
        assert.equal(await countPassages(database.url, appid), articles.length);
      });
    }

    for (const point of ['event.fetched', 'event.committed']) {
      test(`at ${point} leaves the event to be handled once: one document, one notice`, async () => {
        const appid = `wx_${point.replace('.', '_')}`;
        const first = await start(point);
        await post(first!.url, '/api/wxmp/assistant/create', { appid, name: 'n' });
        await learned(first!.url, appid);
        const articleId = `new-${point}`;
        wechat.state.messages.unshift(article(articleId, '新到的蓝色瓷瓶高九十厘米，摆在门厅。'));
        const event = { appid, event_type: 4, event_id: `e-${point}`, article_id: articleId, msgidx: 1 };
        await Promise.allSettled([post(first!.url, '/api/wxmp/article/event_notity', event)]);
        assert.equal(await first!.ended, 'SIGKILL');

        const second = await start();
        assert.equal((await post(second!.url, '/api/wxmp/article/event_notity', event)).errcode, 0);
        const about = () => noticesOf(appid).filter((notice) => notice.eventId === event.event_id);
        await until('the event is handled', () => about().length > 0);
        await notify(second!.url, appid, `${appid}-q`, '蓝色瓷瓶多高？');
        await until('the question is answered', () => repliesOf(appid).length === 1);
        second!.kill('SIGTERM');
        assert.equal(await second!.ended, 0);
        assert.equal(about().length, 1);
        assert.match(repliesOf(appid)[0]!.segments[0]!.content, /九十厘米/);
        wechat.state.messages.shift();
      });
    }
  });
}

async function countPassages(url: string, appid: string): Promise<number> {
  const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 5000 });
  const rows = await database.all(
    'select 1 from passage p join document d on d.document_id = p.document_id where d.appid = ?',
    [appid],
  );
  await database.close();
  return rows.length;
}
