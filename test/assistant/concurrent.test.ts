import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockAssistant, markDeleted } from '../../src/assistant/store.ts';
import { openDatabase } from '../../src/db/database.ts';
import { series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`many calls on one assistant at once, on ${dialect}`, () => {
    let service: Service;
    before(async () => {
      service = await startService({ dialect, articles: series('many', 3) });
    });
    after(() => service.stop());

    const call = (name: string, appid: string, more = {}) =>
      service.call(`/api/wxmp/assistant/${name}`, { appid, name: '助手', ...more });
    const learned = (appid: string) => until('it has learned', async () => (await call('detail', appid)).status === 2);
    /** Bases of the account that are not deleted, by their type. */
    const livingBases = async (appid: string) => {
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const sql = 'select type from knowledge where appid = ? and deleted_at is null';
      const rows = await database.all<{ type: number }>(sql, [appid]);
      await database.close();
      return rows.map(({ type }) => type);
    };
    const noticesOf = (appid: string) => service.wechat.state.notices.filter((notice) => notice.appid === appid);

    test('twenty creates make one assistant with one base, which learns once', async () => {
      const appid = 'wx_twenty';
      const answers = await Promise.all(Array.from({ length: 20 }, () => call('create', appid)));
      assert.deepEqual(new Set(answers.map(({ errcode }) => errcode)), new Set([0]));
      assert.ok(answers.every(({ status }) => status === 1 || status === 2));
      await learned(appid);
      assert.deepEqual(await livingBases(appid), [1]);
      assert.equal((await call('detail', appid)).knowledges[0].doc_num, 3);
      await until('it is told', () => noticesOf(appid).length > 0);
      assert.equal(noticesOf(appid).length, 1);
    });

    test('creates and deletes that mix end in either state, whole; a create after them works', async () => {
      const appid = 'wx_mixed';
      await call('create', appid);
      for (let round = 0; round < 3; round++) {
        const names = Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? 'delete' : 'create'));
        const answers = await Promise.all(names.map((name) => call(name, appid)));
        assert.deepEqual(new Set(answers.map(({ errcode }) => errcode)), new Set([0]));
        const { errcode, knowledges } = await call('detail', appid);
        assert.deepEqual(await livingBases(appid), errcode === 0 ? [1] : []);
        if (errcode === 0) assert.equal(knowledges.length, 1);
        else assert.equal(errcode, 40401);
      }
      await call('create', appid);
      await learned(appid);
      assert.deepEqual(await livingBases(appid), [1]);
      assert.equal((await call('detail', appid)).knowledges[0].doc_num, 3);
    });

    test('what comes while the assistant is being deleted waits for that, and is refused', async () => {
      const appid = 'wx_leaving';
      await call('create', appid);
      await learned(appid);
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const message = { appid, openid: 'u', msgid: 'm', msg_type: 'text', text: { content: '成人票多少钱？' } };
      const event = { appid, event_type: 5, event_id: 'e', article_id: 'many-1', msgidx: 0 };
      const accepted: number[] = [];
      const sent: Promise<number>[] = [];
      await database.tx(async (tx) => {
        await lockAssistant(tx, appid);
        await markDeleted(tx, appid, 2);
        for (const [path, body] of [
          ['message/notify', message],
          ['article/event_notify', event],
        ] as const) {
          sent.push(service.call(`/api/wxmp/${path}`, body).then(({ errcode }) => errcode));
          void sent.at(-1)!.then((errcode) => accepted.push(errcode));
        }
        await sleep(300); // time to be accepted in, by the state before
      });
      await database.close();
      assert.deepEqual(await Promise.all(sent), [40401, 40401]);
      assert.deepEqual(accepted, [40401, 40401]);
    });

    test('updates, publishes and reverts at once leave one of the configurations, not a mixture', async () => {
      const appid = 'wx_updates';
      await call('create', appid, { name: 'n', description: 'n', system_promot: 'n' });
      const changes = Array.from({ length: 8 }, (_, at) =>
        call('update', appid, { name: `n${at}`, description: `n${at}`, system_promot: `n${at}`, version: at % 2 }),
      );
      const copies = Array.from({ length: 8 }, (_, at) => call(at % 2 === 0 ? 'publish' : 'revert', appid));
      const answers = await Promise.all([...changes, ...copies]);
      assert.deepEqual(new Set(answers.map(({ errcode }) => errcode)), new Set([0]));
      for (const view of [1, 2]) {
        const { name, description, system_promot } = await call('detail', appid, { view });
        assert.deepEqual([description, system_promot], [name, name]);
      }
    });
  });
}
