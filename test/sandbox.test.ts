import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../src/db/database.ts';
import { sampleQuestions, sandboxMessages } from '../src/sandbox/articles/index.ts';
import { startWechatSide, type WechatSide } from '../src/sandbox/wechat-side.ts';
import { messageWith } from './support/articles.ts';
import { dialects } from './support/databases.ts';
import { type Answer, post, startService } from './support/service.ts';
import { until } from './support/until.ts';

const items = sandboxMessages.flatMap(({ articleId, items }) =>
  items.map((item, at) => ({ ...item, articleId, msgidx: at + 1 })),
);
const left = items.filter(({ isPaySubscribe, isDeleted }) => isPaySubscribe || isDeleted);

test('the account has at least 40 articles: one is paid, one is deleted, some messages have several, some tables, some lists', () => {
  assert.ok(items.length >= 40);
  assert.equal(new Set(sandboxMessages.map(({ articleId }) => articleId)).size, sandboxMessages.length);
  assert.equal(items.filter(({ isPaySubscribe }) => isPaySubscribe).length, 1);
  assert.equal(items.filter(({ isDeleted }) => isDeleted).length, 1);
  assert.ok(sandboxMessages.filter((message) => message.items.length > 1).length >= 3);
  assert.ok(items.filter(({ content }) => content.includes('<table')).length >= 3);
  assert.ok(items.filter(({ content }) => /<(ul|ol)/.test(content)).length >= 3);
  assert.ok(hiddenTexts().length >= 3);
  const lengths = items.map(({ content }) => content.replace(/<[^>]*>/g, '').length);
  assert.ok(Math.min(...lengths) < 200 && Math.max(...lengths) > 800);
});

for (const { name: dialect } of dialects) {
  test(`its assistant answers the sample questions and cites the right article; ${dialect}`, async (t) => {
    const service = await startService({ dialect, articles: sandboxMessages });
    t.after(() => service.stop());
    const appid = 'wx_sandbox';
    await service.createLearned(appid);
    const missed: string[] = [];
    const cited: string[] = [];
    for (const { question, answerContains, articleId, msgidx } of sampleQuestions) {
      const answer = await ask(service.app.url, appid, question);
      const urls: string[] = answer.citations.map(({ url }: { url: string }) => url);
      cited.push(...urls);
      const isRight =
        answer.text.includes(answerContains) && urls.includes(`${service.wechat.url}/s/${articleId}/${msgidx}`);
      if (!isRight) missed.push(`${question} → ${answer.text}`);
    }
    t.diagnostic(`${sampleQuestions.length - missed.length} of ${sampleQuestions.length} are answered`);
    // Measured: 52 of 69 (docs/adr/0007); the rest ask in words that the articles do not use.
    assert.ok(missed.length <= 0.28 * sampleQuestions.length, missed.join('\n'));
    for (const { articleId, msgidx } of left)
      assert.ok(!cited.some((url) => url.endsWith(`/s/${articleId}/${msgidx}`)));

    // What is not to be told is nowhere in what can be told.
    const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    const passages = await database.all<{ heading: string; text: string }>('select heading, text from passage');
    const learned = await database.all<{ article_id: string; msgidx: number }>(
      'select article_id, msgidx from document where state in (5, 9)',
    );
    await database.close();
    const all = passages.map(({ heading, text }) => `${heading}\n${text}`).join('\n');
    for (const hidden of hiddenTexts()) assert.ok(!all.includes(hidden), hidden);
    for (const item of left) {
      assert.ok(!learned.some(({ article_id, msgidx }) => article_id === item.articleId && msgidx === item.msgidx));
      for (const sentence of sentencesOf(item.content)) assert.ok(!all.includes(sentence), sentence);
    }
    assert.equal(learned.length, items.length - left.length);
  });
}

describe("the sandbox's own paths", () => {
  let wechat: WechatSide;
  before(async () => {
    wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [messageWith('one', 'word')]);
  });
  after(() => wechat.close());

  const bizcomm = (method: string, body: unknown) => post(wechat.url, `/innerapi/bizcomm/${method}?appname=test`, body);
  const get = async (path: string) => (await fetch(wechat.url + path)).json() as Promise<Answer>;
  const pull = () => bizcomm('getbizpublishlist', { appid: 'wx', fetch_type: 0, offset: 0, count: 20 });

  test('replies of both calls are shown, oldest first, and narrowed by openid', async () => {
    await bizcomm('v2recvaireply', {
      msgid: 'm1',
      openid: 'a',
      is_debug: 1,
      msgs: [{ type: 'text', content: 'x', quotation: 'q' }],
    });
    await bizcomm('recvaireply', { msgid: 'm2', openid: 'b', msg_type: 'text', text: { content: 'y' } });
    const first = {
      call: 'v2recvaireply',
      msgid: 'm1',
      openid: 'a',
      isDebug: 1,
      segments: [{ content: 'x', quotation: 'q' }],
    };
    const second = {
      call: 'recvaireply',
      msgid: 'm2',
      openid: 'b',
      isDebug: 0,
      segments: [{ content: 'y', quotation: '' }],
    };
    assert.deepEqual(await get('/sandbox/replies'), { replies: [first, second] });
    assert.deepEqual(await get('/sandbox/replies?openid=b'), { replies: [second] });
    assert.deepEqual(await get('/sandbox/replies?openid=c'), { replies: [] });
  });

  test('notices are shown as they came', async () => {
    const item = [{ appid: 'wx', event_type: 7, event_id: 'e', article_id: 'one', msgidx: 0, count: 1 }];
    await bizcomm('airagcomplete', { item });
    assert.deepEqual(await get('/sandbox/notices'), { notices: item });
  });

  test('articles are published and replaced, newest first, and a page serves them', async () => {
    const publish = (article_id: string, ...texts: string[]) =>
      post(wechat.url, '/sandbox/articles', { article_id, items: texts.map((content) => ({ title: 't', content })) });
    assert.deepEqual(await publish('two', '<p>two</p>'), { errcode: 0, errmsg: 'ok' });
    await publish('one', '<p>changed</p>', '<p>added</p>');
    const { item, next_offset, item_count } = await pull();
    assert.deepEqual([next_offset, item_count], [0, 2]);
    assert.deepEqual(
      item.map((message: Answer) => [
        message.article_id,
        ...message.content.news_item.map((news: Answer) => news.content),
      ]),
      [
        ['two', '<p>two</p>'],
        ['one', '<p>changed</p>', '<p>added</p>'],
      ],
    );
    for (const bad of [{}, { article_id: '', items: [] }, { article_id: 'x', items: [{ title: 1 }] }]) {
      const response = await fetch(`${wechat.url}/sandbox/articles`, {
        ...{ method: 'POST', body: JSON.stringify(bad), headers: { 'content-type': 'application/json' } },
      });
      assert.equal(response.status, 400);
    }
  });

  test('the page of an article shows it, runs nothing of it, and there is none of a deleted or unknown one', async () => {
    const evil = { title: '<script>alert(1)</script> & more', content: '<p>text</p><script>alert(2)</script>' };
    await post(wechat.url, '/sandbox/articles', { article_id: 'page', items: [evil, { ...evil, is_deleted: true }] });
    const response = await fetch(`${wechat.url}/s/page/1`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /^text\/html; charset=utf-8$/);
    const policy = response.headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /(^|; )sandbox($|;)/);
    assert.doesNotMatch(policy, /script/);
    const page = await response.text();
    assert.match(page, /<p>text<\/p>/);
    assert.ok(!page.includes('<script>alert(1)'));
    for (const path of ['/s/page/2', '/s/page/3', '/s/page/0', '/s/none/1', '/s/page', '/none']) {
      assert.equal((await fetch(wechat.url + path)).status, 404, path);
    }
  });

  test('faults of each kind are met as often as they were asked for, by the method that they name, until none', async () => {
    const fault = (body: unknown) => post(wechat.url, '/sandbox/faults', body);
    const status = async (method = 'getbizpublishlist') =>
      (
        await fetch(`${wechat.url}/innerapi/bizcomm/${method}`, {
          ...{ method: 'POST', body: '{"appid":"wx","count":1}', headers: { 'content-type': 'application/json' } },
        })
      ).status;
    await fault({ method: 'getbizpublishlist', kind: 'http', status: 500, times: 2 });
    assert.deepEqual([await status(), await status(), await status()], [500, 500, 200]);
    await fault({ method: '*', kind: 'http', retry_after: 7 });
    const response = await fetch(`${wechat.url}/innerapi/bizcomm/airagcomplete`, { method: 'POST', body: '{}' });
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '7']);
    assert.equal((await fetch(`${wechat.url}/sandbox/replies`)).status, 200);
    await fault({ kind: 'none' });
    assert.equal(await status(), 200);
    await fault({ method: 'getbizpublishlist', kind: 'errcode', errcode: 45009, times: 1 });
    assert.equal((await pull()).errcode, 45009);
    assert.equal((await pull()).item.length > 0, true);
    await fault({ method: 'getbizpublishlist', kind: 'cut', times: 1 });
    await assert.rejects(pull());
    await fault({ method: 'getbizpublishlist', kind: 'hang', times: 1 });
    const hung = fetch(`${wechat.url}/innerapi/bizcomm/getbizpublishlist`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(200),
    });
    await assert.rejects(hung, { name: 'TimeoutError' });
    assert.equal(await status(), 200);
    assert.match((await fault({ kind: 'rain' })).errmsg, /kind/);
  });

  test('a path that is no path harms nothing', async () => {
    const { hostname, port } = new URL(wechat.url);
    for (const path of ['/s/%E0%A4%A/1', '//', '/s/%/1', '/\\', 'http://[/', '*']) {
      const socket = connect(Number(port), hostname);
      socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      let text = '';
      socket.setTimeout(10_000, () => socket.destroy());
      socket.on('data', (data) => {
        text += data;
      });
      await once(socket, 'close');
      assert.match(text, /^HTTP\/1\.1 4\d\d /, path);
    }
    await until('it still answers', async () => (await fetch(`${wechat.url}/sandbox/replies`)).status === 200);
  });
});

async function ask(url: string, appid: string, content: string): Promise<Answer> {
  const response = await fetch(`${url}/api/wxmp/message/ask`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ appid, content }) },
    signal: AbortSignal.timeout(20_000),
  });
  const lines = (await response.text()).trim().split('\n');
  return JSON.parse(lines.at(-2)!);
}

/** What stands in the articles and no reader sees. */
function hiddenTexts(): string[] {
  const hidden = /<(p|section)\b[^>]*display:\s*none[^>]*>(.*?)<\/\1>/gs;
  return items.flatMap(({ content }) => [...content.matchAll(hidden)].flatMap(([, , inner]) => sentencesOf(inner!)));
}

/** The sentences of a piece of HTML that are long enough to be told from others. */
function sentencesOf(html: string): string[] {
  const texts = html.split(/<[^>]*>|&\w+;|[。；：:!！?？（）【】]/).map((text) => text.trim());
  return texts.filter((text) => text.length >= 8);
}
