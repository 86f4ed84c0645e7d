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
      const taken = (await Promise.all(takes)).filter((isTaken) => isTaken).length;
      assert.equal(taken, 33);
      assert.equal(await replicas[0]!.reserve('wx_b', 1000), true, 'another account has its own');
      assert.equal(await replicas[1]!.reserve('wx_b', 1), false);
      await replicas[2]!.settle('wx_a', 30, 10);
      assert.equal(await replicas[0]!.reserve('wx_a', 30), true);
      assert.equal(await replicas[0]!.reserve('wx_a', 1), false);
      // Tomorrow there are as many again.
      await pools[0]!.run('update token_use set day = day - 1');
      assert.equal(await replicas[1]!.reserve('wx_a', 1000), true);
      await pools[0]!.run('update token_use set day = day - 20 where tokens = 1000 and appid = ?', ['wx_b']);
      await pruneTokenUse(pools[0]!);
      assert.equal((await pools[0]!.all('select 1 from token_use')).length, 2);
      await Promise.all(pools.map((database) => database.close()));
      await drop();
    });

    test('without a limit nothing is counted', async () => {
      const budget = createTokenBudget(
        openDatabase({ url: 'sqlite::memory:', poolSize: 1, queryTimeoutMs: 1000 }),
        undefined,
      );
      assert.equal(await budget.reserve('wx_a', 1e9), true);
      await budget.settle('wx_a', 1e9, 2e9);
    });
  });
}
