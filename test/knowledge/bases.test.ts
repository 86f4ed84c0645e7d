import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { type Accounts, startAccounts } from '../support/accounts.ts';
import { series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`file knowledge bases on ${dialect}`, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({ dialect });
      for (const appid of ['wx_one', 'wx_two']) {
        await accounts.open(appid, []);
        await accounts.service.createLearned(appid);
      }
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(`/api/wxmp/${path}`, body);
    const create = async (appid: string, name: string): Promise<string> => {
      const answer = await call('knowledge/create', { appid, name });
      assert.equal(answer.errcode, 0, answer.errmsg);
      return answer.knowledge_id;
    };
    const bases = async (appid: string, view = 1) => {
      const { knowledges } = await call('assistant/detail', { appid, view });
      return knowledges
        .map(({ type, name, knowledge_id }: Record<string, unknown>) => [type, name, knowledge_id])
        .slice(1);
    };

    test('a new base is bound to both configurations; update renames it; delete unbinds it, again and again', async () => {
      const appid = 'wx_one';
      const first = await create(appid, '说明书');
      const second = await create(appid, '价目');
      assert.deepEqual(await bases(appid), [
        [2, '说明书', first],
        [2, '价目', second],
      ]);
      assert.deepEqual(await bases(appid, 2), await bases(appid));
      assert.deepEqual(await call('knowledge/update', { appid, knowledge_id: first, name: '手册' }), {
        errcode: 0,
        errmsg: 'ok',
      });
      assert.deepEqual(await bases(appid, 2), [
        [2, '手册', first],
        [2, '价目', second],
      ]);
      for (let times = 0; times < 2; times++) {
        assert.deepEqual(await call('knowledge/delete', { appid, knowledge_id: first }), { errcode: 0, errmsg: 'ok' });
      }
      assert.deepEqual([await bases(appid), await bases(appid, 2)], [[[2, '价目', second]], [[2, '价目', second]]]);
      assert.equal((await call('knowledge/update', { appid, knowledge_id: first, name: 'x' })).errcode, 40401);
      assert.equal(
        (await call('knowledge/file/detail', { appid, knowledge_id: first, file_ids: ['f'] })).errcode,
        40401,
      );
    });

    test("another account's base is as unknown as one that never was, and so is the articles' base", async () => {
      const foreign = await create('wx_two', 'foreign');
      const articles = (await call('assistant/detail', { appid: 'wx_one' })).knowledges[0].knowledge_id;
      const file = {
        event_id: 'e',
        file_id: 'f',
        file_cos_url: 'https://files.example/f',
        file_name: 'f.txt',
        file_type: 'TXT',
      };
      for (const knowledge_id of [foreign, articles, 'kb_never']) {
        for (const [path, body] of Object.entries({
          ...{
            'knowledge/update': { name: 'mine' },
            'knowledge/delete': {},
            'knowledge/file/detail': { file_ids: ['f'] },
          },
          'article/event_notity': { ...file, event_type: 9 },
          'article/event_notify': { ...file, event_type: 12 },
        })) {
          const answer = await call(path, { appid: 'wx_one', knowledge_id, ...body });
          assert.equal(answer.errcode, 40401, `${path} ${knowledge_id}`);
          assert.match(answer.errmsg, new RegExp(knowledge_id));
        }
      }
      assert.deepEqual(await bases('wx_two'), [[2, 'foreign', foreign]]);
      assert.equal((await call('knowledge/create', { appid: 'wx_nobody', name: 'n' })).errcode, 40401);
    });

    test('an account has at most as many bases as a configuration can name: then 42901', async () => {
      const appid = 'wx_full';
      await accounts.open(appid, []);
      await call('assistant/create', { appid, name: 'n' });
      const ids = await Promise.all(Array.from({ length: 100 }, (_, at) => create(appid, `base ${at}`)));
      const refused = await call('knowledge/create', { appid, name: 'one more' });
      assert.deepEqual([refused.errcode, refused.retry_after], [42901, 3600]);
      assert.equal((await call('assistant/update', { appid, name: 'n', custom_knowledge_ids: ids })).errcode, 0);
      await call('knowledge/delete', { appid, knowledge_id: ids[0] });
      await create(appid, 'one more');
    });

    test('event 12 deletes the base with its files and is told to nobody; a repeat and a late event 10 are no error', async () => {
      const appid = 'wx_event12';
      const account = await accounts.open(appid, []);
      await accounts.service.createLearned(appid);
      const knowledge_id = await create(appid, 'by event');
      const kept = await create(appid, 'kept');
      const notify = (event_id: string, event_type: number, more = {}) =>
        call('article/event_notity', { appid, event_id, event_type, knowledge_id, ...more });
      const file = {
        file_id: 'f1',
        file_cos_url: `${account.wechat.url}/files/none`,
        file_name: 'f.txt',
        file_type: 'TXT',
      };
      await notify('add', 9, file);
      await until('the file is told', () => account.noticed().length === 2);
      assert.equal((await notify('delete', 12)).errcode, 0);
      await until('it is gone', async () => (await bases(appid)).length === 1);
      assert.deepEqual([await bases(appid), await bases(appid, 2)], [[[2, 'kept', kept]], [[2, 'kept', kept]]]);
      for (const answer of [
        ...[await notify('delete', 12), await notify('delete-2', 12), await notify('late', 10, { file_id: 'f1' })],
        await call('knowledge/delete', { appid, knowledge_id }),
      ]) {
        assert.equal(answer.errcode, 0, answer.errmsg);
      }
      assert.equal((await notify('add-late', 9, file)).errcode, 40401);
      // What comes after in the account's lane is behind whatever was told.
      await call('article/event_notity', { appid, event_id: 'last', event_type: 6, article_id: 'a', msgidx: 0 });
      await until('the last is told', () => account.noticed().includes(6));
      assert.deepEqual(account.noticed(), [1, 9, 6]);
    });

    test("update_time is that of the base's last change: a rename, and a document learned, changed, banned or deleted", async () => {
      const appid = 'wx_times';
      const account = await accounts.open(appid, series('time', 2));
      await accounts.service.createLearned(appid);
      const base = await create(appid, 'files');
      const database = openDatabase({ url: accounts.service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const times = async () =>
        (await call('assistant/detail', { appid })).knowledges.map(
          ({ update_time: at }: { update_time: number }) => at,
        );
      const makeOld = async () => {
        for (const table of ['knowledge', 'document']) {
          await database.run(`update ${table} set updated_at = 5000 where appid = ?`, [appid]);
        }
        assert.deepEqual(await times(), [5, 5]);
      };
      await makeOld();
      await call('knowledge/update', { appid, knowledge_id: base, name: 'renamed' });
      assert.equal((await times())[0], 5);
      assert.ok((await times())[1] > 1_700_000_000);
      for (const [event_id, event_type] of Object.entries({ ban: 7, lift: 8, remove: 6, add: 4 })) {
        await makeOld();
        await call('article/event_notity', { appid, event_id, event_type, article_id: 'time1', msgidx: 1 });
        await until(`${event_id} is told`, () => account.noticed().includes(event_type));
        assert.ok((await times())[0] > 1_700_000_000, event_id);
        assert.equal((await times())[1], 5);
      }
      await makeOld();
      await call('article/sync', { appid }); // finds nothing new
      await until('the list was read', () => account.pages().length === 2);
      const sql = "select 1 from learning where appid = ? and phase <> 'idle'";
      await until('the comparison is over', async () => (await database.all(sql, [appid])).length === 0);
      assert.deepEqual(await times(), [5, 5]);
      await database.close();
    });
  });
}
