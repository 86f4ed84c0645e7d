import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { scopeKey } from '../../src/message/channel.ts';
import { insertMessage, takeNextIndex } from '../../src/message/store.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { article, post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_deadly';
const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。')];
const quick = { BIZCOMM_TIMEOUT_MS: '800', QUERY_TIMEOUT_MS: '800', LEASE_SECONDS: '2' };
const notify = '/api/wxmp/message/notify';

for (const { name: dialect, create } of dialects) {
  describe(`a process that dies while it is asked, on ${dialect}`, () => {
    let database: TestDatabase;
    let wechat: WechatSide;
    let running: ServiceProcess | undefined;

    const start = async (more: Record<string, string> = {}) => {
      running = await spawnService({ ...testEnv(database.url, wechat.url), ...quick, ...more });
      return running!;
    };
    const end = async () => {
      running?.kill('SIGTERM');
      assert.equal(await running?.ended, 0);
    };
    const message = (openid: string, msgid: string, content = '成人票多少钱？') => ({
      ...{ appid, openid, msgid, msg_type: 'text', text: { content } },
    });
    const repliesOf = (openid: string) => wechat.state.replies.filter((reply) => reply.openid === openid);

    const replyTo = (msgid: string) => wechat.state.replies.find((reply) => reply.msgid === msgid);

    before(async () => {
      database = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
      const { url } = await start();
      await post(url, '/api/wxmp/assistant/create', { appid, name: 'n' });
      await until(
        'it has learned',
        async () => (await post(url, '/api/wxmp/assistant/detail', { appid })).status === 2,
      );
      await end();
    });
    after(async () => {
      running?.kill('SIGKILL');
      await wechat.close();
      await database.drop();
    });

    test('what was acknowledged right before a kill is answered, and what was not may be sent again', async () => {
      const first = await start();
      const users = Array.from({ length: 12 }, (_, index) => `acked-${index}`);
      let acked = 0;
      const asked = await Promise.allSettled(
        users.map(async (user) => {
          const { errcode } = await post(first.url, notify, message(user, user));
          assert.equal(errcode, 0);
          if (++acked === 4) first.kill('SIGKILL');
        }),
      );
      assert.equal(await first.ended, 'SIGKILL');
      const second = await start();
      const isAcked = (index: number) => asked[index]?.status === 'fulfilled';
      await until('what was acknowledged is answered', () =>
        users.every((user, index) => !isAcked(index) || repliesOf(user).length > 0),
      );
      for (const user of users) assert.equal((await post(second.url, notify, message(user, user))).errcode, 0);
      await until('everything is answered', () => users.every((user) => repliesOf(user).length > 0));
      await end();
      for (const user of users) {
        const [reply, ...repeats] = repliesOf(user);
        assert.ok(repeats.length <= 1, 'at most one repeat, where the kill came between sending and recording');
        for (const repeat of repeats) assert.deepEqual(repeat, reply);
      }
    });

    test('one that kills the process each time gets the "sorry" after five deaths, and only that one', async () => {
      const deadly = { KILL_ON: '〔毒〕' };
      const crowd = Array.from({ length: 10 }, (_, index) => `crowd-${index}`);
      await insertPending(database.url, [
        ...crowd.slice(0, 4).map((user) => message(user, user)),
        message('poisoner', 'poison', '〔毒〕成人票多少钱？'),
        message('poisoner', 'after'),
        ...crowd.slice(4).map((user) => message(user, user)),
      ]);
      let deaths = 0;
      const meanwhile: string[] = [];
      // Starts it again each time when it dies, as a supervisor does, and asks as another user.
      for (;;) {
        const process = await spawnService({ ...testEnv(database.url, wechat.url), ...quick, ...deadly });
        if (process !== undefined) {
          running = process;
          const user = `meanwhile-${deaths}`;
          const isAccepted = post(process.url, notify, message(user, user)).then(({ errcode }) => errcode === 0);
          if (await isAccepted.catch(() => false)) meanwhile.push(user);
          const sorry = until('the sorry', () => repliesOf('poisoner')[0], 20_000);
          if ((await Promise.race([process.ended, sorry])) !== 'SIGKILL') break;
          sorry.catch(() => {});
        }
        assert.ok(++deaths <= 5, 'it goes on dying');
      }
      assert.equal(deaths, 5);
      const users = [...crowd, ...meanwhile];
      await until('all are answered', () => [...users, 'after'].every((msgid) => replyTo(msgid) !== undefined));
      const texts = (openid: string) => repliesOf(openid).map(({ segments }) => segments[0]!.content);
      assert.match(texts('poisoner')[0]!, /抱歉/);
      assert.match(texts('poisoner')[1]!, /168/);
      for (const user of users) for (const text of texts(user)) assert.match(text, /168/, `${user} did no harm`);
      const before = wechat.state.replies.indexOf(replyTo('poison')!);
      const earlier = wechat.state.replies.slice(0, before).map(({ openid }) => openid);
      assert.ok(
        users.some((user) => earlier.includes(user)),
        'others are answered while it still kills',
      );
      await end();
    });
  });
}

/** Messages that were accepted and not yet looked at, all due at once. */
async function insertPending(url: string, messages: { openid: string; msgid: string; text: { content: string } }[]) {
  const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 10_000 });
  for (const { openid, msgid, text } of messages) {
    await database.tx(async (tx) => {
      const at = await takeNextIndex(tx, { appid, scopeKey: scopeKey(1, 'live', openid) });
      const said = { msgType: 'text', content: text.content, mediaId: null, mediaFormat: null, payloadHash: '' };
      await insertMessage(tx, at, { appid, channel: 'live', msgid, openid, ...said });
    });
  }
  await database.run(`update conversation set due_at = ${database.dialect.now} where due_at is not null`);
  await database.close();
}
