import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { type Account, type Accounts, startAccounts } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { until } from '../support/until.ts';

const appid = 'wx_files';

for (const { name: dialect } of dialects) {
  describe(`file events on ${dialect}`, () => {
    let accounts: Accounts;
    let account: Account;
    let knowledge_id: string;
    before(async () => {
      accounts = await startAccounts({ dialect });
      account = await accounts.open(appid, []);
      await accounts.service.createLearned(appid);
      ({ knowledge_id } = await call('knowledge/create', { appid, name: '文件' }));
      account.wechat.state.files.set('broken', Buffer.from('PK\x03\x04 and no more'));
      file.file_cos_url = `${account.wechat.url}/files/broken?sign=1`;
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(`/api/wxmp/${path}`, body);
    const file = { file_cos_url: '', file_name: '说明.docx', file_type: 'docx' };
    let events = 0;
    /** Sends an event, waits until it is handled, and returns its notice. */
    const handle = async (event_type: number, more: Record<string, unknown>, form: 'flat' | 'item' = 'flat') => {
      const event_id = `f${++events}`;
      const event = { appid, event_id, event_type, knowledge_id, ...more };
      const answer = await call('article/event_notity', form === 'flat' ? event : { item: [event] });
      assert.equal(answer.errcode, 0, answer.errmsg);
      const notices = () =>
        account.calls.flatMap(({ body }) => body.item ?? []).filter((item) => item.event_id === event_id);
      const [notice] = await until(`${event_id} is told`, () => notices().length > 0 && notices());
      assert.equal(notices().length, 1);
      return notice;
    };
    const details = async (...file_ids: string[]) => {
      const answer = await call('knowledge/file/detail', { appid, knowledge_id, file_ids });
      assert.deepEqual([answer.errcode, answer.appid, answer.knowledge_id], [0, appid, knowledge_id]);
      return answer.files;
    };

    test('9 and 11 end in state 4 with a reason, and their notices carry file, base and state; 10 ends in 8', async () => {
      const told = { appid, file_id: 'file-1', knowledge_id };
      assert.deepEqual(await handle(9, { ...file, file_id: 'file-1' }), {
        ...{ ...told, event_type: 9, event_id: `f${events}`, file_rag_status: 4 },
      });
      const detail = { article_id: '', msgidx: 0, file_name: '说明.docx', file_type: 'DOCX' };
      assert.deepEqual(await details('file-1'), [{ file_id: 'file-1', ...detail, file_rag_status: 4 }]);
      assert.match(await reasonOf('file-1'), /damaged|ZIP/);
      assert.deepEqual(await handle(11, { ...file, file_id: 'file-1' }, 'item'), {
        ...{ ...told, event_type: 11, event_id: `f${events}`, file_rag_status: 4 },
      });
      const [, base] = (await call('assistant/detail', { appid })).knowledges;
      assert.deepEqual([base.type, base.doc_num], [2, 1]);
      assert.deepEqual(await handle(10, { file_id: 'file-1' }), {
        ...{ ...told, event_type: 10, event_id: `f${events}`, file_rag_status: 8 },
      });
      assert.deepEqual(await details('file-1'), [{ file_id: 'file-1', ...detail, file_rag_status: 8 }]);
      assert.equal((await call('assistant/detail', { appid })).knowledges[1].doc_num, 0);
    });

    test('file_cos_id is the same as file_id, which wins; an address signed anew makes no other payload', async () => {
      assert.equal((await handle(9, { ...file, file_cos_id: 'cos-1' })).file_id, 'cos-1');
      assert.equal((await handle(9, { ...file, file_id: 'file-2', file_cos_id: 'cos-2' })).file_id, 'file-2');
      assert.deepEqual(
        (await details('cos-2', 'cos-1')).map(({ file_id }: { file_id: string }) => file_id),
        ['cos-1'],
      );
      const again = { appid, event_id: `f${events}`, event_type: 9, knowledge_id, ...file, file_id: 'file-2' };
      const anew = { ...again, file_cos_url: file.file_cos_url.replace('sign=1', 'sign=2') };
      assert.equal((await call('article/event_notity', anew)).errcode, 0);
      assert.equal((await call('article/event_notity', { ...again, file_name: 'other.docx' })).errcode, 40901);
    });

    test('files are shown in the order of the request, unknown ones left out; more than ten is 40001', async () => {
      for (const file_id of ['o-1', 'o-2']) await handle(9, { ...file, file_id });
      const shown = await details('o-2', 'none', 'o-1');
      assert.deepEqual(
        shown.map(({ file_id }: { file_id: string }) => file_id),
        ['o-2', 'o-1'],
      );
      assert.deepEqual(await details('none'), []);
      assert.deepEqual(await details(), []);
      const file_ids = Array.from({ length: 11 }, (_, at) => `o-${at}`);
      const answer = await call('knowledge/file/detail', { appid, knowledge_id, file_ids });
      assert.equal(answer.errcode, 40001);
      assert.match(answer.errmsg, /file_ids/);
    });

    test('what an event lacks is 40001 with the name of the field', async () => {
      const whole: Record<string, unknown> = {
        appid,
        event_id: 'lacks',
        event_type: 9,
        knowledge_id,
        ...file,
        file_id: 'x',
      };
      for (const field of ['file_id', 'file_cos_url', 'knowledge_id']) {
        const answer = await call('article/event_notity', { ...whole, [field]: '' });
        assert.equal(answer.errcode, 40001);
        assert.match(answer.errmsg, new RegExp(field));
      }
      assert.deepEqual(await details('x'), []);
    });

    /** The reason is shown by no call of the seed. */
    async function reasonOf(fileId: string): Promise<string> {
      const database = openDatabase({ url: accounts.service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const rows = await database.all<{ reason: string }>('select reason from document where file_id = ?', [fileId]);
      await database.close();
      return rows[0]!.reason;
    }
  });
}
