import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type Account, type Accounts, startAccounts } from '../support/accounts.ts';
import { messageWith } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { finds } from '../support/search.ts';
import type { Answer } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 180_000 };
const notify = '/api/wxmp/message/notify';
const events = '/api/wxmp/article/event_notify';
const limit = 20;

for (const { name: dialect } of dialects) {
  describe(`with the backlog full, on ${dialect}`, () => {
    let accounts: Accounts;
    let flood: Account;
    let other: Account;
    let database: Database;
    let llm: FakeLlm;
    let knowledgeId: string;
    before(async () => {
      llm = await startFakeLlm(sendPieces(['好的。[1]']));
      const env = {
        ...{ BACKLOG_QUESTIONS: String(limit), BACKLOG_EVENTS: String(limit), REQUEST_TIMEOUT_MS: '60000' },
        ...{ LLM_BASE_URL: llm.url, LLM_MODEL: 'm' },
      };
      accounts = await startAccounts({ dialect, env });
      flood = await accounts.open('wx_flood', [messageWith('a1', 'oneword'), messageWith('a2', 'twoword')]);
      other = await accounts.open('wx_other', [messageWith('b1', 'oneword')]);
      for (const { appid } of [flood, other]) await accounts.service.createLearned(appid);
      const created = await call('/api/wxmp/knowledge/create', { appid: flood.appid, name: '文件' });
      knowledgeId = created.knowledge_id;
      database = openDatabase({ url: accounts.service.databaseUrl, poolSize: 1, queryTimeoutMs: 60_000 });
    });
    after(async () => {
      await database?.close();
      await accounts?.stop();
      await llm?.close();
    });

    const call = (path: string, body: unknown): Promise<Answer> => accounts.service.call(path, body);
    let sent = 0;
    /** Sends until it is refused, and returns what was taken last. */
    const fill = async <Body>(path: string, next: () => Body): Promise<Body> => {
      let taken: Body | undefined;
      await until('it is refused', async () => {
        const body = next();
        const { errcode } = await call(path, body);
        if (errcode === 0) taken = body;
        return errcode === 42901;
      });
      return taken!;
    };
    const passes = async (path: string, body: unknown) => {
      const { errcode, errmsg } = await call(path, body);
      assert.equal(errcode, 0, errmsg);
    };
    const isRefused = async (path: string, body: unknown) => {
      const { errcode, errmsg, retry_after } = await call(path, body);
      assert.equal(errcode, 42901, errmsg);
      assert.ok(retry_after >= 10 && retry_after <= 15);
    };

    test('a message that was accepted before is acknowledged, and another payload is a conflict', LONG, async () => {
      llm.answer = () => {}; // hangs
      const question = (openid = `u${++sent}`) => {
        const text = { content: 'oneword?' };
        return { appid: flood.appid, openid, msgid: `m${++sent}`, msg_type: 'text', text };
      };
      const taken = await fill(notify, question);
      await passes(notify, taken);
      const { errcode } = await call(notify, { ...taken, text: { content: 'another' } });
      assert.equal(errcode, 40901);
      await isRefused(notify, { ...taken, is_debug: 1 }); // a message of its own
      await isRefused(notify, question());
      await passes(notify, { ...question(), appid: other.appid });
      const rows = await database.all("select 1 from message where state = 'pending' and appid = ?", [flood.appid]);
      assert.ok(rows.length <= limit);
      llm.answer = sendPieces(['好的。[1]']);
      for (const { response } of llm.asked) response.destroy();
    });

    test(
      'what withdraws content passes and is in no answer any more; so do repeats, and files signed anew',
      LONG,
      async () => {
        const { appid } = flood;
        const service = accounts.service;
        flood.answer = () => new Promise(() => {}); // hangs: what has to be fetched waits
        const file = { event_type: 9, file_id: 'f1', knowledge_id: knowledgeId, file_name: 'a.txt', file_type: 'TXT' };
        const added = { appid, event_id: 'file', ...file, file_cos_url: 'http://127.0.0.1:1/old' };
        await passes(events, added);
        const event = (more: object) => ({ appid, event_id: `e${++sent}`, article_id: `n${sent}`, msgidx: 1, ...more });
        const taken = await fill(events, () => event({ event_type: 5 }));

        await passes(events, taken);
        await passes(events, { item: [taken, added] });
        await isRefused(events, { item: [taken, event({ event_type: 5 })] });
        await passes(events, { ...added, file_cos_url: 'http://127.0.0.1:1/new' });
        const [row] = await database.all<{ file_url: string }>(
          "select file_url from article_event where event_id = 'file' and appid = ?",
          [appid],
        );
        assert.equal(row?.file_url, 'http://127.0.0.1:1/new');
        assert.equal((await call(events, { ...added, file_id: 'f2' })).errcode, 40901);

        for (const event_type of [4, 5, 8]) await isRefused(events, event({ event_type }));
        await isRefused(events, { ...added, event_id: 'file2', event_type: 11 });
        assert.ok((await finds(service, appid, 'oneword')) && (await finds(service, appid, 'twoword')));
        await passes(events, event({ event_type: 7, article_id: 'a1' }));
        assert.equal(await finds(service, appid, 'oneword'), false);
        await passes(events, { item: [event({ event_type: 6, article_id: 'a2' }), taken] });
        assert.equal(await finds(service, appid, 'twoword'), false);
        await isRefused(events, { item: [event({ event_type: 6, article_id: 'a2' }), event({ event_type: 4 })] });
        await passes(events, { appid, event_id: 'gone', event_type: 10, file_id: 'f1', knowledge_id: knowledgeId });
        await passes(events, { appid, event_id: 'closed', event_type: 12, knowledge_id: knowledgeId });
      },
    );

    test('a flood of what withdraws has an end as well, and takes no room from other accounts', LONG, async () => {
      other.answer = flood.answer = () => new Promise(() => {});
      const ban = (appid: string) => ({ appid, event_id: `e${++sent}`, event_type: 7, article_id: `n${sent}` });
      await fill(events, () => ban(flood.appid));
      const pending = async (appid: string) => {
        const rows = await database.all("select 1 from article_event where state = 'pending' and appid = ?", [appid]);
        return rows.length;
      };
      const waiting = await pending(flood.appid);
      assert.ok(waiting > limit && waiting < 2 * limit, String(waiting));
      await passes(events, { ...ban(other.appid), event_type: 4 });
      await passes(events, ban(other.appid));
    });
  });
}
