import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { article, post, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const dayMs = 24 * 60 * 60 * 1000;

for (const { name: dialect } of dialects) {
  describe(`assistants on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, articles: [article('a1', '本馆的成人票是 168 元。')] });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database.close();
      await service.stop();
    });

    const call = (name: string, body: Record<string, unknown>) => service.call(`/api/wxmp/assistant/${name}`, body);
    const ok = async (name: string, body: Record<string, unknown>) => {
      const { errcode, errmsg, ...answer } = await call(name, body);
      assert.deepEqual([errcode, errmsg], [0, 'ok']);
      return answer;
    };
    const settings = async (appid: string, view?: number) => {
      const { name, description, system_promot: prompt } = await ok('detail', { appid, view });
      return [name, description, prompt];
    };
    const bases = async (appid: string, view?: number) => {
      const { knowledges } = await ok('detail', { appid, view });
      return knowledges.map(({ type, name }: { type: number; name: string }) => (type === 1 ? 'articles' : name));
    };
    const createBase = async (appid: string, name: string) =>
      (await service.call('/api/wxmp/knowledge/create', { appid, name })).knowledge_id;
    const consentAt = async (appid: string) => {
      const [row] = await database.all<{ consent_at: number | null; now: number }>(
        `select consent_at, ${database.dialect.now} now from assistant where appid = ?`,
        [appid],
      );
      return row!;
    };

    test('create answers with the status, and a detail shows settings, status and the articles base', async () => {
      const created = { appid: 'wx_create', name: '小海', description: '海洋馆的助手', system_promot: '依据文章回答' };
      assert.deepEqual(await ok('create', created), { status: 1 });
      await service.createLearned('wx_create'); // creating again applies its settings
      assert.deepEqual(await settings('wx_create'), ['助手', '', '']);
      assert.deepEqual(await ok('create', created), { status: 2 });
      const { knowledges, ...rest } = await ok('detail', { appid: 'wx_create' });
      assert.deepEqual(rest, { name: '小海', description: '海洋馆的助手', system_promot: '依据文章回答', status: 2 });
      const [{ knowledge_id, create_time, update_time, ...base }] = knowledges;
      assert.deepEqual([base, knowledges.length], [{ name: '', doc_num: 1, type: 1 }, 1]);
      assert.match(knowledge_id, /^kb_/);
      assert.ok(Math.abs(create_time - Date.now() / 1000) < 600 && update_time >= create_time);
    });

    test('update changes draft and online with version 0, the draft alone with 1; publish and revert copy', async () => {
      const appid = 'wx_versions';
      await ok('create', { appid, name: 'n0', description: 'd0', system_promot: 'p0' });
      await ok('update', { appid, name: 'n1', description: 'd1', system_prompt: 'p1' });
      assert.deepEqual(
        [await settings(appid), await settings(appid, 2)],
        [
          ['n1', 'd1', 'p1'],
          ['n1', 'd1', 'p1'],
        ],
      );
      await ok('update', { appid, name: 'n2', description: 'd2', system_promot: 'p2', version: 1 });
      assert.deepEqual(
        [await settings(appid, 1), await settings(appid, 2)],
        [
          ['n1', 'd1', 'p1'],
          ['n2', 'd2', 'p2'],
        ],
      );
      assert.deepEqual(await ok('publish', { appid }), {});
      assert.deepEqual(await settings(appid), ['n2', 'd2', 'p2']);
      await ok('update', { appid, name: 'n3', version: 1 });
      assert.deepEqual(await settings(appid, 2), ['n3', '', '']);
      const reverted = { description: 'd2', system_prompt: 'p2', custom_knowledge_ids: [] };
      assert.deepEqual(await ok('revert', { appid }), reverted);
      assert.deepEqual(await settings(appid, 2), ['n2', 'd2', 'p2']);
      // Both change nothing when the two agree.
      const before = await ok('detail', { appid });
      assert.deepEqual([await ok('publish', { appid }), await ok('revert', { appid })], [{}, reverted]);
      assert.deepEqual([await ok('detail', { appid }), await ok('detail', { appid, view: 2 })], [before, before]);
    });

    test('custom_knowledge_ids sets the list of the draft: a present empty one clears it, an absent one does not', async () => {
      const appid = 'wx_bases';
      await ok('create', { appid, name: 'n' });
      const one = await createBase(appid, 'one');
      const two = await createBase(appid, 'two');
      assert.deepEqual(
        [await bases(appid), await bases(appid, 2)],
        [
          ['articles', 'one', 'two'],
          ['articles', 'one', 'two'],
        ],
      );
      await ok('update', { appid, name: 'n', custom_knowledge_ids: [two] });
      assert.deepEqual(
        [await bases(appid), await bases(appid, 2)],
        [
          ['articles', 'one', 'two'],
          ['articles', 'two'],
        ],
      );
      await ok('update', { appid, name: 'm', version: 1 });
      assert.deepEqual(await bases(appid, 2), ['articles', 'two']);
      // Over Connect an empty list can't be told from an absent one: it takes the flag.
      const path = '/wxmp.assistant.v1.AssistantService/UpdateAssistant';
      await post(service.app.url, path, { appid, name: 'm', customKnowledgeIds: [] });
      assert.deepEqual(await bases(appid, 2), ['articles', 'two']);
      await post(service.app.url, path, { appid, name: 'm', setCustomKnowledgeIds: true });
      assert.deepEqual(await bases(appid, 2), ['articles']);
      const reverted = await ok('revert', { appid });
      assert.deepEqual(reverted.custom_knowledge_ids, [one, two]);
      await ok('update', { appid, name: 'm', custom_knowledge_ids: [] });
      assert.deepEqual([await bases(appid), await bases(appid, 2)], [['articles', 'one', 'two'], ['articles']]);
      await ok('publish', { appid });
      assert.deepEqual(await bases(appid), ['articles']);
      assert.deepEqual((await ok('revert', { appid })).custom_knowledge_ids, []);
    });

    test('a foreign, unknown or deleted base is refused, and nothing of that update is applied', async () => {
      await ok('create', { appid: 'wx_other', name: 'n' });
      const foreign = await createBase('wx_other', 'foreign');
      const appid = 'wx_own';
      await ok('create', { appid, name: 'before' });
      const own = await createBase(appid, 'own');
      const gone = await createBase(appid, 'gone');
      await service.call('/api/wxmp/knowledge/delete', { appid, knowledge_id: gone });
      const [articles] = (await ok('detail', { appid })).knowledges;
      for (const id of [foreign, gone, articles.knowledge_id, 'kb_nothing']) {
        const answer = await call('update', {
          appid,
          name: 'after',
          is_allow_pm_data: 1,
          custom_knowledge_ids: [own, id],
        });
        assert.equal(answer.errcode, 40401);
        assert.match(answer.errmsg, new RegExp(id));
      }
      assert.equal((await call('update', { appid, name: 'after', custom_knowledge_ids: [own, own] })).errcode, 40001);
      assert.deepEqual(await settings(appid, 2), ['before', '', '']);
      assert.deepEqual(await bases(appid, 2), ['articles', 'own']);
      assert.equal((await consentAt(appid)).consent_at, null);
    });

    test('is_allow_pm_data: 1 takes effect at 00:00 in Shanghai of the second day after, 2 at once, 0 changes nothing', async () => {
      const appid = 'wx_consent';
      await ok('create', { appid, name: 'n' });
      assert.equal((await consentAt(appid)).consent_at, null);
      await ok('update', { appid, name: 'n', is_allow_pm_data: 1 });
      const { consent_at, now } = await consentAt(appid);
      const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(now);
      assert.equal(consent_at, Date.parse(`${today}T00:00:00+08:00`) + 2 * dayMs);
      for (const more of [{ is_allow_pm_data: 0 }, {}]) {
        await ok('update', { appid, name: 'n', ...more });
        assert.equal((await consentAt(appid)).consent_at, consent_at);
      }
      // Said again, it is in effect no later.
      await database.run('update assistant set consent_at = ? where appid = ?', [consent_at - 30 * dayMs, appid]);
      await ok('update', { appid, name: 'n', is_allow_pm_data: 1 });
      assert.equal((await consentAt(appid)).consent_at, consent_at - 30 * dayMs);
      await ok('update', { appid, name: 'n', is_allow_pm_data: 2 });
      assert.equal((await consentAt(appid)).consent_at, null);
      await ok('update', { appid, name: 'n', is_allow_pm_data: 1 });
      assert.equal((await consentAt(appid)).consent_at, consent_at);
    });

    test('deleted: the last status again and again, all other calls 40401, and what was owed is not delivered', async () => {
      const appid = 'wx_delete';
      assert.equal((await call('delete', { appid })).errcode, 40401);
      await service.createLearned(appid);
      service.wechat.state.faults = [
        {
          method: 'v2recvaireply',
          kind: 'http',
          status: 503,
          errcode: 0,
          retryAfterSeconds: undefined,
          times: undefined,
        },
      ];
      const message = { appid, openid: 'u', msgid: 'owed', msg_type: 'text', text: { content: '成人票多少钱？' } };
      await service.call('/api/wxmp/message/notify', message);
      const explain = async () =>
        (await service.call('/api/wxmp/message/explain', { appid, msgid: 'owed' })).deliveries;
      await until('a delivery was tried', async () => (await explain())[0]?.attempts > 0);
      assert.deepEqual(await ok('delete', { appid }), { status: 2 });
      service.wechat.state.faults = [];
      assert.deepEqual(await ok('delete', { appid }), { status: 2 });
      for (const [path, body] of Object.entries({
        ...{
          'assistant/update': { name: 'n' },
          'assistant/detail': {},
          'assistant/publish': {},
          'assistant/revert': {},
        },
        ...{ 'knowledge/create': { name: 'n' }, 'knowledge/file/detail': {}, 'article/sync': {} },
        'article/event_notity': { event_id: 'e', event_type: 4, article_id: 'a1' },
        'message/notify': { ...message, msgid: 'late' },
        'message/list': { openid: 'u' },
      })) {
        assert.equal((await service.call(`/api/wxmp/${path}`, { appid, ...body })).errcode, 40401, path);
      }
      assert.equal((await explain())[0].state, 'cancelled');
      await service.createLearned('wx_after'); // what comes after is behind all that was owed
      assert.ok(!service.wechat.state.replies.some(({ msgid }) => msgid === 'owed'));
    });

    test('created again after a deletion: a fresh start, of settings, consent, bases and status', async () => {
      const appid = 'wx_again';
      await service.createLearned(appid);
      await ok('update', { appid, name: 'old', description: 'old', system_promot: 'old', is_allow_pm_data: 1 });
      const base = await createBase(appid, 'old base');
      await ok('update', { appid, name: 'draft', version: 1, custom_knowledge_ids: [base] });
      const [before] = (await ok('detail', { appid })).knowledges;
      await ok('delete', { appid });
      assert.deepEqual(await ok('create', { appid, name: 'new' }), { status: 1 });
      assert.deepEqual(
        [await settings(appid), await settings(appid, 2)],
        [
          ['new', '', ''],
          ['new', '', ''],
        ],
      );
      assert.deepEqual([await bases(appid), await bases(appid, 2)], [['articles'], ['articles']]);
      assert.notEqual((await ok('detail', { appid })).knowledges[0].knowledge_id, before.knowledge_id);
      assert.equal((await consentAt(appid)).consent_at, null);
      const rename = await service.call('/api/wxmp/knowledge/update', { appid, knowledge_id: base, name: 'x' });
      assert.equal(rename.errcode, 40401);
      await until('it has learned anew', async () => (await ok('detail', { appid })).status === 2);
    });
  });
}
