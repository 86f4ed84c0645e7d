import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { pruneMessages } from '../../src/message/prune-messages.ts';
import { dialects } from '../support/databases.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const dayMs = 24 * 60 * 60 * 1000;

for (const { name: dialect } of dialects) {
  describe(`pruning messages on ${dialect}`, () => {
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

    const prune = (signal = new AbortController().signal) => {
      const context = { database, config: toConfig({}), logger: createLogger('silent') };
      return pruneMessages(context as unknown as Context, signal);
    };
    /** Asks as many questions as days are given and moves each with all that belongs to it so many days back. */
    const askDaysAgo = async (appid: string, ...days: number[]) => {
      for (const ago of days) {
        const msgid = `${appid}-${ago}`;
        await service.ask(appid, 'user', msgid, '成人票多少钱？');
        await until('the delivery is recorded', async () => (await deliveries(appid, msgid))[0]?.state === 'delivered');
        await moveBack(appid, msgid, ago);
      }
    };
    const deliveries = async (appid: string, msgid: string) =>
      (await service.call('/api/wxmp/message/explain', { appid, msgid })).deliveries ?? [];
    const moveBack = async (appid: string, msgid: string, days: number) => {
      const [row] = await database.all<{ id: string }>(
        'select message_id id from message where appid = ? and msgid = ?',
        [appid, msgid],
      );
      for (const where of ['message_id = ?', 'answers = ?']) {
        await database.run(`update message set created_at = created_at - ? where ${where}`, [days * dayMs, row!.id]);
      }
    };
    /** The ages in days of the questions that are left; each must still have its answer, explanation and dispatch. */
    const left = async (appid: string): Promise<number[]> => {
      const count = async (table: string, where: string) =>
        (await database.all(`select 1 from ${table} where ${where}`, [appid])).length;
      const rows = await database.all<{ msgid: string }>(
        "select msgid from message where appid = ? and speaker = 'user' order by created_at desc",
        [appid],
      );
      assert.equal(await count('message', 'appid = ?'), 2 * rows.length, 'answers');
      const ofAccount = 'message_id in (select message_id from message where appid = ?)';
      assert.equal(await count('explanation', ofAccount), rows.length, 'explanations');
      const orphaned = 'select 1 from explanation where message_id not in (select message_id from message)';
      assert.deepEqual(await database.all(orphaned), [], 'explanations of nothing');
      assert.equal(await count('dispatch', 'appid = ? and message_id is not null'), rows.length, 'dispatches');
      return rows.map(({ msgid }) => Number(msgid.split('-')[1]));
    };
    const setConsent = (appid: string, inDays: number | null) =>
      database.run(
        `update assistant set consent_at = ${inDays === null ? 'null' : `${database.dialect.now} + ?`} where appid = ?`,
        [...(inDays === null ? [] : [inDays * dayMs]), appid],
      );

    test('without consent in effect messages go after 3 days, with it after 180, and with all that belongs to them', async () => {
      const kept: Record<string, { consent: number | null; days: number[]; left: number[] }> = {
        wx_none: { consent: null, days: [0, 2, 4, 200], left: [0, 2] },
        wx_soon: { consent: 1, days: [2, 4], left: [2] },
        wx_consent: { consent: -1, days: [4, 179, 181], left: [4, 179] },
      };
      for (const [appid, { consent, days }] of Object.entries(kept)) {
        await service.createLearned(appid);
        await askDaysAgo(appid, ...days);
        await setConsent(appid, consent);
      }
      await prune();
      for (const [appid, { left: expected }] of Object.entries(kept))
        assert.deepEqual(await left(appid), expected, appid);
      await setConsent('wx_consent', null); // withdrawn: at once
      await prune();
      assert.deepEqual(await left('wx_consent'), []);
      // A conversation goes on where it was: numbers are not given twice.
      await service.ask('wx_consent', 'user', 'wx_consent-0', '成人票多少钱？');
      const { messages } = await service.call('/api/wxmp/message/list', { appid: 'wx_consent', openid: 'user' });
      assert.deepEqual(
        messages.map(({ text }: { text: { index: number } }) => text.index),
        [7, 8],
      );
    });

    test('the messages of a deleted assistant go at once', async () => {
      await service.createLearned('wx_gone');
      await askDaysAgo('wx_gone', 0, 1);
      await setConsent('wx_gone', -1);
      await service.call('/api/wxmp/assistant/delete', { appid: 'wx_gone' });
      await prune();
      assert.deepEqual(await left('wx_gone'), []);
    });

    test('what is still owed stays: a message without answer, and one whose answer is not delivered', async () => {
      const appid = 'wx_owed';
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
      const message = { appid, openid: 'user', msg_type: 'text', text: { content: '成人票多少钱？' } };
      await service.call('/api/wxmp/message/notify', { ...message, msgid: 'undelivered-9' });
      await until('it was tried', async () => (await deliveries(appid, 'undelivered-9'))[0]?.attempts > 0);
      await moveBack(appid, 'undelivered-9', 9);
      await service.stopApp();
      const pending = "update message set state = 'pending' where appid = ? and msgid = ?";
      await database.run(pending, ['wx_none', 'wx_none-2']);
      await moveBack('wx_none', 'wx_none-2', 200);
      await prune();
      assert.deepEqual(await left(appid), [9]);
      const questions = await database.all<{ msgid: string }>(
        "select msgid from message where appid = 'wx_none' and speaker = 'user'",
      );
      assert.deepEqual(questions.map(({ msgid }) => msgid).toSorted(), ['wx_none-0', 'wx_none-2']);
      // Once it is delivered, its time is over.
      service.wechat.state.faults = [];
      await service.restartApp();
      const state = async () => (await deliveries(appid, 'undelivered-9'))[0]?.state;
      await until('it is delivered', async () => (await state()) === 'delivered');
      await prune();
      assert.deepEqual(await left(appid), []);
    });

    test('a reply that failed leaves its reason, not its words, and is never sent without them', async () => {
      const appid = 'wx_failed';
      await service.createLearned(appid);
      const fault = { method: 'v2recvaireply', kind: 'errcode', status: 200, errcode: 45015 } as const;
      service.wechat.state.faults = [{ ...fault, retryAfterSeconds: undefined, times: 1 }];
      const message = { appid, openid: 'user', msg_type: 'text', text: { content: '成人票多少钱？' } };
      await service.call('/api/wxmp/message/notify', { ...message, msgid: 'failed-9' });
      await until('it is dead', async () => (await deliveries(appid, 'failed-9'))[0]?.state === 'dead');
      await moveBack(appid, 'failed-9', 9);
      await prune();
      const rows = () =>
        database.all<Record<string, unknown>>(
          'select state, reason, payload, message_id from dispatch where appid = ? and message_id is not null',
          [appid],
        );
      assert.deepEqual(await database.all('select 1 from message where appid = ?', [appid]), []);
      const [row] = await rows();
      assert.deepEqual([row!.state, row!.payload], ['dead', '']);
      assert.match(String(row!.reason), /45015/);
      // As an operator's retry leaves it.
      const before = service.wechat.state.replies.length;
      await database.run("update dispatch set state = 'pending', settled_at = null where message_id = ?", [
        String(row!.message_id),
      ]);
      await database.run(`update lane set due_at = ${database.dialect.now} where appid = ?`, [appid]);
      await until('it is dead again', async () => /deleted with its message/.test(String((await rows())[0]?.reason)));
      assert.equal(service.wechat.state.replies.length, before);
    });

    test('many messages, those that go among those that stay: one run takes all that go and no other', async () => {
      for (const [appid, consent] of [
        ['wx_many', null],
        ['wx_stay', -1],
      ] as const) {
        await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
        await setConsent(appid, consent);
        const rows = Array.from({ length: 1300 }, (_, at) => ({
          ...{
            message_id: `${appid}-${at}`,
            conversation_id: appid,
            appid,
            channel: 'live',
            msgid: `${at}`,
            openid: 'user',
          },
          ...{ message_index: at, speaker: 'user', msg_type: 'text', content: 'x', state: 'answered' },
          created_at: Date.now() - 9 * dayMs - Math.floor(at / 3), // three at a time have the same age
        }));
        for (let from = 0; from < rows.length; from += 100)
          await database.insert('message', rows.slice(from, from + 100));
      }
      const count = async (appid: string) =>
        (await database.all('select 1 from message where appid = ?', [appid])).length;
      await prune(AbortSignal.abort());
      assert.equal(await count('wx_many'), 1300, 'a run that is stopped deletes nothing more');
      await prune();
      assert.deepEqual([await count('wx_many'), await count('wx_stay')], [0, 1300]);
    });

    test('the schedule runs it', async () => {
      await service.stopApp();
      await setConsent('wx_stay', null);
      await service.restartApp({ PRUNE_CRON: '* * * * * *' });
      const rows = () => database.all("select 1 from message where appid = 'wx_stay'");
      await until('they are gone', async () => (await rows()).length === 0);
    });
  });
}
