import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { pendingMigrations } from '../../src/db/migrate.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';

const script = join(import.meta.dirname, '../support/migrate-process.ts');

for (const { name, create } of dialects) {
  describe(`migrations on ${name}`, () => {
    const made: TestDatabase[] = [];
    after(() => Promise.all(made.map(({ drop }) => drop())));
    const fresh = async () => {
      const database = await create();
      made.push(database);
      return database.url;
    };

    test('ten processes that start at once on an empty database all find the schema, and each step runs once', async () => {
      const url = await fresh();
      const runs = await Promise.all(Array.from({ length: 10 }, () => migrateInProcess(url)));
      assert.deepEqual(
        runs.map(({ code }) => code),
        runs.map(() => 0),
      );
      const ran = runs.flatMap(({ steps }) => steps);
      assert.deepEqual(ran.sort(), ['1-first', '2-second', '3-third']);
      assert.deepEqual(await tablesOf(url, ['first', 'second', 'third']), ['first', 'second', 'third']);
    });

    test('a process killed in mid-migration is followed by one that goes on where it stopped', async () => {
      const url = await fresh();
      const killed = await migrateInProcess(url, '2-second');
      assert.equal(killed.signal, 'SIGKILL');
      assert.deepEqual(await tablesOf(url, ['first', 'second', 'third']), ['first', 'second']);
      const next = await migrateInProcess(url);
      assert.equal(next.code, 0);
      assert.deepEqual(next.steps, ['2-second', '3-third']); // the second was done, but not recorded
      assert.deepEqual(await tablesOf(url, ['first', 'second', 'third']), ['first', 'second', 'third']);
    });

    test('the real schema is complete after one run and a second run does nothing', async () => {
      const url = await fresh();
      assert.deepEqual((await migrateInProcess(url, undefined, 'real')).steps, [
        '20261121-base',
        '20261122-expert-settings',
        '20261122-files',
        '20261122-generations',
        '20261122-operations',
        '20261122-overload',
        '20261122-please-wait',
        '20261122-shared-rows',
        '20261122-token-use',
        '20261122-upkeep',
        '20261122-wecom',
        '20261123-attachments',
        '20261123-conversations',
        '20261123-gather',
        '20261123-wecom-replies',
        '20261124-connections',
        '20261125-long-connection',
      ]);
      assert.deepEqual((await migrateInProcess(url, undefined, 'real')).steps, []);
      const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 5000 });
      assert.deepEqual(await pendingMigrations(database), []);
      await database.close();
    });
  });
}

async function migrateInProcess(url: string, killIn = '', steps = 'test') {
  const env = { PATH: process.env.PATH, DATABASE_URL: url, KILL_IN: killIn, STEPS: steps };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, steps: output.split('\n').filter((line) => line !== '') };
}

async function tablesOf(url: string, names: string[]): Promise<string[]> {
  const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 5000 });
  const found: string[] = [];
  for (const name of names) {
    await database.all(`select * from ${name}`).then(
      () => found.push(name),
      () => {},
    );
  }
  await database.close();
  return found;
}
