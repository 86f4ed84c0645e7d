import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { type FileAccount, openFileAccount, startFileAccount } from '../support/file-account.ts';
import { holdBack } from '../support/file-host.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`whose turn it is, on ${dialect}`, () => {
    let account: FileAccount;
    let database: Database;
    before(async () => {
      const env = { FILE_DOWNLOAD_MIN_BYTES_PER_SECOND: '0', FILE_WORKERS: '1', LEASE_SECONDS: '8' };
      account = await startFileAccount({ dialect, env });
      database = openDatabase({ url: account.service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database?.close();
      await account?.stop();
    });
    let accounts = 0;
    const open = () => openFileAccount(account.service, account.host, `wx_turn_${++accounts}`);
    const busy = (response: ServerResponse, seconds: number) =>
      response.writeHead(503, { 'retry-after': String(seconds) }).end();

    test('what comes after on the same file ends an outage that asks for an hour', async () => {
      const { host, send, told } = await open();
      // Several, so that some deletions are accepted while the outage of their file is being recorded.
      await Promise.all(
        Array.from({ length: 12 }, async (_, at) => {
          host.files.set(`/hour-${at}`, (_, response) => busy(response, 3600));
          const addition = await send(9, `hour-${at}`);
          await until('it was tried', () => host.asked.includes(`/hour-${at}`));
          const deletion = await send(10, `hour-${at}`);
          assert.deepEqual([await told(addition), await told(deletion)], [2, 8]);
        }),
      );
    });

    test('a base whose events all wait is left alone until the first of them is due', async () => {
      const { host, send, knowledgeId } = await open();
      host.files.set('/rest', (_, response) => busy(response, 3600));
      await send(9, 'rest');
      await until('it waits', async () => (await dueIn(knowledgeId)) > 3_000_000);
      await send(9, 'rest', { eventId: `again-${knowledgeId}`, path: '/rest' }); // behind the first one
      await until('the first is given up, the second waits', async () => (await dueIn(knowledgeId)) > 3_000_000);
      const asked = host.asked.filter((path) => path === '/rest').length;
      const due = await database.all('select due_at, lease_token from learning where knowledge_id = ?', [knowledgeId]);
      await new Promise((resolve) => setTimeout(resolve, 1500)); // at least one tick of DISPATCH_CRON
      assert.deepEqual(
        await database.all('select due_at, lease_token from learning where knowledge_id = ?', [knowledgeId]),
        due,
      );
      assert.equal(host.asked.filter((path) => path === '/rest').length, asked);
    });

    test('files that fail again and again do not keep a good one waiting', async () => {
      const { host, send, handle } = await open();
      const bad = Array.from({ length: 12 }, (_, at) => `bad-${at}`);
      for (const fileId of bad) {
        host.files.set(`/${fileId}`, (_, response) => void setTimeout(() => busy(response, 0), 300));
        await send(9, fileId);
      }
      host.files.set('/good', '灯塔每天晚上七点亮灯。');
      await until('the bad ones fail', () => host.asked.filter((path) => path.startsWith('/bad')).length > 3);
      const before = host.asked.length;
      assert.equal(await handle(9, 'good'), 5);
      const between = host.asked.slice(before, host.asked.indexOf('/good'));
      assert.ok(between.length <= bad.length + 1, `${between.length} tries came before it`);
      for (const fileId of bad) host.files.set(`/${fileId}`, '好了。');
    });

    test('an account with many files does not keep that of another waiting', async () => {
      const [many, one] = [await open(), await open()];
      const order: string[] = [];
      const serve = (path: string) =>
        account.host.files.set(path, (_, response) => {
          order.push(path);
          setTimeout(() => response.end(`这是文件${path}的内容，讲的是灯塔。`), 400);
        });
      for (let at = 0; at < 20; at++) {
        serve(`/many-${at}`);
        await many.send(9, `many-${at}`);
      }
      await until('the first ones are fetched', () => order.length > 1);
      serve('/one');
      assert.equal(await one.handle(9, 'one'), 5);
      assert.ok(order.indexOf('/one') < 15, `it came as number ${order.indexOf('/one')} of 21`);
    });

    test('a newly signed address that comes while the old one fails is tried', async () => {
      const { host, send, told } = await open();
      let answer: (() => void) | undefined;
      host.files.set('/old', (_, response) => {
        answer = () => response.writeHead(403).end();
      });
      host.files.set('/new', '海马馆在三楼东侧。');
      const eventId = await send(9, 'signed', { path: '/old' });
      await until('the old one is tried', () => answer !== undefined);
      await send(9, 'signed', { path: '/new', eventId });
      answer!();
      assert.equal(await told(eventId), 5);
    });

    test('leases that are lost again and again are no deaths: the file is learned', async () => {
      const { host, send, told, knowledgeId } = await open();
      const held = holdBack(host, '/stolen', '珊瑚厅周三休息。');
      const eventId = await send(9, 'stolen');
      for (let theft = 1; theft <= 5; theft++) {
        await until(`try ${theft}`, () => host.asked.filter((path) => path === '/stolen').length >= theft);
        if (theft === 5) held.release();
        await database.run("update learning set lease_token = 'thief', due_at = 0 where knowledge_id = ?", [
          knowledgeId,
        ]);
        held.breakOff(); // so that the worker finds its lease gone
      }
      assert.equal(await told(eventId), 5);
    });

    test('two files whose events name the same article are two files', async () => {
      const { host, call, appid, knowledgeId, told } = await open();
      host.files.set('/f1', 503);
      host.files.set('/f2', '售票厅的储物柜每小时两元。');
      const item = ['f1', 'f2'].map((file_id) => ({
        ...{ appid, event_type: 9, event_id: `named-${file_id}`, knowledge_id: knowledgeId, article_id: '0', file_id },
        ...{ file_cos_url: `${host.url}/${file_id}`, file_name: `${file_id}.txt`, file_type: 'TXT' },
      }));
      assert.equal((await call('article/event_notity', { item })).errcode, 0);
      assert.equal(await told('named-f2'), 5);
      host.files.set('/f1', '晚到的文件也学会了。');
      assert.equal(await told('named-f1'), 5);
    });

    test('a renamed file is found by its new name', async () => {
      const { host, handle, ask } = await open();
      host.files.set('/name', '每天下午两点开始，全程四十分钟，凭门票参加。');
      assert.equal(await handle(9, 'name', { name: '海豚表演安排.txt' }), 5);
      assert.equal(await handle(11, 'name', { name: '企鹅漫步须知.txt' }), 5);
      const reply = await ask('企鹅漫步须知');
      assert.match(reply.text, /下午两点/);
      assert.match(reply.quotation, /企鹅漫步须知\.txt/);
      assert.doesNotMatch((await ask('海豚表演安排')).quotation, /海豚/);
    });

    test('of an event that has ended the signed address is not kept', async () => {
      const [row] = await database.all<{ kept: number }>(
        "select count(*) kept from article_event where file_url is not null and state <> 'pending'",
      );
      assert.equal(row!.kept, 0);
    });

    test('a base that an event has deleted can not be bound again', async () => {
      const { appid, knowledgeId, call } = await open();
      const event = { appid, event_type: 12, event_id: 'gone', knowledge_id: knowledgeId };
      assert.equal((await call('article/event_notity', event)).errcode, 0);
      const settings = { appid, name: '助手', version: 1, custom_knowledge_ids: [knowledgeId] };
      assert.equal((await call('assistant/update', settings)).errcode, 40401);
      assert.equal((await call('article/event_notity', event)).errcode, 0, 'a repeat is no error');
    });

    async function dueIn(knowledgeId: string): Promise<number> {
      const [row] = await database.all<{ due: number | null }>(
        `select due_at - ${database.dialect.now} due from learning where knowledge_id = ? and lease_token is null`,
        [knowledgeId],
      );
      return row?.due ?? 0;
    }
  });

  describe(`the quota of files on ${dialect}`, () => {
    let account: FileAccount;
    before(async () => {
      account = await startFileAccount({ dialect, env: { QUOTA_FILES: '2' } });
    });
    after(() => account?.stop());

    test('counts a file that is added again, and neither deleted ones nor those of a deleted assistant', async () => {
      const { host, handle, call, appid, knowledgeId } = account;
      for (const file of ['a', 'b', 'c']) host.files.set(`/${file}`, `文件${file}写着开放时间。`);
      const event = (event_type: number, file_id: string, event_id: string, knowledge_id = knowledgeId) => ({
        ...{ appid, event_type, event_id, knowledge_id, file_id },
        ...(event_type !== 10 && { file_cos_url: `${host.url}/${file_id}`, file_name: 'f.txt', file_type: 'TXT' }),
      });
      for (const file of ['a', 'b']) assert.equal(await handle(9, file), 5);
      assert.equal(await handle(10, 'a'), 8);
      assert.equal(await handle(9, 'c'), 5);
      assert.equal((await call('article/event_notity', event(9, 'a', 'again'))).errcode, 42901);
      const swap = { item: [event(10, 'b', 'swap-1'), event(9, 'a', 'swap-2')] };
      assert.equal((await call('article/event_notity', swap)).errcode, 0);
      assert.equal(await account.told('swap-2'), 5);
      await call('assistant/delete', { appid });
      await account.service.createLearned(appid);
      const { knowledge_id } = await call('knowledge/create', { appid, name: '新' });
      assert.equal((await call('article/event_notity', event(9, 'c', 'fresh', knowledge_id))).errcode, 0);
    });
  });
}
