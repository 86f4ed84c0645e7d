import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { scopeKey } from '../../src/message/channel.ts';
import { insertMessage, takeNextIndex } from '../../src/message/store.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_suspects';
const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元。')];
const users = ['u1', 'u2', 'u3', 'u4'];
const ask = (openid: string) => ({
  ...{ appid, openid, msgid: openid, msg_type: 'text', text: { content: '成人票多少钱？' } },
});

for (const { name: dialect, create } of dialects) {
  describe(`what kills the process, amid suspects of every kind, on ${dialect}`, () => {
    let files: TestDatabase;
    let database: Database;
    let wechat: WechatSide;
    let slow: Receiver;
    let running: ServiceProcess | undefined;
    let isSlow = false;

    before(async () => {
      files = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
      slow = await startReceiver(async (call) => {
        const delayMs = call.method.endsWith('aireply') ? 150 : 1500;
        if (isSlow) await new Promise((resolve) => setTimeout(resolve, delayMs));
        await passOn(call, wechat.url);
      });
      database = openDatabase({ url: files.url, poolSize: 1, queryTimeoutMs: 10_000 });
    });
    after(async () => {
      running?.kill('SIGKILL');
      await running?.ended;
      await database.close();
      await slow.close();
      await wechat.close();
      await files.drop();
    });

    const start = async (more: Record<string, string> = {}) => {
      const patience = { BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' };
      running = await spawnService({ ...testEnv(files.url, slow.url), ...patience, ...more });
      return running;
    };
    const end = async () => {
      running!.kill('SIGTERM');
      assert.equal(await running!.ended, 0);
    };
    const states = async (table: string) => {
      const rows = await database.all<{ state: string }>(`select state from ${table} where appid = ?`, [appid]);
      return rows.map(({ state }) => state);
    };
    /** All of it is due, as after the leases of a process that died. */
    const makeDue = async (where: string) => {
      for (const table of ['lane', 'conversation', 'learning'])
        await database.run(`update ${table} set due_at = ${database.dialect.now} where ${where}`);
    };
    /** A question that was accepted, and at which two processes died. */
    const insertSuspect = (openid: string, content: string) =>
      database.tx(async (tx) => {
        const at = await takeNextIndex(tx, { appid, scopeKey: scopeKey(1, 'live', openid) });
        const said = { msgType: 'text', content, mediaId: null, mediaFormat: null, payloadHash: '' };
        await insertMessage(tx, at, { appid, channel: 'live', msgid: openid, openid, ...said });
        await tx.run('update conversation set started = 2 where conversation_id = ?', [at.conversationId]);
      });

    test('a question takes no reply, no event and no other question with it whose last try it is', async () => {
      const { url } = (await start())!;
      await post(url, '/api/wxmp/assistant/create', { appid, name: 'n' });
      await until('it has learned', async () => {
        return (await post(url, '/api/wxmp/assistant/detail', { appid })).status === 2;
      });
      await until('the notice is here', () => wechat.state.notices.length === 1);
      const fault = { kind: 'http', status: 503, errcode: 0, retryAfterSeconds: undefined, times: undefined } as const;
      wechat.state.faults = [{ ...fault, method: '*' }];
      for (const user of users) assert.equal((await post(url, '/api/wxmp/message/notify', ask(user))).errcode, 0);
      const event = { appid, event_type: 5, event_id: 'e1', article_id: 'a1', msgidx: 0 };
      assert.equal((await post(url, '/api/wxmp/article/event_notity', event)).errcode, 0);
      const tried = "state = 'pending' and finished > 0";
      await until('all wait for another try', async () => {
        const replies = await database.all(`select 1 from dispatch where ${tried}`);
        const events = await database.all(`select 1 from article_event where ${tried}`);
        return replies.length === users.length && events.length === 1;
      });
      await end();
      wechat.state.faults = [];
      // At each of these two processes have died, too.
      for (const table of ['dispatch', 'article_event'])
        await database.run(`update ${table} set started = finished + 2 where state = 'pending'`);
      await database.run('update article_event set retry_at = 0');
      for (const user of ['u5', 'u6']) await insertSuspect(user, '成人票多少钱？');
      await insertSuspect('poisoner', '〔毒〕成人票多少钱？');
      await makeDue('due_at is not null');

      isSlow = true; // so what is sent, or fetched, is under way when the question kills
      const textOf = (openid: string) => wechat.state.replies.find((reply) => reply.openid === openid)?.segments[0];
      let deaths = 0;
      for (; deaths < 6; deaths++) {
        const process = await start({ KILL_ON: '〔毒〕' });
        const isAnswered = until('the question is given up', () => textOf('poisoner') !== undefined, 60_000);
        isAnswered.catch(() => {});
        // Undefined: it died before it served.
        if (process !== undefined && (await Promise.race([process.ended, isAnswered])) !== 'SIGKILL') break;
        await makeDue('lease_token is not null');
      }
      assert.equal(deaths, 3, 'after two before');
      await until('all replies are here', () => [...users, 'u5', 'u6'].every((user) => textOf(user) !== undefined));
      await until('the event is handled', async () => !(await states('article_event')).includes('pending'));
      await until('all is recorded', async () => !(await states('dispatch')).includes('pending'));
      await end();
      assert.match(textOf('poisoner')!.content, /抱歉/);
      for (const user of [...users, 'u5', 'u6']) assert.match(textOf(user)!.content, /168/);
      assert.deepEqual([...new Set(await states('dispatch'))], ['delivered']);
      assert.deepEqual(await states('article_event'), ['done']);
    });
  });
}
