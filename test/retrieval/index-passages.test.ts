import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import type { Binding } from '../../src/db/session.ts';
import { addPassages, createIndexBase, sweepPassages, writeIndex } from '../../src/retrieval/index-passages.ts';
import { blockOrdinals, encodeRow, packPosting, rowOf, tagOf, termOf } from '../../src/retrieval/postings.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { tokenise } from '../../src/retrieval/tokenise.ts';
import { eachDatabase } from '../support/databases.ts';
import { fillBase } from './make-base.ts';

/** Larger than 32 bits, as the numbers of bases are. */
const baseNo = 4_503_599_627_370_001;

eachDatabase((dialectName, open) => {
  describe(`the index on ${dialectName}`, () => {
    test('blocks read back byte for byte what was appended, in many transactions, 00 and ff among it', async () => {
      const database = await open();
      // Ordinals pass 255 and 256, and one document spans the border of a block.
      for (let at = 0; at < 20; at++) {
        const text = `词${at % 7 === 0 ? ' 词'.repeat(299) : ''}`;
        await fillBase(database, baseNo, [{ id: `d${at}`, passages: Array(13).fill(text) }]);
      }
      const border = blockOrdinals - 6;
      await database.run('update index_base set next_ordinal = ?', [border]);
      await fillBase(database, baseNo, [{ id: 'border', passages: Array(12).fill('词') }]);
      const expected = (from: number, count: number, frequencyOf: (ordinal: number) => number) =>
        encodeRow(
          Array.from({ length: count }, (_, at) => {
            const frequency = frequencyOf(from + at);
            return packPosting(from + at, frequency, frequency);
          }),
        );
      const often = (ordinal: number) => (Math.floor(ordinal / 13) % 7 === 0 ? 300 : 1);
      const [first, second] = await rowsOf(database, '词');
      assert.deepEqual(first, [0, [...expected(0, 260, often), ...expected(border, 6, () => 1)]]);
      assert.deepEqual(second, [1, [...expected(blockOrdinals, 6, () => 1)]]);
      assert.ok(first![1].includes(0) && first![1].includes(0xff), 'all bytes are kept');
    });

    test('tokens that share a row are told apart by their tags', async () => {
      const database = await open();
      const [word, other] = pairThatSharesItsRow();
      await fillBase(database, baseNo, [{ id: 'a', passages: [word, `${other} ${other}`, `${word} ${other}`] }]);
      const rows = (await rowsOf(database, word))[0]![1];
      const posting = (ordinal: number, frequency: number) =>
        packPosting(ordinal, frequency, Math.max(1, ordinal && 2));
      const [x, y] = [tagOf(termOf(word)), tagOf(termOf(other))];
      assert.deepEqual(rows, [...encodeRow([x, posting(0, 1), y, posting(1, 2), x, posting(2, 1), y, posting(2, 1)])]);
      const found = await searchPassages(database, { baseNos: [baseNo], query: other, limit: 10 });
      assert.deepEqual(
        found.passages.map(({ text }) => text),
        [`${other} ${other}`, `${word} ${other}`],
      );
    });

    test('documents of one transaction go to their rows together, each with its own ordinals', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', passages: [] }]);
      await database.tx((tx) =>
        writeIndex(tx, baseNo, async (index) => {
          for (const documentId of ['x', 'y', 'z']) {
            const passages = Array.from({ length: 70 }, (_, at) => ({ heading: '', text: `水母 ${documentId}${at}` }));
            await index.add({ documentId, revision: 0, title: '' }, passages);
          }
        }),
      );
      const rows = await database.all<{ document_id: string; n: number; least: number }>(
        'select document_id, count(*) n, min(ordinal) least from passage group by document_id order by document_id',
      );
      assert.deepEqual(
        rows.map(({ document_id, n, least }) => [document_id, Number(n), least]),
        [
          ['x', 70, 0],
          ['y', 70, 70],
          ['z', 70, 140],
        ],
      );
      assert.equal((await indexBase(database)).next_ordinal, 210);
      assert.equal((await rowsOf(database, '母'))[0]![1].length, 3 * 210);
    });

    test('more than memory should hold is written in parts', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', passages: [] }]);
      const text = (at: number) => Array.from({ length: 700 }, (_, n) => `w${at}x${n}`).join(' ');
      const passages = Array.from({ length: 330 }, (_, at) => ({ heading: '', text: `${text(at)} 水` }));
      let parts = 0;
      await database.tx((tx) => {
        const run = (sql: string, bindings?: readonly Binding[]) => {
          if (sql.startsWith('update index_base')) parts++;
          return tx.run(sql, bindings);
        };
        return addPassages({ ...tx, run }, baseNo, { documentId: 'a', revision: 0, title: '' }, passages);
      });
      assert.equal(parts, 2);
      assert.deepEqual((await rowsOf(database, '水'))[0]![1].length, 3 * 330);
      const { passages: counted, next_ordinal } = await indexBase(database);
      assert.deepEqual([counted, next_ordinal], [330, 330]);
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
      assert.equal((await rowsOf(database, '须'))[0]![1].length, 6);
      assert.equal((await rowsOf(database, '票'))[0]![1].length, 3);
      const tokens = tokenise('须知\n时间\n九点').length;
      assert.deepEqual((await rowsOf(database, '间'))[0]![1], [...encodeRow([packPosting(1, 1, tokens)])]);
    });

    test('a large document is written in statements that every engine takes', async () => {
      const database = await open();
      const passages = Array.from({ length: 1203 }, (_, at) => `第 ${at} 段 word${at}x 与 other${at}y`);
      await fillBase(database, baseNo, [{ id: 'large', passages: [...passages, '长'.repeat(300_000)] }]);
      const [count] = await database.all<{ n: number }>('select count(*) n from passage');
      assert.equal(Number(count?.n), 1204);
      assert.equal((await rowsOf(database, 'word1202x')).length, 1);
      assert.equal((await rowsOf(database, '第'))[0]![1].length, 3 * 1203);
    });

    test('a transaction that fails leaves nothing in the index', async () => {
      const database = await open();
      await fillBase(database, baseNo, [{ id: 'a', passages: ['水母'] }]);
      const before = await rowsOf(database, '水母');
      const failing = database.tx(async (tx) => {
        await addPassages(tx, baseNo, { documentId: 'a', revision: 0, title: '' }, [
          { heading: '', text: '水母 水母' },
        ]);
        throw new Error('on purpose');
      });
      await assert.rejects(failing, /on purpose/);
      assert.deepEqual(await rowsOf(database, '水母'), before);
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

/** Two words that the index keeps in one row. */
function pairThatSharesItsRow(): [string, string] {
  const seen = new Map<number, string>();
  for (let at = 0; ; at++) {
    const word = `word${at}`;
    const other = seen.get(rowOf(termOf(word)));
    if (other !== undefined) return [word, other];
    seen.set(rowOf(termOf(word)), word);
  }
}

/** The rows that hold a token, block by block. */
async function rowsOf(database: Database, token: string): Promise<[block: number, bytes: number[]][]> {
  const rows = await database.all<{ block: number; data: Uint8Array }>(
    'select block, data from index_block where base_no = ? and generation = 1 and term = ? order by block',
    [baseNo, rowOf(termOf(token))],
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
