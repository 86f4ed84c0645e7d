import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const notify = '/api/wxmp/message/notify';

const articles = [
  article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。', '企鹅馆的室温是三摄氏度，请带一件外套。'),
  article('a2', '停车场在潮声街，前两小时一共收费十元，之后每小时四元。'),
];

for (const { name: dialect } of dialects) {
  describe(`answering on ${dialect}`, () => {
    let service: Service;
    const appid = 'wx_answer';
    before(async () => {
      service = await startService({ dialect, articles });
      await service.createLearned(appid);
    });
    after(() => service.stop());

    const text = (openid: string, msgid: string, content: string, more = {}) => ({
      ...{ appid, openid, msgid, send_time: 1_790_000_000, msg_type: 'text', text: { content } },
      ...more,
    });
    const repliesTo = (openid: string) => service.wechat.state.replies.filter((reply) => reply.openid === openid);

    test('a question is answered from the article that holds the answer, and cites it', async () => {
      const { text: answer, quotation } = await service.ask(appid, 'u-cite', 'cite-1', '停车场怎么收费？');
      assert.match(answer, /十元/);
      assert.equal(quotation, `《a2 第1篇》${service.wechat.url}/s/a2/1`);
    });

    test('a question that nothing supports is refused, without a source', async () => {
      const { text: answer, quotation } = await service.ask(appid, 'u-refuse', 'refuse-1', '火星上的天气怎么样？');
      assert.match(answer, /没有找到/);
      assert.equal(quotation, '');
    });

    test('twenty identical notify calls at once are all acknowledged and give one reply', async () => {
      const body = text('u-twenty', 'twenty', '企鹅馆冷不冷？室温多少？');
      const answers = await Promise.all(Array.from({ length: 20 }, () => service.call(notify, body)));
      assert.deepEqual(
        answers.map(({ errcode }) => errcode),
        answers.map(() => 0),
      );
      await until('the reply is here', () => repliesTo('u-twenty').length > 0);
      await service.ask(appid, 'u-twenty', 'twenty-next', '成人票多少钱？'); // what comes after is behind all repeats
      assert.deepEqual(
        repliesTo('u-twenty').map(({ msgid }) => msgid),
        ['twenty', 'twenty-next'],
      );
    });

    test('a repeat may carry a new send_time; another content under the same msgid is 40901', async () => {
      await service.ask(appid, 'u-repeat', 'repeat', '成人票多少钱？');
      const again = await service.call(
        notify,
        text('u-repeat', 'repeat', '成人票多少钱？', { send_time: 1_790_000_099 }),
      );
      assert.equal(again.errcode, 0);
      const other = await service.call(notify, text('u-repeat', 'repeat', '儿童票多少钱？'));
      assert.equal(other.errcode, 40901);
      assert.match(other.errmsg, /repeat/);
      assert.equal(repliesTo('u-repeat').length, 1);
    });

    test('questions of one user are answered in the order in which they were accepted', async () => {
      const msgids = Array.from({ length: 8 }, (_, index) => `order-${index}`);
      for (const msgid of msgids) await service.call(notify, text('u-order', msgid, '成人票多少钱？'));
      await until('all are answered', () => repliesTo('u-order').length === msgids.length);
      assert.deepEqual(
        repliesTo('u-order').map(({ msgid }) => msgid),
        msgids,
      );
    });

    test('a voice message gets the text that asks to type', async () => {
      const body = {
        appid,
        openid: 'u-voice',
        msgid: 'voice-1',
        msg_type: 'voice',
        voice: { media_id: 'm1', format: 4 },
      };
      assert.equal((await service.call(notify, body)).errcode, 0);
      const reply = await until('it is answered', () => repliesTo('u-voice')[0]);
      assert.match(reply.segments[0]!.content, /文字/);
    });

    test('debug and live never mix: same msgid, separate histories, is_debug on the reply', async () => {
      await service.ask(appid, 'u-debug', 'both', '成人票多少钱？');
      await service.call(notify, text('u-debug', 'both', '停车场在哪里？', { is_debug: 1 }));
      const reply = await until('the debug one is answered', () =>
        repliesTo('u-debug').find((each) => each.isDebug === 1),
      );
      assert.match(reply.segments[0]!.content, /潮声街/);
      const list = (isDebug: number) =>
        service.call('/api/wxmp/message/list', { appid, openid: 'u-debug', is_debug: isDebug });
      const live = await list(0);
      assert.deepEqual(
        live.messages.map((message: { speaker: string; text: { index: number } }) => [
          message.speaker,
          message.text.index,
        ]),
        [
          ['user', 1],
          ['assistant', 2],
        ],
      );
      assert.equal((await list(1)).messages[0].text.content, '停车场在哪里？');
    });

    test('a follow-up question is understood from the turn before', async () => {
      await service.ask(appid, 'u-follow', 'follow-1', '成人票多少钱？');
      const { text: answer } = await service.ask(appid, 'u-follow', 'follow-2', '那儿童呢？');
      assert.match(answer, /98 元/);
    });

    test('a message of an account without assistant is 40401', async () => {
      const answer = await service.call(notify, { ...text('u', 'nobody', '你好'), appid: 'wx_nobody' });
      assert.equal(answer.errcode, 40401);
      assert.match(answer.errmsg, /wx_nobody/);
    });

    test('ExplainMessage tells the passages, scores, threshold and deliveries of an answer', async () => {
      await service.ask(appid, 'u-explain', 'explain-1', '停车场怎么收费？');
      const explained = await until('the delivery is recorded', async () => {
        const answer = await service.call('/api/wxmp/message/explain', { appid, msgid: 'explain-1' });
        return answer.deliveries?.[0]?.state === 'delivered' && answer;
      });
      assert.equal(explained.state, 2);
      assert.equal(explained.explanation.expert, 'extractive');
      assert.ok(explained.explanation.support >= explained.explanation.threshold);
      assert.ok(
        explained.explanation.passages.some(
          (passage: { cited: boolean; score: number }) => passage.cited && passage.score > 0,
        ),
      );
      assert.equal(explained.deliveries.length, 1);
    });

    test('Ask streams its answer as lines, stores nothing and sends nothing', async () => {
      const before = service.wechat.state.replies.length;
      const response = await fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content: '停车场怎么收费？' }),
      });
      const lines = (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(lines.at(-1), { errcode: 0, errmsg: 'ok' });
      assert.equal(lines.at(-2).is_final, true);
      assert.match(lines.at(-2).text, /十元/);
      assert.equal(lines.at(-2).citations[0].title, 'a2 第1篇');
      assert.equal(service.wechat.state.replies.length, before);
    });
  });
}

describe('while nothing has been learned', () => {
  test('a question gets the still-learning text, and the real answer once something is learned', async () => {
    const service = await startService({ articles });
    service.wechat.state.faults.push({
      ...{ method: 'getbizpublishlist', kind: 'http', status: 503, errcode: 0 },
      ...{ retryAfterSeconds: undefined, times: undefined },
    });
    await service.call('/api/wxmp/assistant/create', { appid: 'wx_new', name: 'n' });
    const early = await service.ask('wx_new', 'u', 'early', '停车场怎么收费？');
    assert.match(early.text, /正在学习/);
    service.wechat.state.faults = [];
    await service.createLearned('wx_new');
    assert.match((await service.ask('wx_new', 'u', 'late', '停车场怎么收费？')).text, /十元/);
    await service.stop();
  });

  test('English fixed texts and texts of the operator are told where they are set', async () => {
    const service = await startService({ env: { TEXT_LANGUAGE: 'en', TEXT_VOICE_UNSUPPORTED: 'Please write.' } });
    await service.createLearned('wx_en');
    assert.match((await service.ask('wx_en', 'u', 'm1', 'What is the weather on Mars?')).text, /found nothing/);
    const voice = { appid: 'wx_en', openid: 'v', msgid: 'm2', msg_type: 'voice', voice: { media_id: 'x', format: 0 } };
    await service.call(notify, voice);
    const reply = await until('voice is answered', () =>
      service.wechat.state.replies.find(({ msgid }) => msgid === 'm2'),
    );
    assert.equal(reply.segments[0]!.content, 'Please write.');
    await service.stop();
  });
});
