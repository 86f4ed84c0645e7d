import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish } from '../../src/sandbox/wechat-state.ts';
import { createGate, startAccounts } from '../support/accounts.ts';
import { messageWith } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { finds } from '../support/search.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects)
for (const event_type of [6, 7]) {
  test(`event ${event_type} acknowledged while the article is on its way on ${dialect}`, async () => {
    const accounts = await startAccounts({ dialect });
    try {
      const account = await accounts.open('wx_race', []);
      await accounts.service.createLearned('wx_race');
      publish(account.wechat.state, messageWith('a1', 'qzfirst'));
      publish(account.wechat.state, messageWith('b1', 'qzother'));
      const page = createGate();
      const other = createGate();
      let asked = 0;
      account.answer = async ({ method, body }, forward) => {
        const answer = await forward();
        if (method !== 'getbizpublishlist') return answer;
        asked++;
        await (body.article_id === 'b1' ? other.opened : page.opened);
        return answer;
      };
      const send = (event_id: string, event_type: number, article_id: string) =>
        accounts.service.call('/api/wxmp/article/event_notity', { item: [{ appid: 'wx_race', event_type, event_id, article_id, msgidx: 0 }] });
      await send('e1', 4, 'a1');
      await until('it is being fetched', () => asked > 0);
      await send('e2', 4, 'b1');
      assert.equal((await send('e3', event_type, 'a1')).errcode, 0);
      page.open();
      await until('the other is being fetched', () => asked > 1);
      assert.equal(await finds(accounts.service, 'wx_race', 'qzfirst'), false);
      other.open();
      await until('told', () => account.noticed().length >= 4);
      assert.equal(await finds(accounts.service, 'wx_race', 'qzfirst'), false);
    } finally { await accounts.stop(); }
  });
}
