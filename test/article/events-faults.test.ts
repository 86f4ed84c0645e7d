import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { publish } from '../../src/sandbox/wechat-state.ts';
import { type Account, type Accounts, startAccounts } from '../support/accounts.ts';
import { messageWith, series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { finds } from '../support/search.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`events while the WeChat side fails, on ${dialect}`, { concurrency: true }, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({
        dialect,
        env: { LEARN_WORKERS: '8', BIZCOMM_TIMEOUT_MS: '3000', LEASE_SECONDS: '10' },
      });
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(path, body);
    const send = async (appid: string, event_id: string, event_type: number, article_id: string, msgidx = 0) => {
      const answer = await call('/api/wxmp/article/event_notity', { appid, event_id, event_type, article_id, msgidx });
      assert.equal(answer.errcode, 0, answer.errmsg);
    };
    const statusOf = async (appid: string) => (await call('/api/wxmp/assistant/detail', { appid })).status;
    const stateOf = async (appid: string, article_id: string) => {
      const articles = [{ article_id, msgidx: 1 }];
      return (await call('/api/wxmp/knowledge/file/detail', { appid, articles })).files[0]?.file_rag_status;
    };
    /** The events that were told of, in the order in which they first were: a notice that took too long is repeated. */
    const told = ({ wechat }: Account) => [...new Set(wechat.state.notices.flatMap(({ eventId }) => eventId ?? []))];
    /** What was asked for of single articles, oldest first. */
    const fetched = ({ calls }: Account) =>
      calls.filter(({ body }) => body.fetch_type === 1).map(({ body }) => body.article_id);
    const learnedAccount = async (appid: string) => {
      const account = await accounts.open(appid, series(`${appid.slice(3)}n`, 3));
      await accounts.service.createLearned(appid);
      return account;
    };

    test('what waits while it is down is all handled after, in the order in which it came per document', async () => {
      const account = await learnedAccount('wx_outage');
      const { appid } = account;
      const side = account.wechat.state;
      account.answer = ({ method }, forward) =>
        method === 'getbizpublishlist' ? new Response('{}', { status: 502 }) : forward();
      for (const name of ['x', 'y']) {
        publish(side, messageWith(name, `${name}added`));
        await send(appid, `${name}-1`, 4, name, 1);
        await send(appid, `${name}-2`, 7, name);
        await send(appid, `${name}-3`, 5, name, 1);
        await send(appid, `${name}-4`, 8, name);
      }
      await until('both were tried twice', () =>
        ['x', 'y'].every((name) => fetched(account).filter((id) => id === name).length > 1),
      );
      // A ban needs nothing of the WeChat side, and waits all the same for what came before it.
      assert.deepEqual(told(account), []);
      assert.equal(await statusOf(appid), 3);
      assert.equal(await stateOf(appid, 'x'), 3);
      account.answer = undefined;
      await until('all are told', () => told(account).length === 8);
      for (const name of ['x', 'y']) {
        const own = told(account).filter((id) => id.startsWith(name));
        assert.deepEqual(
          own,
          [1, 2, 3, 4].map((at) => `${name}-${at}`),
        );
        assert.ok(await finds(accounts.service, appid, `${name}added`));
      }
      assert.equal(await statusOf(appid), 4);
    });

    test('a document whose fetch fails holds up its own events, and no other document and no page', async () => {
      const account = await learnedAccount('wx_one_fails');
      const { appid } = account;
      const gone = Promise.withResolvers<void>();
      const faults = { errcode: { errcode: 45009, errmsg: 'too often' }, hang: gone.promise, cut: undefined };
      let isMended = false;
      account.answer = ({ body }, forward) => {
        const fault = faults[body.article_id as keyof typeof faults];
        return body.article_id in faults && !isMended ? fault : forward();
      };
      for (const name of Object.keys(faults)) {
        publish(account.wechat.state, messageWith(name, `${name}word`));
        await send(appid, `${name}-4`, 4, name, 1);
      }
      publish(account.wechat.state, messageWith('fine', 'fineword'));
      await send(appid, 'fine-4', 4, 'fine', 1);
      await send(appid, 'fine-6', 6, 'one_failsn1');
      await until('the others are told', () => told(account).length === 2);
      assert.deepEqual(told(account).sort(), ['fine-4', 'fine-6']);
      publish(account.wechat.state, messageWith('unannounced', 'foundword'));
      await call('/api/wxmp/article/sync', { appid });
      await until('a page is learned meanwhile', () => finds(accounts.service, appid, 'foundword'));
      assert.equal(await statusOf(appid), 3);
      isMended = true;
      gone.resolve();
      await until('all are told', () => told(account).length === 5);
      for (const name of Object.keys(faults)) assert.ok(await finds(accounts.service, appid, `${name}word`), name);
      assert.equal(await statusOf(appid), 4);
    });

    test('an answer that says nothing, or is no JSON, is not taken for a deletion', async () => {
      const account = await learnedAccount('wx_no_answer');
      const { appid } = account;
      const wrong = ['', '{}', '<html></html>', '{"errcode":-1,"errmsg":"busy","item_count":0,"item":[]}'];
      let at = 0;
      account.answer = ({ body }, forward) => (body.fetch_type === 1 && at < wrong.length ? wrong[at++] : forward());
      for (const number of [1, 2, 3]) await send(appid, `u-${number}`, 5, `no_answern${number}`, 1);
      await until('all are told', () => told(account).length === 3);
      assert.equal(at, wrong.length);
      for (const number of [1, 2, 3]) {
        assert.equal(await stateOf(appid, `no_answern${number}`), 5);
        assert.ok(await finds(accounts.service, appid, `no_answernw${number}`));
      }
    });

    test('an article that the WeChat side will never give ends in state 4, and its later events go on', async () => {
      const account = await learnedAccount('wx_refused');
      const { appid } = account;
      account.answer = ({ body }, forward) => (body.fetch_type === 1 ? new Response('{}', { status: 400 }) : forward());
      publish(account.wechat.state, messageWith('r', 'refusedword'));
      await send(appid, 'r-1', 4, 'r', 1);
      await until('it has failed', async () => (await stateOf(appid, 'r')) === 4);
      account.answer = undefined;
      await send(appid, 'r-2', 5, 'r', 1);
      await until('it is told', () => told(account).includes('r-2'));
      assert.equal(await stateOf(appid, 'r'), 5);
      assert.ok(await finds(accounts.service, appid, 'refusedword'));
    });

    test('notices that can not be delivered arrive once the WeChat side is back, in order', async () => {
      const account = await learnedAccount('wx_deaf');
      await until('its learning is told', () => account.noticed().length === 1);
      account.answer = ({ method }, forward) =>
        method === 'airagcomplete' ? new Response('{}', { status: 500 }) : forward();
      for (let at = 1; at <= 4; at++) await send(account.appid, `d-${at}`, 7 + (at % 2), 'deafn1', at % 2);
      await until('it was tried', () => account.calls.some(({ body }) => body.item?.[0].event_id === 'd-1'));
      account.answer = undefined;
      await until('all have arrived', () => told(account).length >= 4);
      assert.deepEqual(told(account), ['d-1', 'd-2', 'd-3', 'd-4']);
    });
  });
}
