import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SandboxMessage } from '../../src/sandbox/articles/types.ts';
import { publish } from '../../src/sandbox/wechat-state.ts';
import { type Account, type Accounts, createGate, startAccounts } from '../support/accounts.ts';
import { itemWith, messageWith } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { finds } from '../support/search.ts';
import { until } from '../support/until.ts';

const notifyPath = '/api/wxmp/article/event_notity';

for (const { name: dialect } of dialects) {
  describe(`events on ${dialect}`, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({ dialect, env: { LEARN_WORKERS: '8' } });
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(path, body);
    const statusOf = async (appid: string) => (await call('/api/wxmp/assistant/detail', { appid })).status;
    const states = async (appid: string, ...articles: [string, number][]) => {
      const asked = articles.map(([article_id, msgidx]) => ({ article_id, msgidx }));
      const answer = await call('/api/wxmp/knowledge/file/detail', { appid, articles: asked });
      assert.equal(answer.errcode, 0);
      return answer.files.map((file: Record<string, unknown>) => [file.article_id, file.msgidx, file.file_rag_status]);
    };
    const visible = async (appid: string, words: string[]) => {
      const seen = await Promise.all(words.map((word) => finds(accounts.service, appid, word)));
      return words.filter((_, at) => seen[at]);
    };
    const learnedAccount = async (appid: string, messages: SandboxMessage[]) => {
      const account = await accounts.open(appid, messages);
      await accounts.service.createLearned(appid);
      return account;
    };
    /** The notices of an event, as they came over the wire. */
    const noticesOf = (account: Account, event_id: string) =>
      account.calls.flatMap(({ body }) => body.item ?? []).filter((item) => item.event_id === event_id);
    /** Sends an event, waits until it is handled, and returns its notice. */
    const handle = async (account: Account, event: Record<string, unknown>, form: 'flat' | 'item' = 'flat') => {
      const { appid } = account;
      const whole = { appid, event_id: `e${++events}`, ...event };
      const answer = await call(notifyPath, form === 'flat' ? whole : { item: [whole] });
      assert.deepEqual([answer.errcode, answer.errmsg], [0, 'ok']);
      await until(`${whole.event_id} is told`, () => noticesOf(account, whole.event_id).length > 0);
      const [{ event_id: _, ...notice }] = noticesOf(account, whole.event_id);
      return notice;
    };
    let events = 0;

    test('4 to 8, for one item and with msgidx 0 for a whole message, flat and in item, end as they should', async () => {
      const account = await learnedAccount('wx_events', []);
      const { appid } = account;
      const side = account.wechat.state;
      const told = (event_type: number, article_id: string, msgidx: number, count?: number) => ({
        ...{ appid, event_type, article_id, msgidx },
        ...(count !== undefined && { count }),
      });

      publish(side, messageWith('n1', 'none', 'ntwo'));
      assert.deepEqual(await handle(account, { event_type: 4, article_id: 'n1', msgidx: 0 }), told(4, 'n1', 0, 2));
      assert.deepEqual(await visible(appid, ['none', 'ntwo']), ['none', 'ntwo']);
      assert.equal(await statusOf(appid), 4);

      publish(side, messageWith('n2', 'mone', 'mtwo', 'mthree'));
      const second = { event_type: 4, article_id: 'n2', msgidx: 2 };
      assert.deepEqual(await handle(account, second, 'item'), told(4, 'n2', 2, 1));
      assert.deepEqual(await visible(appid, ['mone', 'mtwo', 'mthree']), ['mtwo']);
      assert.deepEqual(await states(appid, ['n2', 1], ['n2', 0]), [['n2', 2, 5]]);

      publish(side, messageWith('n1', 'nchanged', 'nalso'));
      assert.deepEqual(await handle(account, { event_type: 5, article_id: 'n1', msgidx: 1 }), told(5, 'n1', 1, 1));
      assert.deepEqual(await visible(appid, ['none', 'nchanged', 'ntwo', 'nalso']), ['nchanged', 'ntwo']);
      publish(side, messageWith('n1', 'nlast'));
      assert.deepEqual(
        await handle(account, { event_type: 5, article_id: 'n1', msgidx: 0 }, 'item'),
        told(5, 'n1', 0, 2),
      );
      assert.deepEqual(await visible(appid, ['nchanged', 'ntwo', 'nlast']), ['nlast']);
      assert.deepEqual(await states(appid, ['n1', 0], ['n1', 2]), [
        ['n1', 1, 5],
        ['n1', 2, 8],
      ]);

      await handle(account, { event_type: 4, article_id: 'n2' }); // an absent msgidx is 0
      const items = ['mone', 'mtwo', 'mthree'];
      assert.deepEqual(await handle(account, { event_type: 7, article_id: 'n2', msgidx: 3 }), told(7, 'n2', 3, 1));
      assert.deepEqual(await visible(appid, items), ['mone', 'mtwo']);
      assert.deepEqual(await states(appid, ['n2', 3]), [['n2', 3, 5]]);
      assert.deepEqual(await handle(account, { event_type: 8, article_id: 'n2', msgidx: 3 }, 'item'), told(8, 'n2', 3));
      assert.deepEqual(await visible(appid, items), items);
      assert.deepEqual(await handle(account, { event_type: 7, article_id: 'n2', msgidx: 0 }), told(7, 'n2', 0, 3));
      assert.deepEqual(await visible(appid, items), []);
      assert.deepEqual(await handle(account, { event_type: 8, article_id: 'n2', msgidx: 2 }), told(8, 'n2', 2));
      assert.deepEqual(await visible(appid, items), ['mtwo']);
      await handle(account, { event_type: 5, article_id: 'n2', msgidx: 0 });
      assert.deepEqual(await visible(appid, items), ['mtwo']); // an update lifts no ban
      assert.deepEqual(await handle(account, { event_type: 8, article_id: 'n2', msgidx: 0 }), told(8, 'n2', 0));
      assert.deepEqual(await visible(appid, items), items);

      assert.deepEqual(await handle(account, { event_type: 6, article_id: 'n2', msgidx: 1 }), told(6, 'n2', 1, 1));
      assert.deepEqual(await visible(appid, items), ['mtwo', 'mthree']);
      assert.deepEqual(await states(appid, ['n2', 1]), [['n2', 1, 8]]);
      assert.deepEqual(await handle(account, { event_type: 6, article_id: 'n2', msgidx: 0 }), told(6, 'n2', 0, 2));
      assert.deepEqual(await visible(appid, items), []);
      assert.deepEqual(await states(appid, ['n2', 0], ['n2', 3]), [['n2', 3, 8]]);
      const [base] = (await call('/api/wxmp/assistant/detail', { appid })).knowledges;
      assert.equal(base.doc_num, 1);
    });

    test('a ban that comes before its article holds it back until it is lifted', async () => {
      const account = await learnedAccount('wx_early_ban', []);
      assert.equal((await handle(account, { event_type: 7, article_id: 'b1', msgidx: 0 })).count, 0);
      publish(account.wechat.state, messageWith('b1', 'bannedone', 'bannedtwo'));
      assert.equal((await handle(account, { event_type: 4, article_id: 'b1', msgidx: 0 })).count, 2);
      assert.deepEqual(await states(account.appid, ['b1', 0]), [
        ['b1', 1, 5],
        ['b1', 2, 5],
      ]);
      assert.deepEqual(await visible(account.appid, ['bannedone', 'bannedtwo']), []);
      await handle(account, { event_type: 8, article_id: 'b1', msgidx: 1 });
      assert.deepEqual(await visible(account.appid, ['bannedone', 'bannedtwo']), ['bannedone']);
    });

    test('while events wait the status is 3 and a new item is in state 3; then 4 and 5, and 9 without text', async () => {
      const account = await learnedAccount('wx_pending', [messageWith('p0', 'pzero')]);
      const { appid } = account;
      await handle(account, { event_type: 6, article_id: 'p0', msgidx: 1 });
      publish(account.wechat.state, {
        ...messageWith('p1', 'pone'),
        items: [itemWith('pone'), itemWith('p', { content: '<img>' })],
      });
      const gate = createGate();
      account.answer = async (_, forward) => {
        await gate.opened;
        return forward();
      };
      const item = [
        { appid, event_id: 'p-1', event_type: 4, article_id: 'p1', msgidx: 1 },
        { appid, event_id: 'p-2', event_type: 4, article_id: 'p1', msgidx: 2 },
        { appid, event_id: 'p-3', event_type: 4, article_id: 'p0', msgidx: 1 },
      ];
      assert.equal((await call(notifyPath, { item })).errcode, 0);
      assert.equal(await statusOf(appid), 3);
      // What was deleted and is published again is being parsed again.
      assert.deepEqual(await states(appid, ['p1', 1], ['p1', 2], ['p0', 1]), [
        ['p1', 1, 3],
        ['p1', 2, 3],
        ['p0', 1, 3],
      ]);
      gate.open();
      await until('all are handled', async () => (await statusOf(appid)) === 4);
      assert.deepEqual(await states(appid, ['p1', 0], ['p0', 1]), [
        ['p1', 1, 5],
        ['p1', 2, 9],
        ['p0', 1, 5],
      ]);
    });

    test('of several items one bad refuses the call, and nothing of it is stored', async () => {
      const account = await learnedAccount('wx_all_or_none', [messageWith('a1', 'aone')]);
      const { appid } = account;
      const good = { appid, event_id: 'good', event_type: 6, article_id: 'a1', msgidx: 1 };
      await handle(account, { event_id: 'used', event_type: 8, article_id: 'a1', msgidx: 1 });
      const bad: [number, Record<string, unknown>][] = [
        [40001, { ...good, event_id: '' }],
        [40001, { ...good, event_id: 'x', event_type: 3 }],
        [40001, { ...good, event_id: 'x', event_type: 13 }],
        [40001, { ...good, event_id: 'x', article_id: '' }],
        [40001, { ...good, event_id: 'x', msgidx: 1001 }],
        [40002, { ...good, event_id: 7 }],
        [40401, { ...good, event_id: 'x', appid: 'wx_nobody' }],
        [40901, { ...good, event_id: 'used' }],
        [40901, { ...good, msgidx: 0 }], // the same event_id with two payloads in one call
      ];
      for (const [errcode, item] of bad) {
        const answer = await call(notifyPath, { item: [good, item] });
        assert.equal(answer.errcode, errcode, JSON.stringify([item, answer]));
      }
      // Had it been stored, this would be another payload.
      assert.equal((await handle(account, { ...good, msgidx: 0 })).count, 1);
      assert.equal(noticesOf(account, 'x').length, 0);
    });

    test('a repeated event is acknowledged and handled once; its id with another payload is 40901', async () => {
      const account = await learnedAccount('wx_repeat', []);
      const { appid } = account;
      publish(account.wechat.state, messageWith('r1', 'rone'));
      const event = { appid, event_id: 'r', event_type: 4, article_id: 'r1', msgidx: 0 };
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) => call(notifyPath, at % 2 === 0 ? event : { item: [event, event] })),
      );
      assert.deepEqual(new Set(answers.map(({ errcode }) => errcode)), new Set([0]));
      await handle(account, { event_type: 7, article_id: 'r1', msgidx: 0 });
      assert.equal((await call('/api/wxmp/article/event_notify', event)).errcode, 0);
      await handle(account, { event_type: 8, article_id: 'r1', msgidx: 0 });
      assert.equal(noticesOf(account, 'r').length, 1);
      for (const other of [{ event_type: 5 }, { article_id: 'r2' }, { msgidx: 1 }]) {
        const answer = await call(notifyPath, { ...event, ...other });
        assert.equal(answer.errcode, 40901);
        assert.match(answer.errmsg, /event_id r /);
      }
    });

    test('an unknown account is 40401, an event without event_id 40001, the field or the account named', async () => {
      const event = { appid: 'wx_nobody', event_id: 'e', event_type: 4, article_id: 'a', msgidx: 0 };
      for (const body of [event, { item: [event] }]) {
        const answer = await call(notifyPath, body);
        assert.equal(answer.errcode, 40401);
        assert.match(answer.errmsg, /wx_nobody/);
      }
      const { event_id: _, ...without } = event;
      for (const body of [without, { item: [without] }]) {
        const answer = await call(notifyPath, body);
        assert.equal(answer.errcode, 40001);
        assert.match(answer.errmsg, /event_id/);
      }
      assert.equal((await call(notifyPath, { item: Array.from({ length: 101 }, () => event) })).errcode, 40001);
    });

    test('the state of articles: in the order of the request, unknown ones left out, more than ten is 40001', async () => {
      const { appid } = await learnedAccount('wx_state', [
        messageWith('s1', 'sone', 'stwo'),
        messageWith('s2', 'sthree'),
      ]);
      const path = '/api/wxmp/knowledge/file/detail';
      const articles = [{ article_id: 's2', msgidx: 1 }, { article_id: 'none' }, { article_id: 's1', msgidx: 0 }];
      const answer = await call(path, { appid, articles });
      const { knowledge_id } = (await call('/api/wxmp/assistant/detail', { appid })).knowledges[0];
      assert.deepEqual([answer.appid, answer.knowledge_id], [appid, knowledge_id]);
      assert.deepEqual(
        answer.files.map(({ file_id, ...rest }: { file_id: string }) => ({ ...rest, named: file_id !== '' })),
        [
          ['s2', 1, '记号 sthree'],
          ['s1', 1, '记号 sone'],
          ['s1', 2, '记号 stwo'],
        ].map(([article_id, msgidx, file_name]) => ({
          ...{ article_id, msgidx, file_name, file_rag_status: 5, file_type: 'HTML', named: true },
        })),
      );
      assert.deepEqual((await call(path, { appid, articles: [{ article_id: 'none' }] })).files, []);
      assert.deepEqual((await call(path, { appid })).files, []);
      const many = Array.from({ length: 11 }, () => ({ article_id: 's1' }));
      assert.equal((await call(path, { appid, articles: many })).errcode, 40001);
      assert.equal((await call(path, { appid, articles: many.slice(1) })).files.length, 20);
      assert.equal((await call(path, { appid: 'wx_nobody', articles })).errcode, 40401);
    });
  });
}
