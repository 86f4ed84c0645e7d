import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { eachDatabase } from '../support/databases.ts';

eachDatabase((dialect, open) => {
  describe(`transactions on ${dialect}`, () => {
    test('what a transaction wrote is gone when it throws, and afterCommit is not called', async () => {
      const database = await open();
      let told = false;
      const failing = database.tx(async (tx) => {
        tx.afterCommit(() => {
          told = true;
        });
        await tx.insert('lane', [{ lane_id: 'a' }]);
        throw new Error('no');
      });
      await assert.rejects(failing, /no/);
      assert.deepEqual(await database.all('select * from lane'), []);
      assert.equal(told, false);
    });

    test('a transaction that meets a duplicate key runs again once and finds the row of the other', async () => {
      const database = await open();
      const insertOnce = () =>
        database.tx(async (tx) => {
          const known = await tx.all("select 1 from lane where lane_id = 'b'");
          if (known.length === 0) await tx.insert('lane', [{ lane_id: 'b' }]);
          return known.length;
        });
      const found = await Promise.all(Array.from({ length: 20 }, insertOnce));
      assert.equal(found.filter((count) => count === 0).length, 1);
    });

    test('a duplicate key that stays one is an error after the second try', async () => {
      const database = await open();
      let tries = 0;
      await database.insert('lane', [{ lane_id: 'c' }]);
      const failing = database.tx(async (tx) => {
        tries++;
        await tx.insert('lane', [{ lane_id: 'c' }]);
      });
      await assert.rejects(failing, (error) => database.dialect.isDuplicateKey(error));
      assert.equal(tries, 2);
    });

    test('counters that twenty transactions count up at once miss none', async () => {
      const database = await open();
      await database.insert('lane', [{ lane_id: 'd' }]);
      await Promise.all(Array.from({ length: 20 }, () => database.tx((tx) => countUp(tx))));
      assert.deepEqual(await database.all("select last_sequence from lane where lane_id = 'd'"), [
        { last_sequence: 20 },
      ]);
    });

    test('a transaction whose signal is aborted is tried once more, and not again', async () => {
      const database = await open();
      const stop = new AbortController();
      let tries = 0;
      const fail = () => {
        if (++tries === 3) stop.abort();
        throw Object.assign(new Error('busy'), { code: 'SQLITE_BUSY', errno: 1213 });
      };
      await assert.rejects(
        database.tx(async () => fail(), { signal: stop.signal }),
        /busy/,
      );
      assert.equal(tries, 4);
      assert.equal(await database.tx(async () => 'done', { signal: stop.signal }), 'done');
    });

    test('text of four-byte characters, NUL and 64 KiB boundaries is stored as it is', async () => {
      const database = await open();
      for (const text of [
        '😀'.repeat(20_000),
        `a\u0000b`,
        'x'.repeat(65_535),
        'x'.repeat(65_536),
        '字'.repeat(400_000),
      ]) {
        await database.upsert('cron_task', { task: 't', last_error: text }, ['task'], ['last_error']);
        const [row] = await database.all<{ last_error: string }>("select last_error from cron_task where task = 't'");
        assert.equal(row!.last_error.length, text.length);
        assert.ok(row!.last_error === text);
      }
    });

    test('keys that differ in case, accents or trailing spaces are different keys', async () => {
      const database = await open();
      await database.insert('lane', [{ lane_id: 'key' }, { lane_id: 'Key' }, { lane_id: 'kéy' }]);
      assert.equal((await database.all("select 1 from lane where lane_id = 'key'")).length, 1);
    });
  });
});

async function countUp(tx: Pick<Database, 'all' | 'run' | 'dialect'>): Promise<void> {
  const [row] = await tx.all<{ last_sequence: number }>(
    `select last_sequence from lane where lane_id = 'd'${tx.dialect.forUpdate}`,
  );
  await tx.run("update lane set last_sequence = ? where lane_id = 'd'", [row!.last_sequence + 1]);
}

test('two processes on one SQLite file count up together and miss none', async () => {
  // Two pools stand in for two processes: each has a connection of its own, and neither knows of the other.
  const { dialects } = await import('../support/databases.ts');
  const { openDatabase } = await import('../../src/db/database.ts');
  const { migrate } = await import('../../src/db/migrate.ts');
  const { url, drop } = await dialects[0]!.create();
  const pools = [1, 2, 3].map(() => openDatabase({ url, poolSize: 1, queryTimeoutMs: 5000 }));
  await migrate(pools[0]!, { signal: AbortSignal.timeout(10_000), leaseMs: 5000 });
  await pools[0]!.insert('lane', [{ lane_id: 'd' }]);
  await Promise.all(pools.flatMap((pool) => Array.from({ length: 20 }, () => pool.tx(countUp))));
  assert.deepEqual(await pools[0]!.all("select last_sequence from lane where lane_id = 'd'"), [{ last_sequence: 60 }]);
  for (const pool of pools) await pool.close();
  await drop();
});
