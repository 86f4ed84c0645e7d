import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { toConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { publish } from '../../src/sandbox/wechat-state.ts';
import { type Accounts, startAccounts } from '../support/accounts.ts';
import { itemWith, messageWith, series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { finds } from '../support/search.ts';
import { post, startService, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`comparing with the WeChat side, on ${dialect}`, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({ dialect, env: { LEARN_WORKERS: '4' } });
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(path, body);
    const sync = async (appid: string) => assert.equal((await call('/api/wxmp/article/sync', { appid })).errcode, 0);
    const statusOf = async (appid: string) => (await call('/api/wxmp/assistant/detail', { appid })).status;
    const stateOf = async (appid: string, article_id: string, msgidx = 1) => {
      const answer = await call('/api/wxmp/knowledge/file/detail', { appid, articles: [{ article_id, msgidx }] });
      return answer.files[0]?.file_rag_status;
    };
    const visible = async (appid: string, words: string[]) => {
      const seen = await Promise.all(words.map((word) => finds(accounts.service, appid, word)));
      return words.filter((_, at) => seen[at]);
    };
    /** Runs statements on the service's database. */
    const onDatabase = async (sql: string) => {
      const database = openDatabase({ url: accounts.service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      await database.run(sql);
      await database.close();
    };

    test('it finds what no event told of, tells nobody, and leaves the status alone', async () => {
      const three = messageWith('three', 'partone', 'parttwo', 'partthree');
      const account = await accounts.open('wx_sync', [...series('kept', 22), three, messageWith('gone', 'goneword')]);
      const { appid, wechat } = account;
      await accounts.service.createLearned(appid);
      await call('/api/wxmp/article/event_notity', {
        ...{ appid, event_id: 'ban', event_type: 7, article_id: 'kept2', msgidx: 0 },
      });
      await until('the ban is told', () => account.noticed().length === 2);
      assert.equal(await statusOf(appid), 4);

      publish(wechat.state, messageWith('added', 'addedword'));
      publish(wechat.state, messageWith('kept1', 'changedword'));
      publish(wechat.state, messageWith('kept2', 'stillbanned'));
      publish(wechat.state, { ...three, items: [itemWith('partone'), itemWith('parttwo', { isDeleted: true })] });
      wechat.state.messages = wechat.state.messages.filter(({ articleId }) => articleId !== 'gone');
      const statuses = new Set<number>();
      await sync(appid);
      await until('the deletions are found', async () => {
        statuses.add(await statusOf(appid));
        return (await stateOf(appid, 'gone')) === 8 && (await stateOf(appid, 'three', 3)) === 8;
      });
      assert.deepEqual(
        await visible(appid, [
          'addedword',
          'changedword',
          'keptw1',
          'stillbanned',
          'partone',
          'parttwo',
          'partthree',
          'goneword',
          'keptw22',
        ]),
        ['addedword', 'changedword', 'partone', 'keptw22'],
      );
      assert.deepEqual([...statuses], [4]);
      assert.deepEqual(account.noticed(), [1, 7]);
      assert.equal((await call('/api/wxmp/assistant/list', {})).assistants[0].doc_num, 22 + 1 + 1);
    });

    test('nothing is deleted because a list is cut short, or because looking an article up fails', async () => {
      const account = await accounts.open('wx_partial', series('part', 6));
      const { appid, wechat } = account;
      await accounts.service.createLearned(appid);
      publish(wechat.state, messageWith('found', 'foundword'));
      wechat.state.messages = wechat.state.messages.filter(({ articleId }) => articleId !== 'part6');
      let isMended = false;
      const lookedUp = new Set<string>();
      account.answer = async ({ method, body }, forward) => {
        if (method !== 'getbizpublishlist') return forward();
        if (body.fetch_type === 1) {
          if (!isMended) return { errcode: -1, errmsg: 'busy', item_count: 0, item: [] };
          lookedUp.add(body.article_id);
          return forward();
        }
        const page = (await (await forward({ ...body, count: 2 })).json()) as object;
        return { ...page, next_offset: 0 };
      };
      await sync(appid);
      await until('the first is looked up', () => account.calls.some(({ body }) => body.fetch_type === 1));
      assert.equal(await statusOf(appid), 2, 'what is looked up is no update that anybody asked for');
      const [listed] = (await call('/api/wxmp/assistant/list', { page_size: 200 })).assistants.filter(
        (each: { appid: string }) => each.appid === appid,
      );
      assert.deepEqual([listed.status, listed.doc_num], [2, 7]);
      isMended = true;
      await until('what is gone is found', async () => (await stateOf(appid, 'part6')) === 8);
      await until('all that were not listed are looked up', () => lookedUp.size === 5);
      const words = ['partw1', 'partw2', 'partw3', 'partw4', 'partw5', 'partw6', 'foundword'];
      assert.deepEqual(await visible(appid, words), [...words.slice(0, 5), 'foundword']);
      assert.deepEqual(account.noticed(), [1]);
      assert.equal(await statusOf(appid), 2);
    });

    test('a list that fails in the middle deletes nothing, and is read to its end when it is back', async () => {
      const account = await accounts.open('wx_broken', series('brok', 5));
      const { appid } = account;
      await accounts.service.createLearned(appid);
      publish(account.wechat.state, messageWith('late', 'lateword'));
      account.wechat.state.messages.push(account.wechat.state.messages.shift()!);
      let isMended = false;
      account.answer = ({ method, body }, forward) => {
        if (method === 'getbizpublishlist' && body.offset >= 2 && !isMended) return new Response('{}', { status: 500 });
        return forward(method === 'getbizpublishlist' ? { ...body, count: 2 } : body);
      };
      await sync(appid);
      await until('it has failed', () => account.pages().filter(({ offset }) => offset === 2).length > 1);
      const words = [1, 2, 3, 4, 5].map((number) => `brokw${number}`);
      assert.deepEqual(await visible(appid, [...words, 'lateword']), words);
      isMended = true;
      await until('the end is reached', () => finds(accounts.service, appid, 'lateword'));
      assert.deepEqual(await visible(appid, words), words);
      assert.ok(!account.calls.some(({ body }) => body.fetch_type === 1), 'nothing was missing');
    });

    test('the job compares by itself and marks what hangs in state 3 as 7; should it be learned after all, it is 5', async () => {
      const account = await accounts.open('wx_job', series('job', 2));
      const { appid } = account;
      await accounts.service.createLearned(appid);
      account.answer = ({ body }, forward) => (body.fetch_type === 1 ? new Response('{}', { status: 500 }) : forward());
      const event = { appid, event_id: 'hangs', event_type: 4, article_id: 'hanging', msgidx: 1 };
      await call('/api/wxmp/article/event_notity', event);
      assert.equal(await stateOf(appid, 'hanging'), 3);
      await accounts.service.stopApp();
      await onDatabase('update document set updated_at = updated_at - 3600001 where state = 3');
      await accounts.service.restartApp({ SYNC_CRON: '* * * * * *', LEARN_TIMEOUT_MINUTES: '60' });
      await until('it is marked', async () => (await stateOf(appid, 'hanging')) === 7);
      publish(account.wechat.state, messageWith('unheard', 'unheardword'));
      await until('the job finds what is new', () => finds(accounts.service, appid, 'unheardword'));
      publish(account.wechat.state, messageWith('hanging', 'hangingword'));
      account.answer = undefined;
      await until('it is learned', async () => (await stateOf(appid, 'hanging')) === 5);
      assert.ok(await finds(accounts.service, appid, 'hangingword'));
      await until('its end is told', () => account.noticed().length === 2);
      assert.deepEqual(account.noticed(), [1, 4]);
    });

    test('two processes on one database: the job runs once per slot', async (t) => {
      const database = await dialects.find(({ name }) => name === dialect)!.create();
      const runs: string[] = [];
      const replica = (name: string) => {
        const write = (line: string) => {
          const { task, msg } = JSON.parse(line);
          if (task === 'sync' && msg === 'scheduled job ran') runs.push(name);
        };
        const env = { ...testEnv(database.url, accounts.service.wechat.url), SYNC_CRON: '* * * * * *' };
        return startApp({ config: toConfig(env), logger: createLogger('info', { write }) });
      };
      const startMs = Date.now();
      const replicas = await Promise.all([replica('one'), replica('two')]);
      t.after(async () => {
        await Promise.all(replicas.map((app) => app.stop()));
        await database.drop();
      });
      await until('some slots are over', () => runs.length >= 4);
      const slots = Math.floor(Date.now() / 1000) - Math.floor(startMs / 1000);
      assert.ok(runs.length <= slots, `${runs.length} runs in ${slots} slots: ${runs}`);
    });
  });
}

test('SyncArticles of an unknown account is 40401, and 40901 where there is no WeChat side', async (t) => {
  const service = await startService({ env: { BIZCOMM_URL: '' } });
  t.after(() => service.stop());
  const path = '/api/wxmp/article/sync';
  assert.equal((await post(service.app.url, path, { appid: 'wx_nobody' })).errcode, 40401);
  assert.equal((await service.call('/api/wxmp/assistant/create', { appid: 'wx_alone', name: 'n' })).status, 2);
  const answer = await service.call(path, { appid: 'wx_alone' });
  assert.equal(answer.errcode, 40901);
  assert.match(answer.errmsg, /BIZCOMM_URL/);
});
