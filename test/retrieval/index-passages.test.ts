import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { addPassages, createIndexBase, sweepPassages } from '../../src/retrieval/index-passages.ts';
import { codeOfLength } from '../../src/retrieval/score.ts';
import { termOf, tokenise } from '../../src/retrieval/tokenise.ts';
import { eachDatabase } from '../support/databases.ts';
import { fillBase } from './make-base.ts';

/** Larger than 32 bits, as the numbers of bases are. */
const baseNo = 4_503_599_627_370_001;

eachDatabase((dialectName, open) => {
  describe(`the index on ${dialectName}`, () => {
    test('blocks read back byte for byte what was appended, in many transactions, 00 and ff among it', async () => {
      const database = await open();
      // 300 occurrences are 255; ordinals pass 255 and 256, and one document spans the border of a block.
      for (let at = 0; at < 20; at++) {
        const text = `词${at % 7 === 0 ? ' 词'.repeat(299) : ''}`;
        await fillBase(database, baseNo, [{ id: `d${at}`, passages: Array(13).fill(text) }]);
      }
      await database.run('update index_base set next_ordinal = 4090');
      await fillBase(database, baseNo, [{ id: 'border', passages: Array(12).fill('词') }]);
      const expected = (from: number, count: number, frequencyOf: (ordinal: number) => number) =>
        Array.from({ length: count }, (_, at) => {
          const frequency = frequencyOf(from + at);
          const ordinal = (from + at) % 4096;
          return [ordinal & 0xff, ordinal >> 8, Math.min(255, frequency), codeOfLength(frequency)];
        }).flat();
      const often = (ordinal: number) => (Math.floor(ordinal / 13) % 7 === 0 ? 300 : 1);
      assert.deepEqual(await blocksOf(database, '词'), [
        [0, [...expected(0, 260, often), ...expected(4090, 6, () => 1)]],
        [1, expected(4096, 6, () => 1)],
      ]);
      assert.ok((await blocksOf(database, '词'))[0]![1].some((byte) => byte === 0xff));
    });

    test('counts and ordinals follow what is added; removing leaves them, and adding again gives new ordinals', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', title: '甲', passages: ['一二', '三'] }]);
      const tokens = [...tokenise('甲\n\n一二'), ...tokenise('甲\n\n三')].length;
      assert.deepEqual(await indexBase(database), { passages: 2, tokens, next_ordinal: 2, generation: 1 });
      await database.tx((tx) => sweepPassages(tx, baseNo, { documentId: 'a', revision: 1 }, 100));
      assert.deepEqual(await indexBase(database), { passages: 2, tokens, next_ordinal: 2, generation: 1 });
      await database.tx((tx) =>
        addPassages(tx, baseNo, { documentId: 'a', revision: 0, title: '' }, [{ heading: '', text: '四' }]),
      );
      const rows = await database.all<{ ordinal: number }>('select ordinal from passage order by ordinal');
      assert.deepEqual(rows, [{ ordinal: 2 }]);
    });

    test('title and heading are searchable; a heading that begins the passage counts once', async () => {
      const database = await open();
      const passages = [
        { heading: '票价', text: '成人' },
        { heading: '时间', text: '时间\n九点' },
      ];
      await fillBase(database, baseNo, [{ id: 'a', title: '须知', passages }]);
      assert.equal((await blocksOf(database, '须知'))[0]![1].length, 8);
      assert.equal((await blocksOf(database, '票价'))[0]![1].length, 4);
      assert.deepEqual((await blocksOf(database, '时间'))[0]![1].slice(0, 3), [1, 0, 1]);
    });

    test('a large document is written in statements that every engine takes', async () => {
      const database = await open();
      const passages = Array.from({ length: 1203 }, (_, at) => `第 ${at} 段 word${at}x 与 other${at}y`);
      await fillBase(database, baseNo, [{ id: 'large', passages: [...passages, '长'.repeat(300_000)] }]);
      const [count] = await database.all<{ n: number }>('select count(*) n from passage');
      assert.equal(Number(count?.n), 1204);
      assert.equal((await blocksOf(database, 'word1202x')).length, 1);
      assert.equal((await blocksOf(database, '第'))[0]![1].length, 4 * 1203);
    });

    test('a transaction that fails leaves nothing in the index', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', passages: ['水母'] }]);
      const before = await blocksOf(database, '水母');
      const failing = database.tx(async (tx) => {
        await addPassages(tx, baseNo, { documentId: 'a', revision: 0, title: '' }, [
          { heading: '', text: '水母 水母' },
        ]);
        throw new Error('on purpose');
      });
      await assert.rejects(failing, /on purpose/);
      assert.deepEqual(await blocksOf(database, '水母'), before);
      assert.equal((await indexBase(database)).next_ordinal, 1);
    });

    test('an index that another tokenizer built is not added to, and one that is there is kept', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', passages: ['水母'] }]);
      await createIndexBase(database, baseNo);
      assert.equal((await indexBase(database)).passages, 1);
      await database.run('update index_base set tokenizer_version = 999');
      const adding = database.tx((tx) =>
        addPassages(tx, baseNo, { documentId: 'a', revision: 0, title: '' }, [{ heading: '', text: '水母' }]),
      );
      await assert.rejects(adding, /tokenizer 999/);
      await assert.rejects(
        database.tx((tx) =>
          addPassages(tx, 12345, { documentId: 'a', revision: 0, title: '' }, [{ heading: '', text: '水母' }]),
        ),
        /no index/,
      );
    });
  });
});

async function blocksOf(database: Database, token: string): Promise<[block: number, bytes: number[]][]> {
  const rows = await database.all<{ block: number; data: Uint8Array }>(
    'select block, data from index_block where base_no = ? and generation = 1 and term = ? order by block',
    [baseNo, termOf(token)],
  );
  return rows.map(({ block, data }) => [block, [...data]]);
}

async function indexBase(database: Database) {
  const [row] = await database.all<{ passages: number; tokens: number; next_ordinal: number; generation: number }>(
    'select passages, tokens, next_ordinal, generation from index_base where base_no = ?',
    [baseNo],
  );
  return { ...row! };
}
