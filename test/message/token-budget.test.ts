import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createTokenBudget, pruneTokenUse } from '../../src/message/token-budget.ts';
import { dialects } from '../support/databases.ts';

for (const { name, create } of dialects) {
  describe(`the day's tokens on ${name}`, () => {
    test('replicas that take tokens at once take no more than there are, and give back what they did not use', async () => {
      const { url, drop } = await create();
      const pools = [1, 2, 3].map(() => openDatabase({ url, poolSize: 4, queryTimeoutMs: 10_000 }));
      await migrate(pools[0]!, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
      const replicas = pools.map((database) => createTokenBudget(database, 1000));
      const takes = Array.from({ length: 60 }, (_, at) => replicas[at % 3]!.reserve('wx_a', 30));
      const settles = (await Promise.all(takes)).filter((settle) => settle !== undefined);
      assert.equal(settles.length, 33);
      assert.ok(await replicas[0]!.reserve('wx_b', 1000), 'another account has its own');
      assert.equal(await replicas[1]!.reserve('wx_b', 1), undefined);
      await settles[0]!(10);
      assert.ok(await replicas[0]!.reserve('wx_a', 30));
      assert.equal(await replicas[0]!.reserve('wx_a', 1), undefined);
      // Tomorrow there are as many again, whatever is settled of today then.
      const { dialect } = pools[1]!;
      const clock = { ...dialect, now: `(${dialect.now} + 86400000)` };
      const tomorrow = createTokenBudget({ ...pools[1]!, dialect: clock }, 1000);
      assert.ok(await tomorrow.reserve('wx_a', 900));
      await settles[1]!(0);
      assert.equal(await tomorrow.reserve('wx_a', 101), undefined);
      assert.ok(await tomorrow.reserve('wx_a', 100));
      await pools[0]!.run('update token_use set day = day - 20 where tokens = 1000 and appid = ?', ['wx_b']);
      await pruneTokenUse(pools[0]!, new AbortController().signal);
      assert.equal((await pools[0]!.all('select 1 from token_use')).length, 2);
      await Promise.all(pools.map((database) => database.close()));
      await drop();
    });

    test('without a limit nothing is counted', async () => {
      const budget = createTokenBudget(
        openDatabase({ url: 'sqlite::memory:', poolSize: 1, queryTimeoutMs: 1000 }),
        undefined,
      );
      const settle = await budget.reserve('wx_a', 1e9);
      await settle!(2e9);
    });
  });
}
