import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { runPrune } from '../support/pruning.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const dayMs = 24 * 60 * 60 * 1000;
const articles = [article('a1', '本馆的成人票是 168 元。'), article('a2', '企鹅馆的室温是三摄氏度。')];

for (const { name: dialect } of dialects) {
  describe(`an assistant that is created again before the job has run, on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, articles, env: { BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' } });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database.close();
      await service.stop();
    });
    const call = async (path: string, body: object) => {
      const answer = await service.call(`/api/wxmp/${path}`, body);
      assert.equal(answer.errcode, 0, answer.errmsg);
      return answer;
    };
    const message = (appid: string, openid: string, msgid: string, content = '成人票多少钱？') => {
      return { appid, openid, msgid, msg_type: 'text', text: { content } };
    };
    const repliesTo = (openid: string) => service.wechat.state.replies.filter((reply) => reply.openid === openid);
    /** What was told until now is known to be all. */
    const isIdle = async () => {
      const held = ['lane', 'conversation', 'learning'].map(
        (table) => `select 1 from ${table} where lease_token is not null or due_at is not null`,
      );
      return (await database.all(held.join(' union all '))).length === 0;
    };
    const recreate = async (appid: string) => {
      await call('assistant/delete', { appid });
      await service.createLearned(appid);
      const consent = `update assistant set consent_at = ${database.dialect.now} - ? where appid = ?`;
      await database.run(consent, [dayMs, appid]); // new messages live long
    };

    test('answers a msgid of before once, and the job leaves nothing of what users said before', async () => {
      const appid = 'wx_again';
      const openid = 'user_before';
      await service.createLearned(appid);
      await service.ask(appid, openid, 'm1', '水獭先生问成人票多少钱？');
      await until('all is quiet', isIdle);
      const fault = { method: 'v2recvaireply', kind: 'http', status: 503, errcode: 0 } as const;
      service.wechat.state.faults = [{ ...fault, retryAfterSeconds: undefined, times: undefined }];
      await call('message/notify', message(appid, openid, 'm2', '水獭先生又问成人票多少钱？'));
      await until('a reply waits', async () => {
        return (await database.all("select 1 from dispatch where state = 'pending' and started > 0")).length === 1;
      });
      await call('message/notify', { ...message(appid, openid, 'm1'), is_debug: 1 });
      await recreate(appid);
      service.wechat.state.faults = [];

      const said = await Promise.all([
        ...Array.from({ length: 4 }, () => call('message/notify', message(appid, 'user_after', 'm1'))),
        call('message/notify', message(appid, 'user_after', 'm2')),
      ]);
      assert.equal(said.length, 5);
      await until('both are answered', () => repliesTo('user_after').length >= 2);
      await call('message/notify', message(appid, 'user_after', 'm1'));
      const other = await service.call('/api/wxmp/message/notify', message(appid, 'user_after', 'm2', '别的问题'));
      assert.equal(other.errcode, 40901);
      await until('all is quiet', isIdle);
      assert.deepEqual(
        repliesTo('user_after')
          .map(({ msgid }) => msgid)
          .toSorted(),
        ['m1', 'm2'],
      );
      assert.equal(repliesTo(openid).length, 1, 'what was cancelled stays so');

      const list = { appid, openid: 'user_after' };
      const { messages } = await call('message/list', list);
      assert.equal(messages.length, 4);
      assert.ok((await findInTables(database, [openid, '水獭先生'])).length > 3);
      await runPrune(database);
      assert.deepEqual(await findInTables(database, [openid, '水獭先生']), []);
      assert.deepEqual((await call('message/list', list)).messages, messages);
      for (const msgid of ['m1', 'm2']) {
        const { answer, deliveries, explanation } = await call('message/explain', { appid, msgid });
        assert.match(answer, /168/);
        assert.equal(deliveries[0].state, 'delivered');
        assert.ok(explanation);
      }
      await call('message/notify', message(appid, 'user_after', 'm1'));
      await until('all is quiet', isIdle);
      assert.equal(repliesTo('user_after').length, 2, 'a repeat is one after the job, too');
    });

    test('a reply of before that an operator has sent again is owed until it is delivered', async () => {
      const appid = 'wx_owed_again';
      await service.createLearned(appid);
      await service.ask(appid, 'user_owed', 'm1', '成人票多少钱？');
      await until('all is quiet', isIdle);
      await recreate(appid);
      await call('message/notify', message(appid, 'user_next', 'm1'));
      await until('it is answered', () => repliesTo('user_next').length === 1);
      await until('all is quiet', isIdle);
      const setState = (from: string, to: string) =>
        database.run(
          `update dispatch set state = ? where state = ? and message_id in
            (select message_id from message where openid = 'user_owed')`,
          [to, from],
        );
      assert.equal(await setState('delivered', 'pending'), 1);
      await runPrune(database);
      assert.ok((await findInTables(database, ['user_owed'])).includes('dispatch.payload'));
      assert.ok((await findInTables(database, ['user_owed'])).includes('message.openid'));
      assert.equal(await setState('pending', 'delivered'), 1);
      await runPrune(database);
      assert.deepEqual(await findInTables(database, ['user_owed']), []);
    });

    test('an event id of before is new, and what it does is told, before the job and after it', async () => {
      const appid = 'wx_events_again';
      const ban = (event_id: string, article_id = 'a1') =>
        service.call('/api/wxmp/article/event_notity', { appid, event_id, event_type: 7, article_id, msgidx: 0 });
      const told = (eventId: string) => service.wechat.state.notices.filter((notice) => notice.eventId === eventId);
      /** Sends it twice, and waits until it was told for the nth time. */
      const handle = async (eventId: string, nth: number) => {
        assert.deepEqual(await ban(eventId), { errcode: 0, errmsg: 'ok' });
        await until(`${eventId} is told`, () => told(eventId).length === nth);
        assert.deepEqual(await ban(eventId), { errcode: 0, errmsg: 'ok' });
        await until('all is quiet', isIdle);
        assert.equal(told(eventId).length, nth);
      };
      await service.createLearned(appid);
      await handle('e1', 1);
      await handle('e2', 1);
      await recreate(appid);
      const asked = await service.ask(appid, 'user', 'b1', '成人票多少钱？');
      assert.match(asked.text, /168/, 'a fresh start: the ban is forgotten');
      await handle('e1', 2);
      const { text } = await service.ask(appid, 'user', 'b2', '成人票多少钱？');
      assert.doesNotMatch(text, /168/);
      await runPrune(database);
      await handle('e2', 2);
      await handle('e1', 2);
      for (const eventId of ['e1', 'e2']) assert.equal((await ban(eventId, 'a2')).errcode, 40901);
    });
  });
}
