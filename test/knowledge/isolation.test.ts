import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Accounts, startAccounts } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { type FileHost, startFileHost } from '../support/file-host.ts';
import { type MixedAccount, openMixedAccount } from '../support/mixed/account.ts';
import { createWords, isVisible, type View, type Word } from '../support/mixed/shutter.ts';
import { createRandom } from '../support/random.ts';
import { search } from '../support/search.ts';
import { until } from '../support/until.ts';

const appids = ['wx_mix_a', 'wx_mix_b', 'wx_mix_c'];
const steps = 90;
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

    test('no answer holds what is another account’s, deleted, banned, replaced or unbound when it is asked for, and what is left is found', async (t) => {
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
        assert.ok(withWord > 5);
        await untilIdle(account);
      }
      for (const word of words.all()) for (const view of views) await compare(word, view);
    });

    async function untilIdle({ appid }: MixedAccount): Promise<void> {
      await until(`${appid} has nothing left to learn`, async () => {
        const { status } = await accounts.service.call('/api/wxmp/assistant/detail', { appid });
        return [2, 4, 6].includes(status);
      });
    }

    /** Each account is asked for the word; the one that it is from has it, if it is visible. */
    async function compare(word: Word, view: View): Promise<void> {
      for (const appid of appids) {
        const found = await search(accounts.service, appid, word.text, view);
        const has = found.some(({ text }) => text.includes(word.text));
        assert.equal(has, word.appid === appid && isVisible(word, view), `${appid}, ${view}: ${word.text}`);
      }
    }
  });
}
