import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Account, type Accounts, startAccounts } from '../support/accounts.ts';
import { series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { until } from '../support/until.ts';

/** Answers that are no page, by what is wrong with them. */
const wrong: Record<string, (offset: number, gone: Promise<void>) => unknown> = {
  'HTTP 200 with an errcode': () => ({ errcode: -1, errmsg: 'system busy', next_offset: 0, item_count: 0, item: [] }),
  'a text that is not JSON': () => '{"next_offset": 0, "item": [',
  'an HTML error page': () => '<html><body>502 Bad Gateway</body></html>',
  'an empty body': () => '',
  'JSON that is no object': () => new Response('[]'),
  'an object that says nothing': () => ({ errcode: 0, errmsg: 'ok' }),
  'fields of another type': () => ({ next_offset: 'soon', item: [] }),
  'a next_offset that goes back': (offset) => ({ next_offset: offset - 1, item_count: 0, item: [] }),
  'a next_offset that stays': (offset) => ({ next_offset: offset, item_count: 0, item: [] }),
  'HTTP 500': () => new Response('{}', { status: 500 }),
  'HTTP 404': () => new Response('{}', { status: 404 }),
  'HTTP 400': () => new Response('{}', { status: 400 }),
  'a redirect': () => new Response(null, { status: 302, headers: { location: '/' } }),
  'a connection that breaks off': () => undefined,
  'no answer at all': (_, gone) => gone,
};

for (const { name: dialect } of dialects) {
  describe(`learning from a WeChat side that fails, on ${dialect}`, { concurrency: true }, () => {
    let accounts: Accounts;
    before(async () => {
      const env = { LEARN_WORKERS: '20', BIZCOMM_TIMEOUT_MS: '3000', LEASE_SECONDS: '10' };
      accounts = await startAccounts({ dialect, env });
    });
    after(() => accounts.stop());

    const create = (appid: string) => accounts.service.call('/api/wxmp/assistant/create', { appid, name: '助手' });
    const detail = (appid: string) => accounts.service.call('/api/wxmp/assistant/detail', { appid });
    const learned = (appid: string) => until(`${appid} has learned`, async () => (await detail(appid)).status === 2);

    test('what is no page is asked for again, changes nothing, and learning goes on after it', async () => {
      const ended = Promise.withResolvers<void>();
      const opened: Promise<Account>[] = Object.entries(wrong).map(async ([what, answer], at) => {
        const account = await accounts.open(`wx_wrong_${at}`, series(`wrong${at}n`, 4));
        let failed = false;
        account.answer = ({ method, body }, forward) => {
          if (method !== 'getbizpublishlist') return forward();
          if (body.offset !== 2 || failed) return forward({ ...body, count: 1 });
          failed = true;
          return answer(body.offset, ended.promise);
        };
        assert.equal((await create(account.appid)).status, 1, what);
        return account;
      });
      for (const [at, account] of (await Promise.all(opened)).entries()) {
        const what = Object.keys(wrong)[at]!;
        await learned(account.appid);
        const offsets = account.pages().map(({ offset }) => offset);
        assert.deepEqual([...new Set(offsets)], [0, 1, 2, 3], what);
        assert.deepEqual(offsets.toSorted(), offsets, what);
        assert.ok(offsets.filter((offset) => offset === 2).length > 1, what);
        assert.equal((await detail(account.appid)).knowledges[0].doc_num, 4, what);
        await until(`${what}: told`, () => account.noticed().length > 0);
        assert.deepEqual(account.noticed(), [1], what);
      }
      ended.resolve();
    });

    test('the WeChat side is down at creation: status 1 and no notice until it is back', async () => {
      const account = await accounts.open('wx_down', series('down', 2));
      account.answer = () => new Response('{}', { status: 503 });
      assert.equal((await create(account.appid)).status, 1);
      await until('it was tried twice', () => account.pages().length >= 2);
      assert.equal((await detail(account.appid)).status, 1);
      assert.equal((await detail(account.appid)).knowledges[0].doc_num, 0);
      assert.deepEqual(account.noticed(), []);
      account.answer = undefined;
      await learned(account.appid);
      await until('it is told', () => account.noticed().join() === '1');
    });

    test('a Retry-After is obeyed', async () => {
      const account = await accounts.open('wx_wait', series('wait', 1));
      const asked: number[] = [];
      account.answer = ({ method }, forward) => {
        if (method === 'getbizpublishlist') asked.push(performance.now());
        return asked.length === 1 ? new Response('{}', { status: 503, headers: { 'retry-after': '2' } }) : forward();
      };
      await create(account.appid);
      await learned(account.appid);
      assert.ok(asked[1]! - asked[0]! >= 1990, `asked again after ${asked[1]! - asked[0]!} ms`);
    });

    test('one account that fails holds up no other', async () => {
      const failing = await accounts.open('wx_failing', series('failing', 1));
      failing.answer = () => new Response('{}', { status: 500 });
      await create(failing.appid);
      const fine = await accounts.open('wx_fine', series('fine', 1));
      await create(fine.appid);
      await learned(fine.appid);
      assert.equal((await detail(failing.appid)).status, 1);
    });
  });
}
