import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const quick = { BIZCOMM_TIMEOUT_MS: '800', QUERY_TIMEOUT_MS: '800', LEASE_SECONDS: '2' };
/** Long enough to be committed in several parts. */
const sections = 250;
const text = Array.from(
  { length: sections },
  (_, at) => `# 第${at}号展柜\n\n第${at}号展柜里放着编号${5000 + at}的青铜铃铛，${'铃身有细密的云纹。'.repeat(16)}\n\n`,
).join('');

for (const { name: dialect, create } of dialects) {
  describe(`a process that dies while it learns a file, on ${dialect}`, () => {
    let database: TestDatabase;
    let wechat: WechatSide;
    let running: ServiceProcess | undefined;
    before(async () => {
      database = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, []);
      wechat.state.files.set('long', Buffer.from(text));
      wechat.state.files.set('short', Buffer.from('小卖部的雨衣十五元一件。'));
    });
    after(async () => {
      running?.kill('SIGKILL');
      await wechat.close();
      await database.drop();
    });

    const start = async (killAt = '') => {
      running = await spawnService({ ...testEnv(database.url, wechat.url), ...quick, KILL_AT: killAt });
      return running!;
    };
    const end = async () => {
      running?.kill('SIGTERM');
      assert.equal(await running?.ended, 0);
    };
    const open = async (url: string, appid: string): Promise<string> => {
      await post(url, '/api/wxmp/assistant/create', { appid, name: 'n' });
      await until(
        'it has learned',
        async () => (await post(url, '/api/wxmp/assistant/detail', { appid })).status === 2,
      );
      return (await post(url, '/api/wxmp/knowledge/create', { appid, name: '文件' })).knowledge_id;
    };
    const add = (url: string, appid: string, knowledge_id: string, file_id: string) => {
      const file = { file_id, file_cos_url: `${wechat.url}/files/${file_id}`, file_name: `${file_id}.txt` };
      const event = { appid, event_type: 9, event_id: `add-${file_id}`, knowledge_id, ...file, file_type: 'TXT' };
      return post(url, '/api/wxmp/article/event_notity', event);
    };
    const toldOf = (appid: string, fileId: string) =>
      wechat.state.notices.filter((notice) => notice.appid === appid && notice.fileId === fileId);

    for (const point of ['file.downloaded', 'file.parsed', 'file.indexing', 'event.committed']) {
      test(`at ${point} leaves it to be learned: every passage once, one notice`, async () => {
        const appid = `wx_${point.replace('.', '_')}`;
        const first = await start();
        const knowledgeId = await open(first.url, appid);
        await end();
        const second = await start(point);
        await Promise.allSettled([add(second.url, appid, knowledgeId, 'long')]);
        assert.equal(await second.ended, 'SIGKILL');
        const third = await start();
        assert.equal((await add(third.url, appid, knowledgeId, 'long')).errcode, 0);
        await until('it is told', () => toldOf(appid, 'long').length > 0);
        assert.equal(toldOf(appid, 'long')[0]!.fileRagStatus, 5);
        await until('what was left half done is swept', async () => (await countUnshown(database.url, appid)) === 0);
        const { documents } = await post(third.url, '/api/wxmp/knowledge/document/list', {
          ...{ appid, knowledge_id: knowledgeId },
        });
        assert.equal(await countPassages(database.url, appid), documents[0].passages);
        assert.ok(documents[0].passages >= 150, 'it takes several parts');
        const message = { appid, openid: appid, msgid: `${appid}-q`, msg_type: 'text' };
        await post(third.url, '/api/wxmp/message/notify', { ...message, text: { content: '第123号展柜里放着什么？' } });
        const reply = await until('it is answered', () =>
          wechat.state.replies.find(({ msgid }) => msgid === message.msgid),
        );
        assert.match(reply.segments[0]!.content, /5123/);
        await end();
        assert.equal(toldOf(appid, 'long').length, 1);
      });
    }

    test('three times gives the file up with the reason, and the next one is learned', async () => {
      const appid = 'wx_deadly_file';
      const first = await start();
      const knowledgeId = await open(first.url, appid);
      await end();
      for (let death = 1; death <= 3; death++) {
        const next = await start('file.parsed');
        if (death === 1) await Promise.allSettled([add(next.url, appid, knowledgeId, 'long')]);
        assert.equal(await next.ended, 'SIGKILL', `death ${death}`);
      }
      const last = await start();
      await add(last.url, appid, knowledgeId, 'short');
      await until('both are told', () => toldOf(appid, 'long').length + toldOf(appid, 'short').length === 2);
      assert.deepEqual([toldOf(appid, 'long')[0]!.fileRagStatus, toldOf(appid, 'short')[0]!.fileRagStatus], [4, 5]);
      const asked = { appid, knowledge_id: knowledgeId };
      const { documents } = await post(last.url, '/api/wxmp/knowledge/document/list', asked);
      assert.match(documents[0].reason, /kills the process/);
      await end();
    });
  });
}

async function query(url: string, sql: string, appid: string): Promise<number> {
  const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 5000 });
  const [row] = await database.all<{ n: number }>(sql, [appid]);
  await database.close();
  return row!.n;
}

const countPassages = (url: string, appid: string) =>
  query(
    url,
    'select count(*) n from passage p join document d on d.document_id = p.document_id where d.appid = ?',
    appid,
  );

const countUnshown = (url: string, appid: string) =>
  query(
    url,
    `select count(*) n from passage p join document d on d.document_id = p.document_id
      where d.appid = ? and p.revision <> d.revision`,
    appid,
  );
