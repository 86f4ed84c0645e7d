import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { purgeBases } from '../../src/knowledge/purge-bases.ts';
import { series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { runPrune } from '../support/pruning.ts';
import { finds } from '../support/search.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** What belongs to a base, by the column that names it. */
const tables = {
  ...{ index_block: 'base_no', passage: 'base_no', index_base: 'base_no' },
  ...{ document: 'knowledge_id', article_ban: 'knowledge_id', learning: 'knowledge_id' },
};

for (const { name: dialect } of dialects) {
  describe(`purging deleted bases on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, articles: series('purge', 5) });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database.close();
      await service.stop();
    });

    const call = (path: string, body: unknown) => service.call(`/api/wxmp/${path}`, body);
    const purge = (signal = new AbortController().signal) =>
      purgeBases({ database, config: toConfig({}) } as unknown as Context, signal);
    /** The row of a base whose assistant is deleted goes, too. */
    const baseNos = new Map<string, number>();
    const baseNoOf = async (knowledgeId: string) => {
      const sql = 'select base_no from knowledge where knowledge_id = ?';
      const [row] = await database.all<{ base_no: number }>(sql, [knowledgeId]);
      if (row !== undefined) baseNos.set(knowledgeId, row.base_no);
      return baseNos.get(knowledgeId)!;
    };
    /** How many rows each table has of a base. */
    const count = async (knowledgeId: string) => {
      const baseNo = await baseNoOf(knowledgeId);
      const counts: Record<string, number> = {};
      for (const [table, column] of Object.entries(tables)) {
        const id = column === 'base_no' ? baseNo : knowledgeId;
        counts[table] = (await database.all(`select 1 from ${table} where ${column} = ?`, [id])).length;
      }
      return counts;
    };
    const none = Object.fromEntries(Object.keys(tables).map((table) => [table, 0]));
    const articlesBase = async (appid: string): Promise<string> =>
      (await call('assistant/detail', { appid })).knowledges[0].knowledge_id;
    /** Adds more rows than one statement deletes to every table of a base that can have them. */
    const fill = async (knowledge_id: string, appid: string, length: number) => {
      const base_no = await baseNoOf(knowledge_id);
      const insert = async (table: string, toRow: (at: number) => Record<string, string | number | Uint8Array>) => {
        const rows = Array.from({ length }, (_, at) => toRow(at));
        for (let from = 0; from < length; from += 100) await database.insert(table, rows.slice(from, from + 100));
      };
      const times = { created_at: 1, updated_at: 1 };
      await insert('index_block', (at) => ({
        base_no,
        generation: 1,
        term: at,
        block: at % 3,
        data: new Uint8Array(4),
      }));
      await insert('passage', (at) => ({ base_no, ordinal: 1000 + at, document_id: 'x', heading: '', text: 'x' }));
      await insert('document', (at) => ({
        ...{
          document_id: `${knowledge_id.slice(-20)}${at}`,
          knowledge_id,
          appid,
          source_key: `x${at}`,
          title: '',
          url: '',
        },
        ...{ file_type: 'TXT', state: 5, ...times },
      }));
      await insert('article_ban', (at) => ({ knowledge_id, article_id: `x${at}`, msgidx: at % 2, hidden: 1 }));
    };

    test('what a deleted assistant and a deleted base held goes in batches, and what is not deleted stays', async () => {
      for (const appid of ['wx_gone', 'wx_stays']) {
        await service.createLearned(appid);
        await call('article/event_notity', { appid, event_id: 'ban', event_type: 7, article_id: 'purge2', msgidx: 0 });
        await until('the ban is handled', async () => (await call('assistant/detail', { appid })).status === 4);
      }
      const gone = await articlesBase('wx_gone');
      const stays = await articlesBase('wx_stays');
      const { knowledge_id: files } = await call('knowledge/create', { appid: 'wx_stays', name: 'files' });
      await fill(gone, 'wx_gone', 1203);
      await fill(files, 'wx_stays', 501);
      await call('assistant/delete', { appid: 'wx_gone' });
      await call('knowledge/delete', { appid: 'wx_stays', knowledge_id: files });
      const before = await count(stays);
      for (const [table, rows] of Object.entries(before)) assert.ok(rows > 0, table);

      await purge(AbortSignal.abort());
      assert.equal((await count(gone)).passage, 1203 + 5, 'a run that is stopped deletes nothing more');
      await purge();
      assert.deepEqual([await count(gone), await count(files), await count(stays)], [none, none, before]);
      assert.ok(await finds(service, 'wx_stays', 'purgew1'));
      assert.equal(await finds(service, 'wx_stays', 'purgew2'), false);

      // Deleting again is no error after the purge either, and neither is a purge of nothing.
      await purge();
      assert.deepEqual(await call('assistant/delete', { appid: 'wx_gone' }), { errcode: 0, errmsg: 'ok', status: 4 });
      assert.equal((await call('knowledge/delete', { appid: 'wx_stays', knowledge_id: files })).errcode, 0);

      // Of the base a row is left; it goes when the base's deletion is remembered for long enough.
      const rows = async () =>
        (await database.all<{ id: string }>('select knowledge_id id from knowledge')).map(({ id }) => id);
      assert.deepEqual((await rows()).toSorted(), [files, stays].toSorted());
      await database.run('update knowledge set deleted_at = deleted_at - ? where knowledge_id = ?', [
        31 * dayMs,
        files,
      ]);
      await purge();
      assert.deepEqual(await rows(), [stays]);
    });

    test('a purge while the account learns anew takes nothing of the new base, and the schedule runs it', async () => {
      await service.createLearned('wx_anew');
      const old = await articlesBase('wx_anew');
      await count(old);
      await call('assistant/delete', { appid: 'wx_anew' });
      await Promise.all([service.createLearned('wx_anew'), purge()]);
      assert.deepEqual(await count(old), none);
      const fresh = await articlesBase('wx_anew');
      assert.equal((await count(fresh)).document, 5);
      assert.ok(await finds(service, 'wx_anew', 'purgew3'));
      await call('assistant/delete', { appid: 'wx_anew' });
      await service.stopApp();
      await service.restartApp({ PRUNE_CRON: '* * * * * *' });
      await until('it is purged', async () => (await count(fresh)).learning === 0);
      assert.deepEqual(await count(fresh), none);
    });

    test('the ids of events outlive their base, for as long as those of others', async () => {
      const appid = 'wx_ids';
      await service.createLearned(appid);
      const { knowledge_id } = await call('knowledge/create', { appid, name: 'files' });
      service.wechat.state.files.set('broken', Buffer.from('PK\x03\x04 and no more'));
      const event = {
        ...{ appid, event_id: 'f1', event_type: 9, knowledge_id, file_id: 'broken', file_type: 'DOCX' },
        ...{ file_name: 'broken.docx', file_cos_url: `${service.wechat.url}/files/broken?sign=1` },
      };
      const told = () => service.wechat.state.notices.filter(({ eventId }) => eventId === 'f1').length;
      const notify = async (more: object = {}) => (await call('article/event_notity', { ...event, ...more })).errcode;
      assert.equal(await notify(), 0);
      await until('it is told', () => told() === 1);
      await until('its delivery is recorded', async () => {
        return (await database.all("select 1 from dispatch where state = 'pending'")).length === 0;
      });
      await call('knowledge/delete', { appid, knowledge_id });
      const { knowledge_id: other } = await call('knowledge/create', { appid, name: 'others' });
      await runPrune(database);
      assert.deepEqual(await count(knowledge_id), none);
      assert.equal(await notify(), 0, 'a repeat');
      assert.equal(await notify({ knowledge_id: other }), 40901);
      const age = (table: string, column: string) =>
        database.run(`update ${table} set ${column} = ${column} - ? where appid = ?`, [31 * dayMs, appid]);
      for (const table of ['assistant', 'article_event']) await age(table, 'created_at');
      await runPrune(database);
      assert.equal(await notify(), 0, 'a repeat, while its notice is there');
      await age('dispatch', 'settled_at');
      await runPrune(database);
      assert.equal(await notify(), 40401, 'forgotten');
      assert.equal(told(), 1);
    });
  });
}
