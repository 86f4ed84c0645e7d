import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createGate } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_slow';
const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。')];
const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);
const numbers = [1, 2, 3];

for (const { name: dialect } of dialects) {
  describe(`a slow or failing WeChat side, on ${dialect}`, () => {
    let service: Service;
    let front: Receiver;
    let gate = createGate();
    before(async () => {
      front = await startReceiver(async (call) => {
        if (call.body.openid === 'slow') await gate.opened;
        await passOn(call, service.wechat.url);
      });
      const env = { BIZCOMM_URL: front.url, BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '16' };
      service = await startService({ dialect, articles, env });
      await service.createLearned(appid);
    });
    after(async () => {
      gate.open();
      await service.stop();
      await front.close();
    });

    const notify = async (openid: string, msgid: string) => {
      const message = { appid, openid, msgid, msg_type: 'text', text: { content: '成人票多少钱？' } };
      assert.equal((await service.call('/api/wxmp/message/notify', message)).errcode, 0);
    };
    const msgidsOf = (name: string, openid: string) => numbers.map((number) => `${name}/${openid}/${number}`);
    const askAll = async (name: string) => {
      for (const openid of users) for (const msgid of msgidsOf(name, openid)) await notify(openid, msgid);
    };
    const arrived = (name: string) => service.wechat.state.replies.filter(({ msgid }) => msgid.startsWith(name));
    const assertEachOnceInOrder = (name: string, openids: readonly string[]) => {
      for (const openid of openids) {
        const own = arrived(name).filter((reply) => reply.openid === openid);
        assert.deepEqual(
          own.map(({ msgid }) => msgid),
          msgidsOf(name, openid),
        );
      }
    };

    test('where one user is answered slowly, all others have all replies before the slow one has the first', async () => {
      for (const msgid of msgidsOf('slow', 'slow')) await notify('slow', msgid);
      await until('the slow one is waited for', () => front.arrived.some(({ body }) => body.openid === 'slow'));
      await askAll('slow');
      await until('the others have theirs', () => arrived('slow').length === users.length * numbers.length, 7000);
      assert.ok(!arrived('slow').some(({ openid }) => openid === 'slow'));
      gate.open();
      await until('the slow one has its own', () => arrived('slow').length === (users.length + 1) * numbers.length);
      assertEachOnceInOrder('slow', [...users, 'slow']);
    });

    test('a stop ends with the send that is under way, and the next process goes on behind it', async () => {
      gate = createGate();
      for (const msgid of msgidsOf('stop', 'slow')) await notify('slow', msgid);
      const isWaiting = () => front.arrived.some(({ body }) => body.msgid === 'stop/slow/1');
      await until('the first reply is being sent', isWaiting);
      const stopped = service.stopApp();
      gate.open();
      await stopped;
      assert.deepEqual(
        arrived('stop').map(({ msgid }) => msgid),
        ['stop/slow/1'],
        'what was being sent arrived, and nothing more was begun',
      );
      await service.restartApp();
      await until('the rest has arrived', () => arrived('stop').length >= numbers.length);
      assertEachOnceInOrder('stop', ['slow']);
    });

    test('a restart in the middle of an outage forgets nothing and repeats nothing', async () => {
      const { state } = service.wechat;
      const outage = { method: 'v2recvaireply', kind: 'cut', status: 0, errcode: 0 } as const;
      state.faults.push({ ...outage, retryAfterSeconds: undefined, times: undefined });
      await askAll('outage');
      await service.stopApp();
      await service.restartApp();
      assert.equal(arrived('outage').length, 0);
      state.faults = [];
      await until('every reply has arrived', () => arrived('outage').length >= users.length * numbers.length);
      assertEachOnceInOrder('outage', users);
    });
  });
}
