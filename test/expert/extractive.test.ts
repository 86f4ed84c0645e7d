import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Found, FoundPassage, Search, Turn } from '../../src/expert/expert.ts';
import { createExtractiveExpert, extractiveThreshold } from '../../src/expert/extractive.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { fillBase } from '../retrieval/make-base.ts';
import { eachDatabase } from '../support/databases.ts';

const passage = (documentId: string, text: string, { title = '', heading = '', score = 10 } = {}): FoundPassage => {
  return { source: { documentId, title, url: `https://example.com/${documentId}` }, heading, text, score };
};

/** Asks an expert that finds what it is told to, and returns the answer and what was searched for. */
async function ask(
  text: string,
  found: Found | ((query: string) => Found | Promise<Found>),
  { history = [], maxAnswerChars }: { history?: Turn[]; maxAnswerChars?: number } = {},
): Promise<Answer & { queries: string[] }> {
  const queries: string[] = [];
  const search: Search = async (query) => {
    queries.push(query);
    return typeof found === 'function' ? found(query) : found;
  };
  const options = maxAnswerChars === undefined ? {} : { maxAnswerChars };
  const expert = createExtractiveExpert({ threshold: extractiveThreshold, ...options });
  const events = await Array.fromAsync(expert.answer({ text, history, instructions: '' }, search, AbortSignal.any([])));
  const last = events.at(-1);
  assert.ok(last?.type === 'final' && events.length === 1);
  return { ...last.answer, queries };
}

const prices = `一、票价
票种：成人票；适用人群：身高 1.4 米以上；窗口价：168 元
票种：儿童票；适用人群：身高 1.0 米至 1.4 米；窗口价：98 元
票种：长者票；适用人群：年满 65 周岁；窗口价：99 元
二、怎么买
打开小程序，选好日期和时段。付款后不用换纸质票，刷证件就能进。窗口也卖票。`;

describe('the extractive expert', () => {
  test('refuses where the support is below the threshold: no text, no source, and the trace tells why', async () => {
    const found = { passages: [passage('a', '水母每天十点吃饭。')], support: extractiveThreshold - 0.001 };
    const answer = await ask('水母几点吃饭', found);
    assert.deepEqual([answer.text, answer.citations, answer.refused], ['', [], true]);
    assert.equal(answer.trace.support, found.support);
    assert.equal(answer.trace.threshold, extractiveThreshold);
    assert.deepEqual(answer.trace.passages, [{ ...found.passages[0]!, cited: false }]);
  });

  test('refuses where nothing is found', async () => {
    assert.equal((await ask('水母几点吃饭', { passages: [], support: 0 })).refused, true);
  });

  test('answers from the threshold on, with the sentence that answers and its source', async () => {
    const text = '水母馆在二楼。水母每天十点吃饭。海豹喜欢睡觉，一睡就是整个下午，谁也叫不醒它。';
    const found = { passages: [passage('a', text)], support: extractiveThreshold };
    const answer = await ask('水母几点吃饭？', found, { maxAnswerChars: 10 });
    assert.equal(answer.text, '水母每天十点吃饭。');
    assert.deepEqual(answer.citations, [{ ...found.passages[0]!.source, places: [{ heading: '' }] }]);
    assert.equal(answer.refused, false);
  });

  test('quotes the row of a table whole, not its heading or its neighbours', async () => {
    const found = { passages: [passage('a', prices, { title: '门票', heading: '一、票价' })], support: 0.9 };
    const answer = await ask('儿童票多少钱？', found, { maxAnswerChars: 40 });
    assert.equal(answer.text, '票种：儿童票；适用人群：身高 1.0 米至 1.4 米；窗口价：98 元');
  });

  test('a heading tells what is below it, and a question what answers it', async () => {
    const text = '交通\n坐 17 路。\n喂食\n每天 11:00 开始。\n可以带狗吗？\n不可以，门口有寄存处。';
    const found = { passages: [passage('a', text)], support: 0.9 };
    assert.equal((await ask('喂食是几点？', found, { maxAnswerChars: 12 })).text, '每天 11:00 开始。');
    assert.equal((await ask('能带狗吗', found, { maxAnswerChars: 12 })).text, '不可以，门口有寄存处。');
  });

  test('what was announced is quoted with what announces it', async () => {
    const text = '入馆请带好证件。免票需要带这些证件：\n军人证或者学生证原件。\n鲨鱼每天吃鱼。';
    const answer = await ask(
      '免票需要带哪些证件',
      { passages: [passage('a', text)], support: 0.9 },
      { maxAnswerChars: 30 },
    );
    assert.match(answer.text, /免票需要带这些证件：\n军人证或者学生证原件。/);
  });

  test('keeps the order of the source, and cites only what it used, each document once', async () => {
    const passages = [
      passage('a', '海豹出生时重八公斤。海豹喜欢睡觉。', { score: 10 }),
      passage('b', '停车场在北门。', { score: 9 }),
      passage('c', '海豹的名字叫团团，名字是投票选的。', { score: 9 }),
      passage('a', '海豹住在极地馆。', { score: 8 }),
    ];
    const answer = await ask('海豹出生时多重，名字叫什么', { passages, support: 0.9 });
    const at = [answer.text.indexOf('八公斤'), answer.text.indexOf('团团')];
    assert.ok(at[0]! >= 0 && at[1]! > at[0]!, answer.text);
    assert.deepEqual(
      [...new Set(answer.citations.map(({ documentId }) => documentId))].length,
      answer.citations.length,
    );
    assert.ok(!answer.citations.some(({ documentId }) => documentId === 'b'));
    for (const { source, text, cited } of answer.trace.passages) {
      const quoted = text.split('。').some((sentence) => sentence !== '' && answer.text.includes(sentence));
      assert.equal(cited, quoted, source.documentId);
    }
  });

  test('another document that adds nothing to the answer is not cited', async () => {
    const passages = [passage('a', '水母馆十点开放。'), passage('b', '水母馆十点开放，大家都知道。', { score: 9.9 })];
    const answer = await ask('水母馆几点开放', { passages, support: 0.9 });
    assert.deepEqual(
      answer.citations.map(({ documentId }) => documentId),
      ['a'],
    );
  });

  test('an answer is bounded, also where the source has no full stop', async () => {
    for (const text of [
      '水母，'.repeat(5000),
      '水母'.repeat(5000),
      `水母${' '.repeat(9999)}。`,
      '水母：；'.repeat(3000),
    ]) {
      const startedMs = performance.now();
      const answer = await ask('水母是什么颜色', { passages: [passage('a', text)], support: 0.9 });
      assert.ok(answer.text.length > 0 && answer.text.length <= 200, `${answer.text.length}`);
      assert.ok(performance.now() - startedMs < 3000);
    }
  });

  test('a question of question words alone is refused, whatever is found', async () => {
    const found = { passages: [passage('a', ' ')], support: 0.9 };
    assert.equal((await ask('为什么呢', found)).refused, true);
  });

  const turns: Turn[] = [
    { speaker: 'user', content: '你好' },
    { speaker: 'user', content: '成人票多少钱？' },
    { speaker: 'assistant', content: '168 元。' },
  ];
  const both = { passages: [passage('a', prices)], support: 0.8 };
  const weak = { passages: [passage('z', '别的。')], support: 0.1 };

  test('a short question that finds too little is searched with the last one, and the trace says so', async () => {
    const answer = await ask('那儿童的是多少', (query) => (query.includes('成人票') ? both : weak), { history: turns });
    assert.deepEqual(answer.queries, ['那儿童的是多少', '成人票多少钱？ 那儿童的是多少']);
    assert.equal(answer.trace.searched, '成人票多少钱？ 那儿童的是多少');
    assert.match(answer.text, /98 元/);
  });

  test('so is one that names nothing but what is asked about now', async () => {
    const answer = await ask('儿童呢？', both, { history: turns });
    assert.equal(answer.trace.searched, '成人票多少钱？ 儿童呢？');
    assert.match(answer.text, /98 元/);
  });

  test('a short question about something else is refused, not answered with the last answer', async () => {
    const answer = await ask('火星上天气怎么样', (query) => (query.includes('成人票') ? both : weak), {
      history: turns,
    });
    assert.equal(answer.refused, true);
    assert.equal(answer.trace.searched, '火星上天气怎么样');
  });

  test('a question that finds enough, is long, or is the first, is searched for itself', async () => {
    const asked = async (text: string, found: Found, history: Turn[]) => (await ask(text, found, { history })).queries;
    assert.equal((await asked('儿童票是多少', both, turns)).length, 1);
    assert.equal((await asked('请问火星上面的天气今天到底怎么样会不会下雨或者下雪', weak, turns)).length, 1);
    assert.equal((await asked('天气怎么样', weak, [])).length, 1);
  });

  test('a search that fails or is given up is no answer', async () => {
    await assert.rejects(
      ask('水母', () => Promise.reject(new Error('the database is gone'))),
      /the database is gone/,
    );
    const expert = createExtractiveExpert({ threshold: 0.5 });
    const gone = AbortSignal.abort(new Error('given up'));
    const events = expert.answer({ text: '水母', history: [], instructions: '' }, async () => both, gone);
    await assert.rejects(Array.fromAsync(events), /given up/);
  });
});

eachDatabase((dialectName, open) => {
  test(`on ${dialectName}, questions are answered from a small base, and others refused`, async () => {
    const database = await open();
    await fillBase(database, 7, [
      { id: 'tickets', title: '门票价目表', passages: [{ heading: '一、票价', text: prices }] },
      { id: 'hours', title: '开放时间', passages: ['旺季每天 9:00 开馆，18:00 闭馆。每月第二个星期二闭馆检修。'] },
      { id: 'seals', title: '海豹湾', passages: ['小海豹团团出生在一月，重 8.6 公斤。海豹湾在三楼，每天两次喂食。'] },
      { id: 'parking', title: '停车指南', passages: ['停车场在北门，每小时 4 元，一天最多 40 元。'] },
    ]);
    const search: Search = (query, limit) => searchPassages(database, { baseNos: [7], query, limit });
    const answerTo = async (text: string) => (await ask(text, (query) => search(query, 5))).text;
    assert.match(await answerTo('请问小孩的票多少钱？'), /98 元/);
    assert.match(await answerTo('几点闭馆'), /18:00/);
    assert.match(await answerTo('小海豹出生的时候多重'), /8\.6 公斤/);
    assert.match(await answerTo('停车一天最多收多少'), /40 元/);
    for (const question of ['火星上的天气怎么样？', '增值税怎么申报', '昨天的足球比赛谁赢了', 'Python 怎么读文件？']) {
      assert.equal(await answerTo(question), '', question);
    }
  });
});
