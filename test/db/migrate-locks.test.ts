import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { openDatabase } from '../../src/db/database.ts';
import type { Migration } from '../../src/db/migrate.ts';
import { migrateSchema } from '../../src/db/migrate-schema.ts';
import { addColumns, createTable } from '../../src/db/schema.ts';
import { dialects } from '../support/databases.ts';
import { until } from '../support/until.ts';

const mysql = dialects.find(({ name }) => name === 'mysql');

const step: Migration = {
  name: '1-alter',
  run: (session) => addColumns(session, 'used', ['more bigint null']),
};

test('a step that alters a table which a long transaction has read keeps nobody waiting, and gets through when that ends', {
  skip: mysql === undefined && 'no MySQL',
  timeout: 180_000,
}, async (t) => {
  const { url, drop } = await mysql!.create();
  t.after(drop);
  const database = openDatabase({ url, poolSize: 3, queryTimeoutMs: 60_000 });
  t.after(() => database.close());
  await createTable(database, { name: 'used', columns: ['id bigint not null'], primaryKey: ['id'] });
  await database.run('insert into used (id) values (0)');
  const reader = await createConnection(url);
  t.after(() => reader.destroy());
  await reader.query('begin');
  await reader.query('select * from used');

  let isDone = false;
  const waits: string[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  const migrated = migrateSchema(database, url, {
    ...{ signal: stop.signal, leaseMs: 10_000, steps: [step] },
    onWait: (name) => waits.push(name),
  }).finally(() => {
    isDone = true;
  });
  migrated.catch(() => {});
  const isWaiting = async () => {
    const rows = await database.all(
      "select 1 from information_schema.processlist where db = database() and info like 'alter table%'",
    );
    return rows.length > 0;
  };
  // Reads and writes that come behind it go on, again and again, until it has given up its tries for a while.
  let id = 0;
  for (let round = 0; round < 3; round++) {
    await until('it waits for the table', isWaiting);
    await database.run('insert into used (id) values (?)', [++id]);
    assert.equal((await database.all('select id from used')).length, id + 1);
  }
  await until('it rests', async () => {
    await database.run('insert into used (id) values (?)', [++id]);
    return waits.length > 0;
  });
  assert.equal(isDone, false);

  await reader.query('commit');
  assert.deepEqual(await migrated, ['1-alter']);
  assert.deepEqual(new Set(waits), new Set(['1-alter']));
  assert.equal((await database.all('select id, more from used')).length, id + 1);
});
