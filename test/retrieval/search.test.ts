import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import type { Binding, Session } from '../../src/db/session.ts';
import type { Found } from '../../src/expert/expert.ts';
import { sweepPassages } from '../../src/retrieval/index-passages.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { eachDatabase } from '../support/databases.ts';
import { fillBase, type TestDocument } from './make-base.ts';

const first = 4_503_599_627_370_001;
const second = 17;

/** What each dialect found for the same questions. */
const foundOn = new Map<string, Found[]>();

eachDatabase((dialectName, open) => {
  describe(`searching on ${dialectName}`, () => {
    const find = (database: Database, query: string, baseNos = [first], limit = 5) =>
      searchPassages(database, { baseNos, query, limit });
    const idsOf = ({ passages }: Found) => passages.map(({ source }) => source.documentId);

    test('the passage that the question is about comes first, with its source', async () => {
      const database = await open();
      await fillBase(database, first, [
        { id: 'jelly', title: '水母馆', passages: [{ heading: '开放', text: '水母馆每天十点开放。' }] },
        { id: 'seal', title: '海豹湾', passages: ['海豹湾每天九点喂食。'] },
      ]);
      const found = await find(database, '请问水母馆每天什么时候开放呢？');
      assert.equal(found.passages.length, 2);
      assert.ok(found.support > 0.6 && found.support <= 1);
      const source = { documentId: 'jelly', title: '水母馆', url: 'https://example.com/jelly' };
      const { score, ...best } = found.passages[0]!;
      assert.deepEqual(best, { source, heading: '开放', text: '水母馆每天十点开放。' });
      assert.ok(score > found.passages[1]!.score);
    });

    test('hidden, unfinished and removed documents are never found, and are the next time they are shown', async () => {
      const database = await open();
      await fillBase(database, first, [
        { id: 'shown', passages: ['水母发光'] },
        { id: 'hidden', passages: ['水母发光'], hidden: 1 },
        { id: 'parsing', passages: ['水母发光'], state: 3 },
        { id: 'withdrawn', passages: ['水母发光'] },
        { id: 'deleted', passages: ['水母发光'], state: 8 },
        { id: 'removed', passages: ['水母发光'] },
        { id: 'purged', passages: ['水母发光'] },
      ]);
      await database.tx((tx) => sweepPassages(tx, first, { documentId: 'removed', revision: 1 }, 100));
      await database.run("delete from document where document_id = 'purged'");
      await database.run("update passage set revision = 1 where document_id = 'parsing'"); // being added
      await database.run("update document set withdrawn_by = 7 where document_id = 'withdrawn'");
      assert.deepEqual(idsOf(await find(database, '水母发光')), ['shown']);
      await database.run("update document set hidden = 0 where document_id = 'hidden'");
      assert.deepEqual(idsOf(await find(database, '水母发光')), ['shown', 'hidden']);
      await database.run('update document set hidden = 1');
      assert.deepEqual(await find(database, '水母发光'), { passages: [], support: 0 });
    });

    test('however many hidden ones are better, those that may be shown fill the result', async () => {
      const database = await open();
      await fillBase(database, first, [
        { id: 'hidden', passages: Array(400).fill('水母发光'), hidden: 1 },
        { id: 'shown', passages: Array(7).fill('水母在很大很大的池子里发光') },
      ]);
      assert.deepEqual(idsOf(await find(database, '水母发光')), Array(5).fill('shown'));
    });

    test('a base never sees the passages of another; several are ranked as one corpus', async () => {
      const database = await open();
      await fillBase(database, first, [{ id: 'a', passages: ['水母发光', '海豹睡觉'] }]);
      await fillBase(database, second, [{ id: 'b', passages: ['水母发光', '水母游泳', '水母吃虾'] }]);
      await fillBase(database, 18, []);
      assert.deepEqual(idsOf(await find(database, '水母', [first])), ['a']);
      assert.deepEqual(idsOf(await find(database, '水母', [second])), ['b', 'b', 'b']);
      assert.deepEqual(idsOf(await find(database, '水母', [18])), []);
      assert.deepEqual(idsOf(await find(database, '水母', [404])), []);
      assert.deepEqual(idsOf(await find(database, '水母', [])), []);
      const both = await find(database, '发光', [first, second, 18, 404]);
      assert.deepEqual(idsOf(both), ['b', 'a']);
      assert.equal(both.passages[0]!.score, both.passages[1]!.score, 'rarity is that of the bases together');
      assert.deepEqual(await find(database, '发光', [second, first, first]), both);
    });

    test('a base whose index was built anew is searched in its new generation only', async () => {
      const database = await open();
      await fillBase(database, first, [{ id: 'a', passages: ['水母发光'] }]);
      await fillBase(database, second, [{ id: 'b', passages: ['水母发光'] }]);
      await database.run('update index_base set generation = 2 where base_no = ?', [first]);
      assert.deepEqual(idsOf(await find(database, '水母', [first, second])), ['b']);
      await database.run('update index_block set generation = 2 where base_no = ?', [first]);
      assert.deepEqual(idsOf(await find(database, '水母', [first, second])), ['b', 'a']);
    });

    test('of an essay the rarest terms that occur are searched for', async () => {
      const database = await open();
      const common = Array.from({ length: 90 }, (_, at) => `common${at}`).join(' ');
      await fillBase(database, first, [
        { id: 'common', passages: Array(30).fill(common) },
        { id: 'rare', passages: ['needle and straw'] },
      ]);
      const found = await find(database, `${common} needle ${'unknown'.repeat(3)} straw`);
      assert.ok(idsOf(found).includes('rare'), 'a rare term is among the 64');
      const scored = found.passages.find(({ source }) => source.documentId === 'common');
      const sixty = await find(database, common.split(' ').slice(0, 60).join(' '));
      const share = scored!.score / sixty.passages[0]!.score;
      assert.ok(share > 1 && share < 64.5 / 60, `${60 * share} of 90 common terms were scored`);
    });

    test('a character that is in most passages is searched for only where nothing else of the question occurs', async () => {
      const database = await open();
      const many = Array.from({ length: 700 }, (_, at) => `海 ${at % 7}`);
      await fillBase(database, first, [
        { id: 'sea', passages: many },
        { id: 'both', passages: ['海 蓝'] },
        { id: 'blue', passages: ['蓝'] },
      ]);
      assert.deepEqual(idsOf(await find(database, '海 蓝')), ['blue', 'both']);
      assert.equal(idsOf(await find(database, '海')).length, 5);
      assert.deepEqual(idsOf(await find(database, '海 绿')), idsOf(await find(database, '海')));
    });

    test('of an essay to a base of millions only so many terms are read that memory stays bounded', async () => {
      const database = await open();
      const words = Array.from({ length: 90 }, (_, at) => `word${at}`);
      await fillBase(database, first, [{ id: 'a', passages: [words.join(' ')] }]);
      const mostBound = async () => {
        let most = 0;
        const all = (sql: string, bindings: readonly Binding[] = []) => {
          most = Math.max(most, bindings.length);
          return database.all(sql, bindings);
        };
        const session = { ...database, all } as Session;
        const { passages } = await searchPassages(session, { baseNos: [first], query: words.join(' '), limit: 5 });
        assert.equal(passages.length, 1);
        return most;
      };
      assert.equal(await mostBound(), 90 + 2);
      await database.run('update index_base set next_ordinal = 8000000');
      assert.equal(await mostBound(), 9 + 2);
    });

    test('hostile questions are answered with little, soon, and without an error', async () => {
      const database = await open();
      await fillBase(database, first, [{ id: 'a', passages: ['水母发光，鲨鱼睡觉。', 'needle'] }]);
      for (const query of [
        '',
        ' ',
        '？！。，…',
        '\u0000',
        '水\u0000母',
        '😀🏳️‍🌈',
        "'; drop table passage; --",
        '%_\\',
        '\ud800',
      ]) {
        const { support, passages } = await find(database, query);
        assert.ok(support >= 0 && support <= 1 && passages.length <= 2, query);
      }
      for (const unit of ['水母', '\u0316\u0301', 'a', '￥', '一二三四五六七八九十']) {
        const startedMs = performance.now();
        await find(database, unit.repeat(10_000 / unit.length));
        assert.ok(performance.now() - startedMs < 1000, unit);
      }
      assert.equal((await find(database, '水母', [first], 0)).passages.length, 0);
    });

    test('support is high for what is there and low for what is not', async () => {
      const database = await open();
      await fillBase(database, first, animals());
      assert.ok((await find(database, '电鳗住在哪个馆？')).support > 0.6);
      assert.ok((await find(database, '企业所得税税率是多少？')).support < 0.4);
      assert.equal((await find(database, 'quantum computing')).support, 0);
    });

    test('a search that was given up ends', async () => {
      const database = await open();
      await fillBase(database, first, [{ id: 'a', passages: ['水母'] }]);
      const signal = AbortSignal.abort(new Error('given up'));
      const search = searchPassages(database, { baseNos: [first], query: '水母', limit: 1, signal });
      await assert.rejects(search, /given up/);
    });

    test('the same questions are asked of every engine', async () => {
      const database = await open();
      await fillBase(database, first, animals());
      await fillBase(
        database,
        second,
        animals().map(({ id, passages }) => ({ id: `${id}-2`, passages })),
      );
      const questions = [
        '电鳗住在哪里',
        '企鹅几点吃饭',
        '馆',
        '海龟和海豹哪个大',
        '每天十点',
        'open 10:00',
        '小孩多少钱',
      ];
      const found: Found[] = [];
      for (const query of questions) found.push(await find(database, query, [first, second], 20));
      foundOn.set(dialectName, found);
    });
  });
});

after(() => {
  const [[, expected], ...others] = [...foundOn] as [[string, Found[]], ...[string, Found[]][]];
  for (const [name, found] of others) assert.deepEqual(found, expected, `${name} ranks or scores otherwise`);
});

/** A base of 240 passages that share most of their words, so that scores are near one another or equal. */
function animals(): TestDocument[] {
  const names = ['电鳗', '企鹅', '海龟', '海豹', '水母', '章鱼', '海马', '鲨鱼', '水獭', '螃蟹', '海星', '江豚'];
  const places = ['极地馆', '河流馆', '暗光层', '蓝渊', '触摸池'];
  return names.map((name, at) => ({
    id: name,
    title: `认识${name}`,
    passages: Array.from({ length: 20 }, (_, n) => {
      const place = places[(at * 7 + n) % places.length];
      return `${name}住在${place}，每天 ${9 + (n % 4)}:00 吃饭。${n % 3 === 0 ? `${name}的门票儿童 ${n} 元。` : 'open 10:00'}`;
    }),
  }));
}
