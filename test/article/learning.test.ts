import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { type Account, type Accounts, createGate, startAccounts } from '../support/accounts.ts';
import { itemWith, messageWith, series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { finds, search } from '../support/search.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  describe(`learning on ${dialect}`, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({ dialect, env: { LEARN_FIRST_ARTICLES: '30', LEARN_WORKERS: '8' } });
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(path, body);
    const create = (appid: string, name = '助手') => call('/api/wxmp/assistant/create', { appid, name });
    const detail = (appid: string) => call('/api/wxmp/assistant/detail', { appid });
    const base = async (appid: string) => (await detail(appid)).knowledges[0];
    const states = async (appid: string, ...articles: [string, number][]) => {
      const asked = articles.map(([article_id, msgidx]) => ({ article_id, msgidx }));
      const { files } = await call('/api/wxmp/knowledge/file/detail', { appid, articles: asked });
      return files.map((file: Record<string, unknown>) => [file.article_id, file.msgidx, file.file_rag_status]);
    };
    const reaches = (appid: string, status: number) =>
      until(`${appid} has status ${status}`, async () => (await detail(appid)).status === status);
    const noticed = (account: Account, ...types: number[]) =>
      until(`${account.appid} is told ${types}`, () => account.noticed().join() === types.join());
    /** Answers pages with at most so many messages, whatever is asked for. */
    const shortPages = (count: number): Account['answer'] => {
      return ({ method, body }, forward) => forward(method === 'getbizpublishlist' ? { ...body, count } : body);
    };

    test('beyond LEARN_FIRST_ARTICLES: status 2 to 5 and notice 2, then status 6 and notice 3', async () => {
      const account = await accounts.open('wx_supplement', series('sup', 53));
      const gate = createGate();
      account.answer = async ({ body }, forward) => {
        if (body.offset >= 30) await gate.opened;
        return forward();
      };
      assert.equal((await create(account.appid)).status, 1);
      await reaches(account.appid, 5);
      assert.equal((await base(account.appid)).doc_num, 30);
      assert.ok(await finds(accounts.service, account.appid, 'supw7'));
      await noticed(account, 2);
      gate.open();
      await reaches(account.appid, 6);
      await noticed(account, 2, 3);
      assert.equal((await base(account.appid)).doc_num, 53);
      assert.deepEqual(
        account.pages().map(({ offset, count, filter_pay_subscribe: filter }) => [offset, count, filter]),
        [
          [0, 20, 1],
          [20, 10, 1],
          [30, 20, 1],
          [50, 20, 1],
        ],
      );
    });

    test('a short or an empty page is no end: only next_offset 0 is, and pages go on where the one before said', async () => {
      const account = await accounts.open('wx_short', series('short', 8));
      account.answer = ({ body }, forward) => {
        if (body.offset === 3) return { next_offset: 4, item_count: 0, item: [], errcode: 0 };
        if (body.offset === 4)
          return shortPages(2)!({ method: 'getbizpublishlist', body: { ...body, offset: 3 } }, forward);
        return shortPages(3)!({ method: 'getbizpublishlist', body }, forward);
      };
      await create(account.appid);
      await reaches(account.appid, 2);
      await noticed(account, 1);
      assert.equal((await base(account.appid)).doc_num, 8);
      assert.deepEqual(
        account.pages().map(({ offset }) => offset),
        [0, 3, 4, 5],
      );
    });

    test('a small account: status 2 and notice 1 alone, which carries nothing but appid and event_type', async () => {
      const account = await accounts.open('wx_small', series('small', 2));
      await create(account.appid);
      await reaches(account.appid, 2);
      await noticed(account, 1);
      const [notice] = account.calls.filter(({ method }) => method === 'airagcomplete');
      assert.deepEqual(notice!.body, { item: [{ appid: 'wx_small', event_type: 1 }] });
    });

    test('an empty account: status 2, notice 1, and an articles base of no documents', async () => {
      const account = await accounts.open('wx_empty', []);
      await create(account.appid);
      await reaches(account.appid, 2);
      await noticed(account, 1);
      const { knowledges } = await detail(account.appid);
      assert.equal(knowledges.length, 1);
      assert.deepEqual([knowledges[0].type, knowledges[0].doc_num, knowledges[0].name], [1, 0, '']);
    });

    test('each item of a message is a document of its own; paid and deleted ones are none', async () => {
      const account = await accounts.open('wx_items', [
        messageWith('items1', 'itemone', 'itemtwo', 'itemthree'),
        {
          articleId: 'items2',
          createTime: 1_790_000_000,
          items: [
            itemWith('paidword', { isPaySubscribe: true }),
            itemWith('goneword', { isDeleted: true }),
            itemWith('itemfour'),
          ],
        },
      ]);
      // A WeChat side that does not filter: what it marks as paid is left out all the same.
      account.answer = ({ body }, forward) => forward({ ...body, filter_pay_subscribe: 0 });
      await create(account.appid);
      await reaches(account.appid, 2);
      assert.deepEqual(await states(account.appid, ['items1', 0], ['items2', 0], ['items2', 1], ['items9', 0]), [
        ['items1', 1, 5],
        ['items1', 2, 5],
        ['items1', 3, 5],
        ['items2', 3, 5],
      ]);
      assert.equal((await base(account.appid)).doc_num, 4);
      const passages = await search(accounts.service, account.appid, 'itemtwo');
      assert.equal(passages[0]?.source.title, '记号 itemtwo');
      assert.equal(passages[0]?.source.url, `${account.wechat.url}/s/items1/2`);
      assert.deepEqual(
        await Promise.all(['paidword', 'goneword'].map((word) => finds(accounts.service, account.appid, word))),
        [false, false],
      );
    });

    test('HTML is cleaned: hidden text is never found, a table row stays together, pictures alone are state 9', async () => {
      const page = `<section><p>看得见的 seenword</p><p style="display:none">看不见的 hiddenword</p>
        <script>var scriptword = 1</script><style>.styleword {}</style><!-- commentword -->
        <table><tr><th>票种</th><th>价格</th></tr><tr><td>夜场票 tableword</td><td>九十九元</td></tr></table></section>`;
      const picture = '<p><img data-src="https://mmbiz.example/pictureword.jpg"></p>';
      const account = await accounts.open('wx_html', [
        {
          articleId: 'html1',
          createTime: 1,
          items: [itemWith('x', { content: page }), itemWith('picturetitle', { content: picture })],
        },
      ]);
      await create(account.appid);
      await reaches(account.appid, 2);
      const [row] = await search(accounts.service, account.appid, 'tableword');
      assert.match(row!.text, /夜场票 tableword.{0,20}九十九元/);
      for (const word of ['hiddenword', 'scriptword', 'styleword', 'commentword', 'pictureword', 'picturetitle']) {
        assert.equal(await finds(accounts.service, account.appid, word), false, word);
      }
      assert.ok(await finds(accounts.service, account.appid, 'seenword'));
      assert.deepEqual(await states(account.appid, ['html1', 0]), [
        ['html1', 1, 5],
        ['html1', 2, 9],
      ]);
    });

    test('created again while learning: what was learned is kept, and learning goes on where it was', async () => {
      const account = await accounts.open('wx_again', series('again', 4));
      const gate = createGate();
      account.answer = async ({ method, body }, forward) => {
        if (body.offset >= 2) await gate.opened;
        return shortPages(2)!({ method, body }, forward);
      };
      await create(account.appid);
      await until('the first page is learned', async () => (await base(account.appid)).doc_num === 2);
      const { knowledge_id } = await base(account.appid);
      const again = await create(account.appid, '新名字');
      assert.deepEqual([again.errcode, again.status], [0, 1]);
      gate.open();
      await reaches(account.appid, 2);
      assert.equal((await detail(account.appid)).name, '新名字');
      assert.deepEqual(
        [(await base(account.appid)).knowledge_id, (await base(account.appid)).doc_num],
        [knowledge_id, 4],
      );
      await noticed(account, 1);
      assert.equal((await create(account.appid)).status, 2);
      assert.equal(account.pages().filter(({ offset }) => offset === 0).length, 1);
    });

    test('deleted while learning: a page that comes late changes nothing, and creating again is a fresh start', async () => {
      const account = await accounts.open('wx_deleted', series('old', 4));
      const gate = createGate();
      let late = 0;
      account.answer = async ({ method, body }, forward) => {
        if (body.offset !== 2) return shortPages(2)!({ method, body }, forward);
        const page = await shortPages(2)!({ method, body }, forward);
        await gate.opened;
        late++;
        return page;
      };
      await create(account.appid);
      await until('the first page is learned', async () => (await base(account.appid)).doc_num === 2);
      await accounts.service.ask(account.appid, 'reader', 'before', 'oldw1');
      await until('the second page is under way', () => account.pages().length === 2);
      const old = await base(account.appid);
      assert.equal((await call('/api/wxmp/assistant/delete', { appid: account.appid })).status, 1);

      account.wechat.state.messages = series('fresh', 2);
      const first = account.answer;
      account.answer = undefined;
      assert.equal((await create(account.appid)).status, 1);
      await reaches(account.appid, 2);
      account.answer = first;
      gate.open();
      await until('the late page is answered', () => late === 1);
      const other = await accounts.open('wx_other', series('other', 1)); // what comes after is behind the late page
      await create(other.appid);
      await reaches(other.appid, 2);
      await noticed(account, 1); // the new one's
      const { knowledge_id, doc_num } = await base(account.appid);
      assert.notEqual(knowledge_id, old.knowledge_id);
      assert.equal(doc_num, 2);
      const words = ['freshw1', 'oldw1', 'oldw3'].map((word) => finds(accounts.service, account.appid, word));
      assert.deepEqual(await Promise.all(words), [true, false, false]);
      const history = await call('/api/wxmp/message/list', { appid: account.appid, openid: 'reader', is_debug: 0 });
      assert.deepEqual(history.messages, []);
      assert.equal(await countDocuments(old.knowledge_id), 2);
    });

    /** Reads the database itself: a deleted base is shown by no call. */
    async function countDocuments(knowledgeId: string): Promise<number> {
      const database = openDatabase({ url: accounts.service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const rows = await database.all('select 1 from document where knowledge_id = ?', [knowledgeId]);
      await database.close();
      return rows.length;
    }

    test('LEARN_PAID_ARTICLES=true learns what readers pay for', async () => {
      await accounts.service.stopApp();
      await accounts.service.restartApp({ LEARN_PAID_ARTICLES: 'true' });
      const account = await accounts.open('wx_paid', [
        {
          articleId: 'paid1',
          createTime: 1,
          items: [
            itemWith('paidlearned', { isPaySubscribe: true }),
            itemWith('paidgone', { isDeleted: true, isPaySubscribe: true }),
          ],
        },
      ]);
      await create(account.appid);
      await reaches(account.appid, 2);
      assert.equal(account.pages()[0].filter_pay_subscribe, 0);
      assert.deepEqual(await states(account.appid, ['paid1', 0]), [['paid1', 1, 5]]);
      assert.ok(await finds(accounts.service, account.appid, 'paidlearned'));
    });
  });
}
