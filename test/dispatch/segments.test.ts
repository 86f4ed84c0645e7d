import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createFixedTexts } from '../../src/message/fixed-texts.ts';
import type { ReplyText } from '../../src/message/reply-channel.ts';
import { enqueueReply } from '../../src/message/reply-dispatch.ts';
import { maxSegmentBytes } from '../../src/message/split-reply.ts';
import type { PendingMessage } from '../../src/message/store.ts';
import { dialects } from '../support/databases.ts';
import { type Arrived, passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, type Service, startService, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_segments';
const longText = Array.from(
  { length: 120 },
  (_, index) => `第${index + 1}号展厅里有一种会发光的水母👩‍👩‍👧，请慢慢看。`,
).join('');
const source = { documentId: 'd', title: '会发光的水母', url: 'https://mp.weixin.qq.com/s?__biz=1&mid=2', places: [] };

for (const { name: dialect } of dialects) {
  describe(`long answers on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    let front: Receiver;
    /** Fails a call; false: it is passed on. */
    let fail: (call: Arrived) => boolean;
    before(async () => {
      front = await startReceiver(async (call) => {
        if (!fail(call)) await passOn(call, service.wechat.url);
      });
      fail = () => false;
      const env = { BIZCOMM_URL: front.url, BIZCOMM_REPLY_VERSION: '1' };
      service = await startService({ dialect, articles: [article('a1', '成人票是 168 元。')], env });
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 10_000 });
      await service.createLearned(appid);
    });
    after(async () => {
      await database.close();
      await service.stop();
      await front.close();
    });

    /** Enqueues an answer as the service does; its workers deliver it. */
    const reply = (version: 1 | 2, openid: string, msgid: string, answer: ReplyText) => {
      const env = { ...testEnv(service.databaseUrl, front.url), BIZCOMM_REPLY_VERSION: String(version) };
      const config = toConfig(env);
      const context = { config, texts: createFixedTexts(config), wake: { dispatch: () => {} } } as unknown as Context;
      const ids = { messageId: msgid, conversationId: openid, appid, channel: 'live', msgid, openid } as const;
      const message: PendingMessage = {
        ...ids,
        msgType: 'text',
        content: '',
        mediaId: null,
        mediaFormat: null,
        quoted: '',
        messageIndex: 1,
        ageMs: 0,
        isOpen: false,
        gathersMs: 0,
      };
      return database.tx((tx) => enqueueReply(context, tx, message, answer));
    };
    const arrivedOf = (openid: string) => service.wechat.state.replies.filter((each) => each.openid === openid);
    const deliveries = (msgid: string) =>
      database.all<{ state: string; started: number }>(
        'select state, started from dispatch where message_id = ? order by sequence',
        [msgid],
      );

    test('version 1 tells the answer and its sources in one text', async () => {
      const { text, quotation } = await service.ask(appid, 'short', 'short-1', '成人票多少钱？');
      assert.match(text, /168 元[\s\S]*来源：\n《a1 第1篇》http/);
      assert.equal(quotation, '');
    });

    test('version 1 sends segment after segment, each within the limit, and all of the text once', async () => {
      await reply(1, 'long', 'long-1', { text: longText, citations: [source] });
      await reply(1, 'long', 'long-2', { text: '短', citations: [] });
      await until('the answer behind it is here', () => arrivedOf('long').some(({ msgid }) => msgid === 'long-2'));
      const arrived = arrivedOf('long');
      const texts = arrived.filter(({ msgid }) => msgid === 'long-1').map(({ segments }) => segments[0]!.content);
      assert.ok(texts.length >= 4, `${texts.length} segments`);
      for (const text of texts) assert.ok(Buffer.byteLength(text) <= maxSegmentBytes);
      for (const text of texts.slice(0, -1)) assert.match(text, /。$/);
      assert.equal(texts.join(''), `${longText}\n\n来源：\n《${source.title}》${source.url}`);
      assert.equal(arrived.at(-1)?.msgid, 'long-2', 'the next answer waits for the last segment');
    });

    test('version 1 goes on at the segment that failed: none before it is sent again, none behind it first', async () => {
      const failures = ['http', 'errcode', 'cut'];
      const tried: string[] = [];
      fail = ({ body, response }) => {
        if (body.openid !== 'resume') return false;
        tried.push(body.text.content);
        const kind = new Set(tried).size === 3 ? failures.shift() : undefined;
        if (kind === 'http') response.writeHead(502).end();
        if (kind === 'errcode') response.end('{"errcode":-1}');
        if (kind === 'cut') response.destroy();
        return kind !== undefined;
      };
      await reply(1, 'resume', 'resume-1', { text: longText, citations: [] });
      await until('all is delivered', async () => {
        const rows = await deliveries('resume-1');
        return rows.length > 0 && rows.every(({ state }) => state === 'delivered');
      });
      const texts = arrivedOf('resume').map(({ segments }) => segments[0]!.content);
      assert.equal(texts.join(''), longText);
      const [first, second, third, ...rest] = texts as [string, string, string, ...string[]];
      assert.deepEqual(tried, [first, second, third, third, third, third, ...rest]);
      assert.deepEqual(
        (await deliveries('resume-1')).map(({ started }) => started),
        texts.map((_, index) => (index === 2 ? 4 : 1)),
        'each segment has a delivery of its own',
      );
    });

    test('version 2 sends all segments in one call, each within the limit, the sources on the last', async () => {
      await reply(2, 'v2', 'v2-1', { text: longText, citations: [source] });
      await until('it is here', () => arrivedOf('v2').length > 0);
      const [{ call, segments }] = arrivedOf('v2') as [ReturnType<typeof arrivedOf>[number]];
      assert.equal(call, 'v2recvaireply');
      assert.ok(segments.length >= 4);
      for (const { content } of segments) assert.ok(Buffer.byteLength(content) <= maxSegmentBytes);
      assert.equal(segments.map(({ content }) => content).join(''), longText);
      assert.deepEqual(
        segments.map(({ quotation }) => quotation),
        segments.map((_, index) => (index === segments.length - 1 ? `《${source.title}》${source.url}` : '')),
      );
    });
  });
}
