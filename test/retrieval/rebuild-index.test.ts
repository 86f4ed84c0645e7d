import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { sharedRows } from '../../src/db/migrations/20261122-shared-rows.ts';
import { sweepPassages } from '../../src/retrieval/index-passages.ts';
import { findIndexWork, pruneBatch, rebuildBatch } from '../../src/retrieval/rebuild-index.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { tokenizerVersion } from '../../src/retrieval/tokenise.ts';
import { eachDatabase } from '../support/databases.ts';
import { fillBase } from './make-base.ts';

const baseNo = 4_503_599_627_370_002;
const words = ['水母', '企鹅', '海龟', '门票', '展厅', '讲解', '停车', '年卡'];
const documents = Array.from({ length: 40 }, (_, at) => ({
  id: `d${at}`,
  title: `第${at}篇`,
  passages: Array.from({ length: 9 }, (_, part) => `${words[(at + part) % 8]}在第${at}层，编号${at * 100 + part}。`),
}));

eachDatabase((dialectName, open) => {
  describe(`building an index anew on ${dialectName}`, () => {
    test('the same is found with the same scores before, in between and after, and the old blocks go at last', async () => {
      const database = await open();
      await fillBase(database, baseNo, documents);
      const before = await resultsOf(database);
      await database.run('update index_base set removed = 1000'); // as if so many were gone
      let steps = 0;
      for (; (await findIndexWork(database, baseNo))?.kind === 'rebuild'; steps++) {
        await database.tx((tx) => rebuildBatch(tx, baseNo));
        assert.deepEqual(await resultsOf(database), before);
      }
      assert.ok(steps > 4, 'in parts');
      assert.deepEqual(await generations(database), [1, 2]);
      assert.equal((await findIndexWork(database, baseNo))?.kind, 'wait');
      await database.run('update index_base set switched_at = 0');
      while ((await findIndexWork(database, baseNo))?.kind === 'prune') {
        await database.tx((tx) => pruneBatch(tx, baseNo));
      }
      assert.deepEqual(await generations(database), [2]);
      assert.deepEqual(await resultsOf(database), before);
      assert.equal(await findIndexWork(database, baseNo), undefined);
    });

    test('what is added while it is built is found before and after the switch', async () => {
      const database = await open();
      await fillBase(database, baseNo, documents);
      await database.run('update index_base set removed = 1000');
      for (let step = 0; step < 3; step++) await database.tx((tx) => rebuildBatch(tx, baseNo));
      await fillBase(database, baseNo, [{ id: 'new', passages: ['蓝鲸骨架长二十六米。'] }]);
      assert.deepEqual(await idsOf(database, '蓝鲸骨架'), ['new']);
      while ((await findIndexWork(database, baseNo))?.kind === 'rebuild') {
        await database.tx((tx) => rebuildBatch(tx, baseNo));
      }
      assert.deepEqual(await idsOf(database, '蓝鲸骨架'), ['new']);
      assert.equal((await indexOf(database)).passages, 40 * 9 + 1);
    });

    test('an index of much that is gone is compacted, and counts only what is there', async () => {
      const database = await open();
      const many = Array.from({ length: 70 }, (_, at) => ({ ...documents[at % 40]!, id: `m${at}` }));
      await fillBase(database, baseNo, many);
      for (const { id } of many.slice(0, 60)) {
        await database.tx((tx) => sweepPassages(tx, baseNo, { documentId: id, revision: 1 }, 100));
      }
      assert.deepEqual([(await indexOf(database)).passages, (await indexOf(database)).removed], [630, 540]);
      const bytes = await sizeOf(database, 1);
      while ((await findIndexWork(database, baseNo))?.kind === 'rebuild') {
        await database.tx((tx) => rebuildBatch(tx, baseNo));
      }
      const { passages, removed, generation } = await indexOf(database);
      assert.deepEqual([passages, removed, generation], [90, 0, 2]);
      assert.ok((await sizeOf(database, 2)) < bytes / 4);
    });

    test('a file that is changed every day is answered from as on the first day', async () => {
      const database = await open();
      await fillBase(database, baseNo, documents.slice(0, 7));
      const text = '夜宿活动每位收费三百二十元，含早餐。';
      const support: number[] = [];
      for (let day = 0; day < 150; day++) {
        await fillBase(database, baseNo, [{ id: `day-${day}`, passages: [text] }]);
        if (day > 0) {
          const yesterday = { documentId: `day-${day - 1}`, revision: 1 };
          await database.tx((tx) => sweepPassages(tx, baseNo, yesterday, 100));
        }
        while ((await findIndexWork(database, baseNo))?.kind === 'rebuild') {
          await database.tx((tx) => rebuildBatch(tx, baseNo));
        }
        if (day % 50 === 0 || day === 149) support.push((await search(database, '夜宿活动收费多少？')).support);
      }
      assert.ok(Math.min(...support) > 0.9 * support[0]!, support.join());
    });

    test('an index from before rows were shared is built anew, and its old rows are pruned', async () => {
      const database = await open();
      await fillBase(database, baseNo, documents);
      const before = await resultsOf(database);
      await database.run('update index_base set next_generation = 2, built = 7'); // while it was being built
      for (let run = 0; run < 2; run++) await sharedRows.run(database);
      assert.deepEqual(await idsOf(database, '水母'), []);
      await fillBase(database, baseNo, [{ id: 'new', passages: ['蓝鲸骨架长二十六米。'] }]);
      while ((await findIndexWork(database, baseNo)) !== undefined) {
        const { kind } = (await findIndexWork(database, baseNo))!;
        if (kind === 'wait') await database.run('update index_base set switched_at = 0');
        else await database.tx((tx) => (kind === 'rebuild' ? rebuildBatch(tx, baseNo) : pruneBatch(tx, baseNo)));
      }
      assert.deepEqual(await generations(database), [(await indexOf(database)).generation]);
      assert.deepEqual(await idsOf(database, '蓝鲸骨架'), ['new']);
      await database.run("delete from document where document_id = 'new'");
      assert.deepEqual(
        await textsOf(database),
        before.map(({ passages }) => passages.map(({ text }) => text)),
      );
    });

    test('an index of the tokenizer before is searched and added to as it was built, until it is built anew', async () => {
      const database = await open();
      await fillBase(database, baseNo, []);
      await database.run('update index_base set tokenizer_version = 1');
      await fillBase(database, baseNo, [{ id: 'trad', passages: ['博物館的門票可以退換。'] }]);
      const score = async (query: string) => (await search(database, query)).passages[0]?.score ?? 0;
      assert.ok((await score('門票退換')) > (await score('门票退换')), 'the other script finds what both have only');
      while ((await findIndexWork(database, baseNo))?.kind === 'rebuild') {
        await database.tx((tx) => rebuildBatch(tx, baseNo));
      }
      assert.equal((await indexOf(database)).tokenizer_version, tokenizerVersion);
      assert.ok((await score('門票退換')) > 0);
      assert.equal(await score('門票退換'), await score('门票退换'));
    });
  });
});

async function search(database: Database, query: string) {
  return searchPassages(database, { baseNos: [baseNo], query, limit: 10 });
}

async function resultsOf(database: Database) {
  return Promise.all([...words, '第7层的水母编号', '企鹅 706'].map((query) => search(database, query)));
}

async function textsOf(database: Database): Promise<string[][]> {
  return (await resultsOf(database)).map(({ passages }) => passages.map(({ text }) => text));
}

async function idsOf(database: Database, query: string): Promise<string[]> {
  return (await search(database, query)).passages.map(({ source }) => source.documentId);
}

async function indexOf(database: Database) {
  const [row] = await database.all<{
    passages: number;
    removed: number;
    generation: number;
    tokenizer_version: number;
  }>('select passages, removed, generation, tokenizer_version from index_base where base_no = ?', [baseNo]);
  return row!;
}

async function generations(database: Database): Promise<number[]> {
  const rows = await database.all<{ generation: number }>(
    'select distinct generation from index_block order by generation',
  );
  return rows.map(({ generation }) => generation);
}

async function sizeOf(database: Database, generation: number): Promise<number> {
  const [row] = await database.all<{ bytes: number | string }>(
    'select sum(length(data)) bytes from index_block where generation = ?',
    [generation],
  );
  return Number(row!.bytes);
}
