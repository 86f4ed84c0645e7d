import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { auditBegin } from '../../src/message/audit-erasure.ts';
import { scopeKey } from '../../src/message/channel.ts';
import { countErased, type Erased } from '../../src/message/count-erased.ts';
import { beginErasing } from '../../src/message/erase-conversation.ts';
import { dialects } from '../support/databases.ts';
import { runPrune } from '../support/pruning.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const marker = '这句话里有一个记号kx7q2';
const nothing = {
  ...{ conversations: 0, messages: 0, explanations: 0, replies: 0 },
  ...{ dispatches: 0, cancelled: 0, attempts: 0 },
};

for (const { name: dialect } of dialects) {
  describe(`erasing a user on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({
        ...{ dialect, articles: [article('a1', '本馆的成人票是 168 元。')] },
        env: { BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' },
      });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database.close();
      await service.stop();
    });

    const erase = async (appid: string, openid: string) => {
      const body = { appid, openid, actor: 'operator-7', reason: 'the user asked for it' };
      const { errcode, errmsg, ...removed } = await service.call('/api/wxmp/message/erase_user', body);
      assert.equal(errcode, 0, errmsg);
      return removed;
    };
    const ask = async (appid: string, openid: string, msgid: string, is_debug = 0) => {
      const text = { content: `成人票多少钱？${marker}` };
      const body = { appid, openid, msgid, msg_type: 'text', text, is_debug };
      assert.equal((await service.call('/api/wxmp/message/notify', body)).errcode, 0);
      await until(`${msgid} is delivered`, async () => (await deliveriesOf(appid, msgid, is_debug))[0] === 'delivered');
    };
    const deliveriesOf = async (appid: string, msgid: string, is_debug = 0): Promise<string[]> => {
      const { deliveries } = await service.call('/api/wxmp/message/explain', { appid, msgid, is_debug });
      return (deliveries ?? []).map(({ state }: { state: string }) => state);
    };
    /** What is written down of an account's erasures, oldest first. */
    const erasures = async (appid: string): Promise<Record<string, unknown>[]> => {
      const rows = await database.all<{ detail: string }>(
        "select detail from audit where action = 'EraseUser' and target like ? order by id",
        [`user:${appid}:%`],
      );
      return rows.map(({ detail }) => JSON.parse(detail));
    };
    const list = async (appid: string, openid: string) =>
      (await service.call('/api/wxmp/message/list', { appid, openid })).messages;

    test('all of one user goes, live and debug, of before a deletion too, and nothing of another', async () => {
      const appid = 'wx_erase';
      await service.createLearned(appid);
      await ask(appid, 'openid-gone', 'before-1');
      await service.call('/api/wxmp/assistant/delete', { appid });
      await service.createLearned(appid);
      for (const msgid of ['now-1', 'now-2']) await ask(appid, 'openid-gone', msgid);
      await ask(appid, 'openid-gone', 'debug-1', 1);
      await ask(appid, 'openid-gone:and-more', 'other-1');
      const others = await list(appid, 'openid-gone:and-more');
      assert.equal(others.length, 2);

      const removed = await erase(appid, 'openid-gone');
      const { attempts, ...counted } = removed;
      assert.deepEqual(counted, {
        ...{ conversations: 3, messages: 8, explanations: 4, replies: 0, dispatches: 4, cancelled: 0 },
      });
      assert.deepEqual(await list(appid, 'openid-gone'), []);
      assert.deepEqual(await list(appid, 'openid-gone:and-more'), others);
      await erase(appid, 'openid-gone:and-more');
      assert.deepEqual(await findInTables(database, ['openid-gone', marker]), []);
      assert.deepEqual(await erase(appid, 'openid-gone'), nothing, 'erasing again finds nothing, and is no error');

      // The user may come back.
      await ask(appid, 'openid-gone', 'now-1');
      assert.deepEqual(
        (await list(appid, 'openid-gone')).map(({ text }: { text: { index: number } }) => text.index),
        [1, 2],
      );
    });

    test('who erased, when and why is written down, with a hash for the user', async () => {
      const rows = await database.all<Record<string, string>>("select * from audit where action = 'EraseUser'");
      const [first] = rows;
      assert.equal(first!.actor, 'operator-7');
      assert.equal(first!.reason, 'the user asked for it');
      assert.match(first!.target!, /^user:wx_erase:[0-9a-f]{64}$/);
      assert.deepEqual(
        { ...JSON.parse(first!.detail!), attempts: 0 },
        {
          ...{ state: 'done', conversations: 3, messages: 8, explanations: 4, replies: 0, dispatches: 4, cancelled: 0 },
          attempts: 0,
        },
      );
      assert.equal(new Set(rows.map(({ target }) => target)).size, 2, 'two users');
    });

    test('an unknown account is 40401; a deleted assistant has users that can be erased', async () => {
      const body = { appid: 'wx_unknown', openid: 'o', actor: 'a', reason: 'r' };
      assert.equal((await service.call('/api/wxmp/message/erase_user', body)).errcode, 40401);
      const appid = 'wx_deleted';
      await service.createLearned(appid);
      await ask(appid, 'openid-late', 'late-1');
      await service.call('/api/wxmp/assistant/delete', { appid });
      assert.equal((await erase(appid, 'openid-late')).messages, 2);
      assert.deepEqual(await findInTables(database, ['openid-late']), []);
    });

    test('what waits for its delivery is cancelled and gone, and what another user waits for is delivered', async () => {
      const appid = 'wx_waiting';
      await service.createLearned(appid);
      const fault = { method: 'v2recvaireply', kind: 'http', status: 503, errcode: 0 } as const;
      service.wechat.state.faults = [{ ...fault, retryAfterSeconds: undefined, times: undefined }];
      const text = { content: `成人票多少钱？${marker}` };
      for (const msgid of ['w1', 'w2', 'w3', 'stays']) {
        const openid = msgid === 'stays' ? 'openid-stays' : 'openid-waits';
        await service.call('/api/wxmp/message/notify', { appid, openid, msgid, msg_type: 'text', text });
        await until('it is answered', async () => (await deliveriesOf(appid, msgid)).length === 1);
      }
      const { cancelled, dispatches } = await erase(appid, 'openid-waits');
      assert.deepEqual({ cancelled, dispatches }, { cancelled: 3, dispatches: 3 });
      assert.deepEqual(await findInTables(database, ['openid-waits']), []);
      service.wechat.state.faults = [];
      await until('it is delivered', async () => (await deliveriesOf(appid, 'stays'))[0] === 'delivered');
      const arrived = service.wechat.state.replies.map(({ msgid }) => msgid);
      assert.deepEqual(
        arrived.filter((msgid) => ['w1', 'w2', 'w3'].includes(msgid)),
        [],
      );
    });

    test('an erasure whose process died is finished by the scheduled job', async () => {
      const appid = 'wx_died';
      await service.createLearned(appid);
      await ask(appid, 'openid-died', 'died-1');
      const userHash = 'a'.repeat(64);
      const erasure = { appid, userHash, actor: 'a', reason: 'r' };
      await database.tx(async (tx) => {
        await beginErasing(tx, { appid, scopeKey: scopeKey(1, 'live', 'openid-died'), userHash });
        await auditBegin(tx, 'entry-died', erasure);
      });
      assert.deepEqual(await erasures(appid), [{ ...nothing, state: 'begun' }]);
      assert.deepEqual(await list(appid, 'openid-died'), [], 'from then on nothing of it is shown');
      await ask(appid, 'openid-died', 'died-2');
      await runPrune(database);
      const rows = await database.all<{ msgid: string }>(
        "select msgid from message where appid = ? and speaker = 'user'",
        [appid],
      );
      assert.deepEqual(
        rows.map(({ msgid }) => msgid),
        ['died-2'],
      );
      assert.equal((await list(appid, 'openid-died')).length, 2);
      const erasing = "select 1 from conversation where scope_key like 'erasing:%'";
      assert.deepEqual(await database.all(erasing), []);
      const whole = { conversations: 1, messages: 2, explanations: 1, dispatches: 1, state: 'done' };
      assert.deepEqual(await erasures(appid), [{ ...nothing, ...whole, attempts: 1 }]);

      // Who dies when all is gone, right before it would have written so, has not erased in vain either.
      await database.tx((tx) => auditBegin(tx, 'entry-last', { ...erasure, userHash: 'b'.repeat(64) }));
      await runPrune(database);
      assert.deepEqual(
        (await erasures(appid)).map(({ state }) => state),
        ['done', 'done'],
      );
    });

    /** Gives a user that many messages, and one that was asked and answered. */
    const fill = async (appid: string, openid: string, count: number) => {
      await service.createLearned(appid);
      await ask(appid, openid, 'many-0');
      const [row] = await database.all<{ conversation_id: string }>(
        'select conversation_id from message where appid = ? and openid = ?',
        [appid, openid],
      );
      const conversation_id = row!.conversation_id;
      const rows = Array.from({ length: count }, (_, at) => ({
        ...{ message_id: `${appid}-${at}`, conversation_id, appid, channel: 'live', msgid: `m-${at}` },
        ...{ openid, message_index: 10 + at, speaker: 'user', msg_type: 'text' },
        ...{ content: marker, state: 'answered', created_at: Date.now() },
      }));
      for (let from = 0; from < rows.length; from += 100) {
        await database.insert('message', rows.slice(from, from + 100));
      }
    };

    test('an erasure that took too long for its call is finished by the job, and its entry tells of all', async () => {
      const appid = 'wx_slow';
      await fill(appid, 'openid-slow', 3001);
      await service.stopApp();
      await service.restartApp({ REQUEST_TIMEOUT_MS: '100' });
      const body = { appid, openid: 'openid-slow', actor: 'a', reason: 'r' };
      await until('it is begun', async () => {
        assert.equal((await service.call('/api/wxmp/message/erase_user', body)).errcode, 50301);
        return (await erasures(appid)).length > 0; // else it was cut off before, and nothing was done
      });
      await service.stopApp(); // ends what the call still does
      const [before] = await erasures(appid);
      assert.equal(before?.state, 'begun');
      assert.ok(Number(before?.messages) < 3003, String(before?.messages));
      await runPrune(database);
      assert.deepEqual(await findInTables(database, ['openid-slow']), []);
      // More than one call may have been begun: then their entries tell of all together.
      const { erased, add } = countErased();
      for (const { state, attempts, ...counts } of await erasures(appid)) {
        assert.equal(state, 'done');
        add(counts as Partial<Erased>);
      }
      assert.deepEqual(erased, { ...nothing, conversations: 1, messages: 3003, explanations: 1, dispatches: 1 });
      await service.restartApp();
    });

    test('a user with many messages goes in batches; an erasure that was cut off is finished by the next', async () => {
      const appid = 'wx_many';
      await fill(appid, 'openid-many', 1201);
      const body = { appid, openid: 'openid-many', actor: 'a', reason: 'r' };
      const path = `${service.app.url}/api/wxmp/message/erase_user`;
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const cut = new AbortController();
      const call = fetch(path, { ...init, signal: cut.signal }).catch(() => {});
      const count = async () => (await database.all('select 1 from message where appid = ?', [appid])).length;
      await until('some are gone', async () => (await count()) < 1203);
      cut.abort();
      await call;
      await erase(appid, 'openid-many');
      await until('both have ended', async () => (await findInTables(database, ['openid-many'])).length === 0);
      assert.deepEqual(await list(appid, 'openid-many'), []);
    });
  });
}
