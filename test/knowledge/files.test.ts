import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileQuestions, loadSandboxFiles } from '../../src/sandbox/files/index.ts';
import { dialects } from '../support/databases.ts';
import { type FileAccount, openFileAccount, startFileAccount } from '../support/file-account.ts';
import { holdBack } from '../support/file-host.ts';
import { until } from '../support/until.ts';

const refusal = /没有找到相关内容/;

for (const { name: dialect } of dialects) {
  describe(`files on ${dialect}`, () => {
    let account: FileAccount;
    before(async () => {
      const env = { FILE_DOWNLOAD_MIN_BYTES_PER_SECOND: '0', MAX_FILE_BYTES: '200000' };
      account = await startFileAccount({ dialect, env });
    });
    after(() => account?.stop());

    test('a file of each type is learned and answers with its name and the page or heading', async () => {
      for (const { fileId, name, bytes } of loadSandboxFiles()) {
        account.host.files.set(`/${fileId}`, bytes);
        assert.equal(await account.handle(9, fileId, { name }), 5, name);
        assert.equal(await account.stateOf(fileId), 5);
      }
      for (const { question, answerContains, quotation } of fileQuestions) {
        const reply = await account.ask(question);
        assert.ok(reply.text.includes(answerContains), `${question} → ${reply.text}`);
        assert.ok(reply.quotation.includes(quotation), `${question} → ${reply.quotation}`);
      }
    });

    test('the type is that of the bytes, whatever the name says', async () => {
      const [pdf] = loadSandboxFiles();
      account.host.files.set('/disguised', pdf!.bytes);
      assert.equal(await account.handle(9, 'disguised', { name: 'notes.txt' }), 5);
      assert.equal((await account.documentOf('disguised')).file_type, 'PDF');
      account.host.files.set('/picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
      assert.equal(await account.handle(9, 'picture', { name: 'report.pdf' }), 4);
      assert.match((await account.documentOf('picture')).reason!, /PNG/);
      account.host.files.set('/empty', '');
      assert.equal(await account.handle(9, 'empty', { name: 'empty.txt' }), 9);
    });

    test('what can not be fetched for good is state 2 with a reason that holds nothing of the signed address', async () => {
      account.host.files.set('/large', Buffer.alloc(200_001, 'a'));
      for (const [fileId, reason] of [
        ['gone', /HTTP 404 from 127\.0\.0\.1/],
        ['large', /200000/],
      ] as const) {
        assert.equal(await account.handle(9, fileId), 2);
        assert.equal(await account.stateOf(fileId), 2);
        const document = await account.documentOf(fileId);
        assert.match(document.reason!, reason);
        assert.doesNotMatch(document.reason!, /secret|sign/);
      }
    });

    test('an outage is waited for: the file says so, and a newly signed address is tried at once', async () => {
      account.host.files.set('/outage', 503);
      const eventId = await account.send(9, 'outage');
      await until('the reason is shown', async () =>
        /another try.*503/.test((await account.documentOf('outage')).reason!),
      );
      assert.equal(await account.stateOf('outage'), 3);
      account.host.files.set('/elsewhere', '海龟馆的门票是四十二元。');
      await until('it fails several times', () => account.host.asked.filter((path) => path === '/outage').length > 2);
      await account.send(9, 'outage', { eventId, path: '/elsewhere', name: 'outage.txt' });
      assert.equal(await account.told(eventId), 5);
      assert.match((await account.ask('海龟馆的门票多少钱？')).text, /四十二元/);
    });

    test('while an update is fetched the old content answers, after it only the new one', async () => {
      account.host.files.set('/menu', '鲸鱼咖啡厅的招牌蛋糕卖三十五元。');
      assert.equal(await account.handle(9, 'menu'), 5);
      const held = holdBack(account.host, '/menu', '鲸鱼咖啡厅的招牌蛋糕卖三十九元。');
      const eventId = await account.send(11, 'menu');
      await until('the update is being fetched', held.isAsked);
      assert.equal(await account.stateOf('menu'), 3);
      assert.match((await account.ask('鲸鱼咖啡厅的招牌蛋糕多少钱？')).text, /三十五元/);
      held.release();
      assert.equal(await account.told(eventId), 5);
      assert.match((await account.ask('鲸鱼咖啡厅的招牌蛋糕多少钱？')).text, /三十九元/);
    });

    test('an update that can not be read takes the old content out; one that can not be fetched does not', async () => {
      account.host.files.set('/tour', '夜游活动每人收费八十八元。');
      assert.equal(await account.handle(9, 'tour'), 5);
      account.host.files.set('/tour', 404);
      assert.equal(await account.handle(11, 'tour'), 2);
      assert.match((await account.ask('夜游活动收费多少？')).text, /八十八元/);
      account.host.files.set('/tour', Buffer.from('%PDF-1.7 and then nothing'));
      assert.equal(await account.handle(11, 'tour'), 4);
      assert.doesNotMatch((await account.ask('夜游活动收费多少？')).text, /八十八/);
      account.host.files.set('/tour', '夜游活动每人收费九十元。');
      assert.equal(await account.handle(11, 'tour'), 5);
      assert.match((await account.ask('夜游活动收费多少？')).text, /九十元/);
    });

    test('a deleted file is in no answer from the moment that its deletion is acknowledged', async () => {
      account.host.files.set('/secret', '仓库钥匙放在蓝色抽屉的第三格。');
      assert.equal(await account.handle(9, 'secret'), 5);
      assert.match((await account.ask('仓库钥匙放在哪里？')).text, /蓝色抽屉/);
      const held = holdBack(account.host, '/slow', '慢。');
      const slow = await account.send(9, 'slow');
      await until('the base is busy', held.isAsked);
      const deletion = await account.send(10, 'secret');
      assert.match((await account.ask('仓库钥匙放在哪里？')).text, refusal);
      assert.equal((await account.documentOf('secret')).hidden, true);
      held.release();
      assert.deepEqual([await account.told(slow), await account.told(deletion)], [5, 8]);
      assert.match((await account.ask('仓库钥匙放在哪里？')).text, refusal);
      assert.equal(await account.handle(9, 'secret'), 5); // added once more
      assert.match((await account.ask('仓库钥匙放在哪里？')).text, /蓝色抽屉/);
    });

    test('a deletion does not wait for an address that fails', async () => {
      account.host.files.set('/stuck', 503);
      const [update, deletion] = [await account.send(9, 'stuck'), await account.send(10, 'stuck')];
      assert.deepEqual([await account.told(update), await account.told(deletion)], [2, 8]);
      assert.equal(await account.stateOf('stuck'), 8);
    });

    test('events that come late change nothing: an addition after an update or a deletion, an update after a deletion', async () => {
      account.host.files.set('/late-new', '海豹饼干卖十二元一包。');
      account.host.files.set('/late-old', '海豹饼干卖十元一包。');
      assert.equal(await account.handle(11, 'late', { path: '/late-new' }), 5);
      assert.equal(await account.handle(9, 'late', { path: '/late-old' }), 5);
      assert.match((await account.ask('海豹饼干多少钱一包？')).text, /十二元/);
      assert.equal(await account.handle(10, 'late'), 8);
      assert.equal(await account.handle(11, 'late', { path: '/late-new' }), 8);
      assert.match((await account.ask('海豹饼干多少钱一包？')).text, refusal);
      assert.equal(await account.handle(10, 'early'), 8);
      assert.equal(await account.handle(9, 'early', { path: '/late-old' }), 8);
      assert.equal(await account.stateOf('early'), 8);
      assert.equal(await account.handle(9, 'early', { path: '/late-old' }), 5);
    });

    test('files of an unbound base are in no answer, those of a deleted base neither, from the acknowledgement on', async () => {
      const other = await openFileAccount(account.service, account.host, `wx_unbound`);
      account.host.files.set('/unbound', '租一辆儿童推车要交五十元押金。');
      assert.equal(await other.handle(9, 'unbound'), 5);
      const ask = () => other.ask('租儿童推车要交多少押金？');
      assert.match((await ask()).text, /五十元/);
      const settings = { appid: other.appid, name: '助手', system_promot: '' };
      await other.call('assistant/update', { ...settings, version: 1, custom_knowledge_ids: [] });
      assert.match((await ask()).text, /五十元/); // the draft alone
      await other.call('assistant/publish', { appid: other.appid });
      assert.match((await ask()).text, refusal);
      await other.call('assistant/update', { ...settings, version: 1, custom_knowledge_ids: [other.knowledgeId] });
      await other.call('assistant/publish', { appid: other.appid });
      assert.match((await ask()).text, /五十元/);
      const held = holdBack(account.host, '/busy', '忙。');
      await other.send(9, 'busy');
      await until('the base is busy', held.isAsked);
      const gone = { appid: other.appid, event_type: 12, event_id: 'gone', knowledge_id: other.knowledgeId };
      assert.equal((await other.call('article/event_notity', gone)).errcode, 0);
      assert.match((await ask()).text, refusal);
      held.release();
    });

    test('documents and passages are listed page by page, each once, with state, reason, heading and page', async () => {
      const other = await openFileAccount(account.service, account.host, `wx_lists`);
      const [pdf] = loadSandboxFiles();
      account.host.files.set('/guide', pdf!.bytes);
      for (const fileId of ['guide', 'none-1', 'none-2']) await other.handle(9, fileId, { name: `${fileId}.pdf` });
      const knowledge = { appid: other.appid, knowledge_id: other.knowledgeId };
      const documents = await allPages('document/list', { ...knowledge, page_size: 2 }, 'documents');
      assert.deepEqual(
        documents.map(({ file_id, file_rag_status, name }) => [file_id, file_rag_status, name]),
        [
          ['guide', 5, 'guide.pdf'],
          ['none-1', 2, 'none-1.pdf'],
          ['none-2', 2, 'none-2.pdf'],
        ],
      );
      const [{ document_id, passages: count, bytes }] = documents as [Record<string, never>];
      assert.equal(bytes, pdf!.bytes.length);
      const asked = { appid: other.appid, document_id, page_size: 1 };
      const passages = await allPages('passage/list', asked, 'passages');
      assert.equal(passages.length, count);
      assert.deepEqual(
        passages.map(({ page }) => page),
        passages.map(({ page }) => page).toSorted(),
      );
      assert.deepEqual([passages[0]!.page, passages.at(-1)!.page], [1, 2]);
      assert.match(passages.map(({ text }) => text).join('\n'), /旅行社团[\s\S]*112 元/);
      const foreign = await other.call('knowledge/passage/list', { appid: account.appid, document_id });
      assert.equal(foreign.errcode, 40401, 'another account does not see it');
    });

    async function allPages(path: string, body: object, field: string): Promise<Record<string, string | number>[]> {
      const rows: Record<string, string | number>[] = [];
      for (let page_token = ''; ; ) {
        const answer = await account.call(`knowledge/${path}`, { ...body, page_token });
        assert.equal(answer.errcode, 0, answer.errmsg);
        rows.push(...answer[field]);
        page_token = answer.next_page_token;
        if (page_token === '') return rows;
      }
    }
  });

  describe(`quotas on ${dialect}`, () => {
    let account: FileAccount;
    before(async () => {
      const env = { QUOTA_FILES: '4', QUOTA_FILE_BYTES: '6000', QUOTA_PASSAGES: '8' };
      account = await startFileAccount({ dialect, env });
    });
    after(() => account?.stop());

    test('a file more than the account may have is refused with 42901, and one is free again after a deletion', async () => {
      const other = await openFileAccount(account.service, account.host, 'wx_quota');
      for (const fileId of ['1', '2', '3', '4']) await other.handle(9, fileId);
      const event = { appid: other.appid, event_type: 9, event_id: 'fifth', knowledge_id: other.knowledgeId };
      const file = { file_id: '5', file_cos_url: `${account.host.url}/5`, file_name: '5.txt', file_type: 'TXT' };
      const refused = await other.call('article/event_notity', { ...event, ...file });
      assert.deepEqual([refused.errcode, refused.retry_after], [42901, 3600]);
      assert.match(refused.errmsg, /4 files/);
      assert.equal(await other.stateOf('5'), undefined);
      await other.handle(11, '1'); // one that is there may be updated
      await other.handle(10, '2');
      assert.equal((await other.call('article/event_notity', { ...event, ...file })).errcode, 0);
    });

    test('bytes and passages beyond what the account may have are state 4 with the reason, and count no more', async () => {
      const line = (count: number) => `${'每位游客都可以在服务台领取地图。'.repeat(count)}\n`;
      account.host.files.set('/a', line(100)); // 4,801 bytes
      account.host.files.set('/b', line(30));
      account.host.files.set('/c', line(20));
      const section = (at: number) => `# 第${at}展厅\n${'这里陈列着海里捞起的旧船铃，铃身刻有年份。'.repeat(7)}\n\n`;
      account.host.files.set('/d', Array.from({ length: 12 }, (_, at) => section(at + 1)).join(''));
      assert.equal(await account.handle(9, 'a'), 5);
      assert.equal(await account.handle(9, 'b'), 4);
      assert.match((await account.documentOf('b')).reason!, /6000 bytes/);
      assert.equal(await account.handle(9, 'c'), 5);
      await account.handle(10, 'a');
      await account.handle(10, 'c');
      assert.equal(await account.handle(9, 'd'), 4);
      assert.match((await account.documentOf('d')).reason!, /8 passages/);
      assert.equal(await account.handle(11, 'b'), 5);
    });
  });
}
