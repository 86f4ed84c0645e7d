import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { publish } from '../../src/sandbox/wechat-state.ts';
import { type Accounts, createGate, startAccounts } from '../support/accounts.ts';
import { messageWith } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { type FileHost, startFileHost } from '../support/file-host.ts';
import { type MixedAccount, openMixedAccount } from '../support/mixed/account.ts';
import { createWords, isVisible, type View, type Word } from '../support/mixed/shutter.ts';
import { createRandom } from '../support/random.ts';
import { finds, search } from '../support/search.ts';
import { startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appids = ['wx_mix_a', 'wx_mix_b', 'wx_mix_c'];
const steps = 120;
const views: View[] = ['online', 'draft'];

for (const { name: dialect } of dialects) {
  describe(`accounts, bases and documents that change while users ask, on ${dialect}`, () => {
    let accounts: Accounts;
    let host: FileHost;
    before(async () => {
      host = await startFileHost();
      accounts = await startAccounts({ dialect, env: { LEARN_WORKERS: '4', FILE_WORKERS: '4' } });
    });
    after(async () => {
      await accounts?.stop();
      await host?.close();
    });

    test('no answer holds what is another account’s, or was deleted, banned, replaced or unbound before the question; what is left is found', async (t) => {
      const random = createRandom();
      t.diagnostic(`TEST_SEED=${random.seed}`);
      const words = createWords();
      const seeds = appids.map(() => ({ steps: random.below(2 ** 31), delays: random.below(2 ** 31) }));
      const mixed = await Promise.all(
        appids.map(async (appid, at) => {
          const account = await openMixedAccount({ accounts, host, words }, appid, createRandom(seeds[at]!.delays));
          const chance = createRandom(seeds[at]!.steps);
          for (let step = 0; step < steps; step++) await account.step(chance);
          await account.quiet();
          return account;
        }),
      );
      for (const account of mixed) {
        const { all, withWord } = account.answered();
        t.diagnostic(`${account.appid}: ${all} questions were answered, ${withWord} of them with a word`);
        await untilIdle(account);
      }
      assert.ok(mixed.reduce((sum, account) => sum + account.answered().withWord, 0) > 10);
      const all = words.all();
      for (let from = 0; from < all.length; from += 8) await Promise.all(all.slice(from, from + 8).map(compare));
    });

    async function untilIdle({ appid }: MixedAccount): Promise<void> {
      await until(`${appid} has nothing left to learn`, async () => {
        const { status } = await accounts.service.call('/api/wxmp/assistant/detail', { appid });
        return [2, 4, 6].includes(status);
      });
    }

    /** A word's own account has it where it is visible, others don't. */
    async function compare(word: Word): Promise<void> {
      const [other] = appids.filter((appid) => appid !== word.appid);
      for (const view of views) {
        assert.equal(
          await holds(word.appid, word, view),
          isVisible(word, view),
          `${word.appid}, ${view}: ${word.text}`,
        );
      }
      assert.equal(await holds(other!, word, 'online'), false, `${other}: ${word.text} of ${word.appid}`);
    }

    async function holds(appid: string, word: Word, view: View): Promise<boolean> {
      return (await search(accounts.service, appid, word.text, view)).some(({ text }) => text.includes(word.text));
    }

    for (const { event_type, what } of [
      { event_type: 6, what: 'deleted' },
      { event_type: 7, what: 'banned' },
    ]) {
      test(`an article that is ${what} while it is fetched for the first time is not shown until that is handled`, async () => {
        const appid = `wx_${what}`;
        const account = await accounts.open(appid, []);
        await accounts.service.createLearned(appid);
        for (const id of ['first', 'second']) publish(account.wechat.state, messageWith(id, `word${id}`));
        const gates: Record<string, ReturnType<typeof createGate>> = { first: createGate(), second: createGate() };
        const asked: string[] = [];
        account.answer = async ({ method, body }, forward) => {
          const answer = await forward();
          if (method !== 'getbizpublishlist') return answer;
          asked.push(body.article_id);
          await gates[body.article_id]!.opened;
          return answer;
        };
        const send = async (event_id: string, event_type: number, article_id: string) => {
          const item = [{ appid, event_type, event_id, article_id, msgidx: 0 }];
          assert.equal((await accounts.service.call('/api/wxmp/article/event_notity', { item })).errcode, 0);
        };
        await send('1', 4, 'first');
        await until('it is being fetched', () => asked.length === 1);
        await send('2', 4, 'second');
        await send('3', event_type, 'first');
        gates.first!.open();
        await until('it is learned, and the other is being fetched', () => asked.length === 2);
        assert.equal(await finds(accounts.service, appid, 'wordfirst'), false);
        gates.second!.open();
        await until('all is told', () => account.noticed().includes(event_type));
        assert.equal(await finds(accounts.service, appid, 'wordfirst'), false);
        assert.equal(await finds(accounts.service, appid, 'wordsecond'), true);
      });
    }
  });
}

// What makes it sure, a commit from another connection within the one tick, is there for SQLite alone.
test('what is deleted after an answer was composed and before it is committed is not answered with', async () => {
  let onComposed = () => {};
  const service = await startService({
    articles: [messageWith('a', 'wordalpha'), messageWith('b', 'wordbeta')],
    reached: (point) => {
      if (point === 'message.composed') onComposed();
    },
  });
  const other = new Sqlite(service.databaseUrl.slice('sqlite:'.length), { timeout: 0 });
  try {
    await service.createLearned('wx_stale');
    let composed = 0;
    onComposed = () => {
      // While the file is busy it throws: the message is tried again.
      if (composed++ === 0) other.exec("update document set state = 8 where article_id = 'a'");
    };
    const { text, quotation } = await service.ask('wx_stale', 'user', 'm1', 'wordalpha');
    assert.doesNotMatch(text + quotation, /wordalpha/);
    assert.ok(composed >= 2, 'it was composed anew');
    assert.match((await service.ask('wx_stale', 'user', 'm2', 'wordbeta')).text, /wordbeta/);
  } finally {
    other.close();
    await service.stop();
  }
});
