import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { article, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_repeats';

for (const { name: dialect } of dialects) {
  describe(`the same msgid again, on ${dialect}`, () => {
    test('three at once, after the answer and after a restart: all acknowledged, one reply', async () => {
      const service = await startService({ dialect, articles: [article('a', '东厅的展柜里放着一只青铜铃铛。')] });
      await service.createLearned(appid);
      const question = { appid, openid: 'u', msgid: 'm', msg_type: 'text', text: { content: '展柜里放着什么？' } };
      const notify = async () => assert.equal((await service.call('/api/wxmp/message/notify', question)).errcode, 0);
      const listed = async () => (await service.call('/api/wxmp/message/list', { appid, openid: 'u' })).messages.length;

      await Promise.all([notify(), notify(), notify()]);
      await until('it is answered', () => service.wechat.state.replies.length > 0);
      await notify();
      await service.stopApp();
      await service.restartApp();
      await notify();
      assert.equal(await listed(), 2);
      // Whatever else had come of a repeat would be answered before this one.
      await service.ask(appid, 'u', 'next', '铃铛在哪里？');
      assert.deepEqual(
        service.wechat.state.replies.map(({ msgid }) => msgid),
        ['m', 'next'],
      );
      assert.equal(await listed(), 4);
      await service.stop();
    });
  });
}
