import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createGate } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_stolen';
const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。')];

for (const { name: dialect } of dialects) {
  describe(`a lease that is lost while an answer is made, on ${dialect}`, () => {
    let llm: FakeLlm;
    let service: Service;
    let database: Database;
    before(async () => {
      llm = await startFakeLlm();
      service = await startService({ dialect, articles, env: { LLM_BASE_URL: llm.url, LLM_MODEL: 'm' } });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 10_000 });
      await service.createLearned(appid);
    });
    after(async () => {
      await service.stop();
      await database.close();
      await llm.close();
    });

    test('does not count as a death, however often: the question is answered, and answered once', async () => {
      const answer = sendPieces(['成人票是 168 元。[1]']);
      let thefts = 0;
      llm.answer = async (asked) => {
        if (thefts < 6) {
          thefts++;
          // As when the process stalled for longer than its lease: the next worker finds the conversation due.
          await database.run(`update conversation set lease_token = 'thief', due_at = ${database.dialect.now}`);
        }
        await answer(asked);
      };
      const { text } = await service.ask(appid, 'u', 'q1', '成人票多少钱？');
      assert.match(text, /168/);
      assert.equal(thefts, 6);
      const [row] = await database.all<{ started: number; finished: number; failures: number }>(
        'select started, finished, failures from conversation',
      );
      assert.equal(row!.started - row!.finished, 0);
      assert.equal(row!.failures, 0);
      await service.ask(appid, 'u', 'q2', '儿童票多少钱？'); // what comes after is behind all repeats
      assert.deepEqual(
        service.wechat.state.replies.map(({ msgid }) => msgid),
        ['q1', 'q2'],
      );
    });

    test('by a stop that cuts the answer off is no death and no failure either', async () => {
      await service.stopApp();
      for (let stops = 0; stops < 3; stops++) {
        await service.restartApp({ SHUTDOWN_GRACE_SECONDS: '0' });
        const asked = createGate();
        llm.answer = () => asked.open(); // and no answer
        if (stops === 0) {
          const message = { appid, openid: 'v', msgid: 'q3', msg_type: 'text', text: { content: '成人票多少钱？' } };
          assert.equal((await service.call('/api/wxmp/message/notify', message)).errcode, 0);
        }
        await asked.opened;
        await service.stopApp();
        const rows = await database.all<object>('select started - finished deaths, failures from conversation');
        assert.deepEqual(
          rows.map((row) => ({ ...row })),
          Array(2).fill({ deaths: 0, failures: 0 }),
        );
      }
      llm.answer = sendPieces(['成人票是 168 元。[1]']);
      await service.restartApp();
      await until('it is answered', () => service.wechat.state.replies.some(({ msgid }) => msgid === 'q3'));
    });
  });
}
