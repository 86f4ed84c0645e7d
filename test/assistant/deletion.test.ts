import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { scopeKey } from '../../src/message/channel.ts';
import { insertMessage, takeNextIndex } from '../../src/message/store.ts';
import { dialects } from '../support/databases.ts';
import { runPrune } from '../support/pruning.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_deleted_one';
const other = 'wx_other_one';
const articles = [article('a1', '本馆的成人票是 168 元。'), article('a2', '企鹅馆的室温是三摄氏度。')];

for (const { name: dialect } of dialects) {
  describe(`deleting an assistant on ${dialect}`, () => {
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
    const notify = (to: string, msgid: string) => {
      const text = { content: '成人票多少钱？' };
      return call('message/notify', { appid: to, openid: 'user', msgid, msg_type: 'text', text });
    };
    const states = async (table: string, of: string) => {
      const rows = await database.all<{ state: string; reason: string | null }>(
        `select state, ${table === 'message' ? 'null' : 'reason'} reason from ${table} where appid = ?`,
        [of],
      );
      return [...new Set(rows.map(({ state, reason }) => `${state}: ${reason ?? ''}`))].sort();
    };
    const isIdle = async () => {
      const held = ['lane', 'conversation', 'learning'].map(
        (table) => `select 1 from ${table} where lease_token is not null or due_at is not null`,
      );
      return (await database.all(held.join(' union all '))).length === 0;
    };
    const use = async (of: string) => {
      await service.createLearned(of);
      const settings = {
        appid: of,
        name: '别的名字',
        description: '说明',
        system_promot: '提示词',
        is_allow_pm_data: 1,
      };
      await call('assistant/update', settings);
      await call('assistant/expert/set', { appid: of, expert: { kind: 1, threshold: 0.9 } });
      await call('knowledge/create', { appid: of, name: '手册' });
      await call('article/event_notity', { appid: of, event_id: 'e1', event_type: 7, article_id: 'a1', msgidx: 0 });
      await until('the ban is handled', async () => (await call('assistant/detail', { appid: of })).status === 4);
      await notify(of, 'm1');
      await until('it is answered', () => service.wechat.state.replies.some((reply) => reply.msgid === 'm1'));
      service.wechat.state.replies.length = 0;
      await database.insert('token_use', [{ appid: of, day: 30_000, tokens: 7 }]);
    };

    test('cancels all that is pending, and says why; what another account waits for is delivered', async () => {
      await use(appid);
      await use(other);
      const fault = { kind: 'http', status: 503, errcode: 0, retryAfterSeconds: undefined, times: undefined } as const;
      service.wechat.state.faults = [{ ...fault, method: '*' }];
      for (const each of [appid, other]) {
        await notify(each, 'm2');
        await call('article/event_notity', { appid: each, event_id: 'e2', event_type: 5, article_id: 'a1', msgidx: 0 });
      }
      await until('both replies wait', async () => {
        const sql = "select 1 from dispatch where state = 'pending' and started > 0";
        return (await database.all(sql)).length === 2;
      });
      await call('assistant/delete', { appid });
      assert.deepEqual(await states('dispatch', appid), ['cancelled: the assistant was deleted', 'delivered: ']);
      assert.deepEqual(await states('message', appid), ['answered: ']);
      assert.ok((await states('article_event', appid)).every((state) => !state.startsWith('pending')));
      service.wechat.state.faults = [];
      await until('the other account is served', () => service.wechat.state.replies.length === 1);
      await until('all is quiet', isIdle);
      assert.equal(service.wechat.state.replies[0]!.msgid, 'm2');
      assert.deepEqual(await states('dispatch', other), ['delivered: ']);
    });

    test('a question that got through all the same, as on another node of a cluster, is not answered', async () => {
      const said = { openid: 'user', msgType: 'text', content: '成人票多少钱？', mediaId: null, mediaFormat: null };
      await database.tx(async (tx) => {
        const at = await takeNextIndex(tx, { appid, scopeKey: scopeKey(1, 'live', 'user') });
        await insertMessage(tx, at, { ...said, appid, channel: 'live', msgid: 'late', payloadHash: '' });
      });
      const late = "select state from message where appid = ? and msgid = 'late'";
      await until('it has ended', async () => {
        const [row] = await database.all<{ state: string }>(late, [appid]);
        return row?.state !== 'pending';
      });
      assert.deepEqual(await states('message', appid), ['answered: ', 'cancelled: ']);
      await until('all is quiet', isIdle);
      assert.ok(!service.wechat.state.replies.some(({ msgid }) => msgid === 'late'));
    });

    test('leaves nothing after the next run of the job but the row that remembers it', async () => {
      const before = await findInTables(database, [other]);
      await database.run("update lane set appid = '' where appid = ?", [appid]); // as the release before made them
      await runPrune(database);
      assert.deepEqual(await findInTables(database, [appid]), ['assistant.appid']);
      assert.deepEqual(await findInTables(database, [other]), before);
      const purged = 'select 1 from assistant where appid = ? and purged_at >= deleted_at';
      assert.equal((await database.all(purged, [appid])).length, 1);
      const { status } = await call('assistant/delete', { appid });
      assert.equal(status, 3, 'deleted before: no error, and the last status');
      await runPrune(database);
    });

    test('lets the account begin afresh', async () => {
      await service.createLearned(appid);
      const detail = await call('assistant/detail', { appid });
      assert.equal(detail.name, '助手');
      assert.deepEqual([detail.description, detail.system_promot], ['', '']);
      assert.equal(detail.knowledges.length, 1);
      assert.equal((await call('assistant/expert/get', { appid })).expert.threshold, undefined);
      const [row] = await database.all<{ consent_at: number | null; incarnation: number }>(
        'select consent_at, incarnation from assistant where appid = ?',
        [appid],
      );
      assert.deepEqual({ ...row }, { consent_at: null, incarnation: 2 });
      assert.deepEqual((await call('message/list', { appid, openid: 'user' })).messages, []);
      // The ban is forgotten, and the ids of messages and events are new.
      const { text } = await service.ask(appid, 'user', 'm3', '成人票多少钱？');
      assert.match(text, /168/);
      await notify(appid, 'm1');
      await until('it is answered', () => service.wechat.state.replies.some((reply) => reply.msgid === 'm1'));
      await call('article/event_notity', { appid, event_id: 'e1', event_type: 5, article_id: 'a2', msgidx: 0 });
      const { messages } = await call('message/list', { appid, openid: 'user' });
      assert.equal(messages[0].text.index, 1);
      await call('assistant/delete', { appid });
      await until('all is quiet', isIdle);
      await runPrune(database);
      assert.deepEqual(await findInTables(database, [appid]), ['assistant.appid'], 'it is purged a second time');
    });
  });
}
