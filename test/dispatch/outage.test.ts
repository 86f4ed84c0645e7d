import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Fault } from '../../src/sandbox/wechat-state.ts';
import { dialects } from '../support/databases.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_outage';
const articles = [
  article('o1', '灯塔的门票是三十元，每天八点开门。'),
  article('o2', `灯塔的故事：${'很久以前，海边有一座灯塔。'.repeat(400)}`),
];
const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);

const fault = (kind: Fault['kind'], more: Partial<Fault> = {}): Fault => ({
  ...{ method: '*', kind, status: 503, errcode: -1, retryAfterSeconds: undefined, times: undefined },
  ...more,
});

for (const { name: dialect } of dialects) {
  describe(`a WeChat side that fails, on ${dialect}`, () => {
    let service: Service;
    before(async () => {
      service = await startService({ dialect, articles, env: { BIZCOMM_TIMEOUT_MS: '300' } });
      await service.createLearned(appid);
    });
    after(() => service.stop());

    const notify = (openid: string, msgid: string) => {
      const message = { appid, openid, msgid, msg_type: 'text', text: { content: '灯塔的门票多少钱？' } };
      return service.call('/api/wxmp/message/notify', message);
    };
    const repliesTo = (openid: string) => service.wechat.state.replies.filter((reply) => reply.openid === openid);

    for (const { name, faults } of [
      { name: 'HTTP 503 with Retry-After', faults: [fault('http', { retryAfterSeconds: 1 })] },
      { name: 'errcode -1 with HTTP 200', faults: [fault('errcode')] },
      { name: 'no answer at all', faults: [fault('hang')] },
      { name: 'connections that break off', faults: [fault('cut')] },
      { name: 'HTTP 404 of a wrong gateway', faults: [fault('http', { status: 404 })] },
    ]) {
      test(`with ${name}: once it is back every user gets every reply, each once, in order`, async () => {
        const { state } = service.wechat;
        state.faults = faults;
        const msgidsOf = (user: string) => [1, 2, 3, 4, 5].map((n) => `${name}/${user}/${n}`.replaceAll(' ', '_'));
        for (const user of users) for (const msgid of msgidsOf(user)) await notify(user, msgid);
        const tried = async () => {
          const { deliveries } = await service.call('/api/wxmp/message/explain', {
            appid,
            msgid: msgidsOf(users[0]!)[0],
          });
          return deliveries?.[0]?.attempts >= 2;
        };
        await until('deliveries were tried again', tried);
        const before = state.replies.length;
        state.faults = [];
        await until('all replies are here', () => state.replies.length - before >= 50);
        for (const user of users) {
          const arrived = repliesTo(user).map(({ msgid }) => msgid);
          assert.deepEqual(
            arrived.filter((msgid) => msgidsOf(user).includes(msgid)),
            msgidsOf(user),
          );
        }
      });
    }

    test('a reply that is refused for good is dead with its reason, and the replies behind it go on', async () => {
      const { state } = service.wechat;
      state.faults = [fault('errcode', { method: 'v2recvaireply', errcode: 45015, times: 1 })];
      await notify('refused', 'refused-1');
      await notify('refused', 'refused-2');
      await until('the second arrives', () => repliesTo('refused').length === 1);
      assert.equal(repliesTo('refused')[0]!.msgid, 'refused-2');
      const { deliveries } = await service.call('/api/wxmp/message/explain', { appid, msgid: 'refused-1' });
      assert.equal(deliveries[0].state, 'dead');
      assert.match(deliveries[0].reason, /45015/);
    });
  });
}

describe('version 1 of the reply call', () => {
  test('a long answer goes as several calls in order, each within 2,048 bytes, and a failure resumes at its segment', async () => {
    const text = Array.from(
      { length: 60 },
      (_, index) => `第${index}条：潮汐时刻表说明，${'请在沙滩上留意警示旗。'.repeat(3)}`,
    ).join('');
    const service = await startService({
      articles: [article('v1', '海滩的开放时间是早上六点到晚上八点。')],
      env: { BIZCOMM_REPLY_VERSION: '1', TEXT_REFUSAL: text.slice(0, 1990) },
    });
    await service.createLearned('wx_v1');
    const { state } = service.wechat;
    const cited = await service.ask('wx_v1', 'reader', 'v1-1', '海滩几点开放？');
    assert.match(cited.text, /六点/);
    assert.match(cited.text, /来源：\n《v1 第1篇》http/);
    assert.equal(state.replies[0]!.call, 'recvaireply');
    state.faults = [fault('http', { method: 'recvaireply', times: 2 })];
    await service.ask('wx_v1', 'writer', 'v1-2', '量子力学的历史？');
    const arrived = await until('the text is complete', () => {
      const segments = state.replies
        .filter(({ openid }) => openid === 'writer')
        .map((reply) => reply.segments[0]!.content);
      return segments.join('') === text.slice(0, 1990) && segments;
    });
    assert.ok(arrived.length >= 3);
    for (const segment of arrived) assert.ok(Buffer.byteLength(segment) <= 2048);
    await service.stop();
  });
});
