import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { toConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects } from '../support/databases.ts';
import { article, post, testEnv } from '../support/service.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const mysql = dialects.find(({ name }) => name === 'mysql');
const appid = 'wx_lost';
const articles = Array.from({ length: 5 }, (_, index) =>
  article(`a${index}`, `第${index}号展厅的门票是${index + 10}元。`),
);

/** Which transaction it is, whatever the values in it. */
const kindOf = (statements: readonly string[]) =>
  statements.map((statement) => /^\w+( +\w+){0,2}/.exec(statement)?.[0]).join('; ');

describe('a service whose commits take effect unseen', { skip: mysql === undefined && 'there is no MySQL' }, () => {
  test('doubles no message, no answer, no document, no event and no dispatch, and loses none', async (t) => {
    const fresh = await mysql!.create();
    const proxy = await startTcpProxy(new URL(fresh.url));
    const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
    const config = toConfig(testEnv(proxy.through(fresh.url), wechat.url));
    const app = await startApp({ config, logger: createLogger(config.LOG_LEVEL) });
    const call = (path: string, body: unknown) => post(app.url, path, body);

    const database = openDatabase({ url: fresh.url, poolSize: 1, queryTimeoutMs: 10_000 });
    t.after(async () => {
      proxy.cut = undefined;
      await app.stop();
      await database.close();
      await wechat.close();
      await proxy.close();
      await fresh.drop();
    });
    const rows = (sql: string) => database.all<Record<string, unknown>>(sql);

    // Of each kind of transaction every other commit loses its answer, so that a repeat gets through.
    const seen = new Map<string, number>();
    proxy.cut = (statement, before) => {
      if (!statement.startsWith('commit')) return undefined;
      const kind = kindOf(before);
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      return seen.get(kind)! % 2 === 1 ? 'after' : undefined;
    };

    assert.equal((await call('/api/wxmp/assistant/create', { appid, name: 'n' })).errcode, 0);
    await until('the notice of learning arrives', () => wechat.state.notices.length > 0);
    const msgids = ['m1', 'm2', 'm3'];
    for (const msgid of msgids) {
      const message = { appid, openid: 'u', msgid, msg_type: 'text', text: { content: '第3号展厅的门票多少钱？' } };
      assert.equal((await call('/api/wxmp/message/notify', message)).errcode, 0);
      await until(`${msgid} is answered`, () => wechat.state.replies.some((reply) => reply.msgid === msgid));
    }
    wechat.state.messages.unshift(article('new', '新展厅在三楼。'));
    const event = { appid, event_type: 4, event_id: 'e1', article_id: 'new', msgidx: 1 };
    assert.equal((await call('/api/wxmp/article/event_notity', event)).errcode, 0);
    await until('the notice of the event arrives', () => wechat.state.notices.length > 1);
    proxy.cut = undefined;
    await until(
      'the last settle is recorded',
      async () => (await rows("select 1 from dispatch where state = 'pending'")).length === 0,
    );
    t.diagnostic(`${proxy.cuts} commits of ${seen.size} kinds were lost`);
    const parts = ['insert into document', 'insert into message', 'insert into explanation', 'insert into dispatch'];
    for (const part of [...parts, 'insert into article_event', 'update lane set; update dispatch set']) {
      const lost = [...seen.keys()].some((kind) => kind.includes(part));
      assert.ok(lost, `no commit of ${part} was lost`);
    }

    assert.deepEqual(
      wechat.state.replies.map(({ msgid }) => msgid),
      msgids,
    );
    assert.deepEqual(
      wechat.state.notices.map(({ eventType, eventId }) => [eventType, eventId]),
      [
        [1, undefined],
        [4, 'e1'],
      ],
    );
    assert.deepEqual(
      await rows('select msgid, speaker, message_index, state from message order by message_index'),
      msgids.flatMap((msgid, index) => [
        { msgid, speaker: 'user', message_index: 2 * index + 1, state: 'answered' },
        { msgid: null, speaker: 'assistant', message_index: 2 * index + 2, state: 'answered' },
      ]),
    );
    assert.deepEqual(await rows('select state, count(*) many from dispatch group by state'), [
      { state: 'delivered', many: 5 },
    ]);
    assert.deepEqual(await rows('select state, count(*) many from document group by state'), [{ state: 5, many: 6 }]);
    assert.equal((await rows('select 1 from passage')).length, 6);
    assert.deepEqual(await rows('select passages from index_base'), [{ passages: 6 }]);
    assert.deepEqual(await rows('select event_id, state from article_event'), [{ event_id: 'e1', state: 'done' }]);
  });
});
