import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { dialects } from '../support/databases.ts';
import { until } from '../support/until.ts';

const script = join(import.meta.dirname, '../support/enqueue-process.ts');

for (const { name: dialect, create } of dialects) {
  describe(`a process that is killed while it enqueues, on ${dialect}`, async () => {
    const { url, drop } = await create();
    const database = openDatabase({ url, poolSize: 2, queryTimeoutMs: 10_000 });
    await migrate(database, { signal: AbortSignal.timeout(60_000), leaseMs: 10_000 });
    after(async () => {
      await database.close();
      await drop();
    });
    /** What there is of the cause, of the dispatch and of a lane that is due. */
    const look = async (die: string) => [
      (await database.all('select 1 from cron_task where task = ?', [die])).length,
      (await database.all('select 1 from dispatch where payload = ?', [die])).length,
      (await database.all('select 1 from lane where lane_id = ? and due_at is not null', [`lane ${die}`])).length,
    ];
    const run = async (die: string) => {
      const child = spawn(process.execPath, [script], {
        env: { PATH: process.env.PATH, DATABASE_URL: url, DIE: die },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const [, signal] = await once(child, 'exit');
      assert.equal(signal, 'SIGKILL');
    };

    test('before the commit leaves neither the dispatch nor what causes it, and nothing locked', async () => {
      await run('before');
      assert.deepEqual(await look('before'), [0, 0, 0]);
      // The same once more, up to its commit: what the dead one had locked is free.
      await until('its locks are gone', () =>
        database.tx(async (tx) => tx.insert('cron_task', [{ task: 'before' }]).then(() => true)),
      );
    });

    test('after the commit leaves both, and a lane that is due', async () => {
      await run('after');
      assert.deepEqual(await look('after'), [1, 1, 1]);
    });
  });
}
