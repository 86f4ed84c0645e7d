import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ulid } from 'ulid';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { type FakeRemoteExpert, startFakeRemoteExpert } from '../support/fake-remote-expert.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 150_000 };
const articles = [article('a1', '成人票是 168 元，儿童票是 98 元，每天早上九点开门。')];
const [slow, quick] = ['wx_slow', 'wx_quick'];

for (const { name: dialect } of dialects) {
  describe(`accounts that are asked at once, on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    let engine: FakeRemoteExpert;
    before(async () => {
      engine = await startFakeRemoteExpert(() => {}); // takes a question and never answers
      service = await startService({ dialect, articles, env: { ANSWER_WORKERS: '4', ANSWER_TIMEOUT_MS: '60000' } });
      for (const appid of [slow, quick]) await service.createLearned(appid);
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 20_000 });
    });
    after(async () => {
      await engine?.close();
      await database?.close();
      await service?.stop();
    });

    const pendingOf = async (appid: string) => {
      const sql = "select count(*) n from message where appid = ? and state = 'pending'";
      return (await database.all<{ n: number }>(sql, [appid]))[0]!.n;
    };

    test('an account whose engine hangs leaves workers to others', LONG, async () => {
      const expert = { kind: 3, address: engine.url };
      assert.equal((await service.call('/api/wxmp/assistant/expert/set', { appid: slow, expert })).errcode, 0);
      for (let at = 0; at < 12; at++) {
        const text = { content: '成人票多少钱？' };
        const body = { appid: slow, openid: `u-${at}`, msgid: `hang-${at}`, msg_type: 'text', text };
        assert.equal((await service.call('/api/wxmp/message/notify', body)).errcode, 0);
      }
      await until('the engine is asked', () => engine.calls.length === 3);
      for (let at = 0; at < 3; at++) {
        const { text } = await service.ask(quick, `q-${at}`, `quick-${at}`, '成人票多少钱？');
        assert.match(text, /168/);
      }
      assert.equal(engine.calls.length, 3, 'of four workers');
      assert.equal(await pendingOf(slow), 12, 'and none of those has ended');
    });

    test('a question is answered among the next ones, though thousands of another account wait', LONG, async () => {
      await service.stopApp();
      await engine.close();
      const waiting = 4000;
      await fill(database, slow, waiting);
      await service.restartApp();
      await until('they are being answered', async () => (await pendingOf(slow)) < waiting);
      const before = await pendingOf(slow);
      for (let at = 0; at < 3; at++) await service.ask(quick, `late-${at}`, `late-${at}`, '成人票多少钱？');
      const meanwhile = before - (await pendingOf(slow));
      assert.ok(meanwhile < waiting / 10, `${meanwhile} of the others were answered before three of its own`);
      assert.ok((await pendingOf(slow)) > waiting / 2, 'the others still wait');
    });
  });
}

/** Conversations with a question each, all due for a long time. */
async function fill(database: Database, appid: string, count: number): Promise<void> {
  const expert = { expert_kind: 1 };
  await database.run('update assistant_config set expert_kind = ? where appid = ?', [expert.expert_kind, appid]);
  for (let from = 0; from < count; from += 200) {
    const ids = Array.from({ length: 200 }, () => ulid());
    const common = { appid, created_at: 1 };
    await database.insert(
      'conversation',
      ids.map((id, at) => ({ conversation_id: id, appid, scope_key: `wait-${from + at}`, last_index: 1, due_at: 1 })),
    );
    await database.insert(
      'message',
      ids.map((id, at) => ({
        ...{ ...common, message_id: ulid(), conversation_id: id, channel: 'live', msgid: `wait-${from + at}` },
        ...{ openid: `wait-${from + at}`, message_index: 1, speaker: 'user', msg_type: 'text', state: 'pending' },
        content: '成人票多少钱？',
      })),
    );
  }
}
