import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type Migration, migrate } from '../../src/db/migrate.ts';
import { migrations } from '../../src/db/migrations/index.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { listTables } from '../support/search-tables.ts';

/** In this order they were made: a database that was there from the beginning has had them so. */
const asMade = [
  ...['20261121-base', '20261122-files', '20261122-generations', '20261122-token-use', '20261122-expert-settings'],
  ...['20261122-please-wait', '20261122-shared-rows', '20261122-operations', '20261122-overload', '20261122-upkeep'],
];

for (const { name: dialect, create } of dialects) {
  describe(`the steps of the schema on ${dialect}`, () => {
    const made: (TestDatabase & { database: Database })[] = [];
    after(async () => {
      for (const { database, drop } of made) {
        await database.close();
        await drop();
      }
    });
    const open = async () => {
      const { url, drop } = await create();
      const database = openDatabase({ url, poolSize: 2, queryTimeoutMs: 20_000 });
      made.push({ url, drop, database });
      return database;
    };
    const run = (database: Database, steps: readonly Migration[]) =>
      migrate(database, { signal: AbortSignal.timeout(120_000), leaseMs: 60_000, steps });

    test('only add: what an earlier binary reads is as it was, and what it writes is still taken', async () => {
      const database = await open();
      await run(database, []);
      let before = await describeSchema(database);
      for (const [at, step] of migrations.entries()) {
        assert.deepEqual(await run(database, migrations.slice(0, at + 1)), [step.name]);
        const now = await describeSchema(database);
        assert.deepEqual(harmOf(before, now), [], step.name);
        await step.run(database);
        assert.deepEqual(await describeSchema(database), now, `${step.name} once more`);
        before = now;
      }
    });

    test('make the same schema in the order in which they were made', async () => {
      const [fresh, old] = [await open(), await open()];
      await run(fresh, migrations);
      const later = migrations.filter(({ name }) => !asMade.includes(name));
      const steps = [...asMade.map((name) => migrations.find((step) => step.name === name)!), ...later];
      for (const at of steps.keys()) await run(old, steps.slice(0, at + 1));
      assert.deepEqual(await describeSchema(old), await describeSchema(fresh));
    });

    test('that would break an earlier binary are found', async () => {
      const database = await open();
      const columns = "id int not null, a varchar(8) not null default '', b int null, primary key (id)";
      await database.run(`create table kept (${columns})`);
      await database.run('create index kept_by_a on kept (a)');
      await database.run('create table gone (id int not null, primary key (id))');
      const before = await describeSchema(database);
      await database.run('drop table gone');
      await database.run(dialect === 'mysql' ? 'drop index kept_by_a on kept' : 'drop index kept_by_a');
      await database.run('create unique index kept_by_b on kept (b)');
      await database.run('alter table kept rename column a to c');
      if (dialect === 'mysql') await database.run('alter table kept add column d int not null');
      await database.run('alter table kept add column e int not null default 0');
      assert.deepEqual(harmOf(before, await describeSchema(database)), [
        'gone: is gone',
        'kept: column a is gone or changed',
        'kept: index kept_by_a is gone or changed',
        ...(dialect === 'mysql' ? ['kept: column d has no default'] : []), // SQLite takes none
        'kept: index kept_by_b refuses what was taken before',
      ]);
    });
  });
}

/** Columns and indexes by their names, each as a text that tells all of it. */
interface Shape {
  columns: Record<string, Column>;
  indexes: Record<string, string>;
}

interface Column {
  is: string;
  /** An insert that doesn't name it is taken. */
  optional: boolean;
}

/** What of a schema an earlier binary would miss, or be refused by. */
function harmOf(before: Record<string, Shape>, now: Record<string, Shape>): string[] {
  const harm: string[] = [];
  for (const [table, old] of Object.entries(before)) {
    const shape = now[table];
    if (shape === undefined) {
      harm.push(`${table}: is gone`);
      continue;
    }
    const lost = (what: string, name: string) => harm.push(`${table}: ${what} ${name} is gone or changed`);
    for (const [name, { is }] of Object.entries(old.columns)) if (shape.columns[name]?.is !== is) lost('column', name);
    for (const [name, is] of Object.entries(old.indexes)) if (shape.indexes[name] !== is) lost('index', name);
    for (const [name, { optional }] of Object.entries(shape.columns)) {
      if (old.columns[name] === undefined && !optional) harm.push(`${table}: column ${name} has no default`);
    }
    for (const [name, is] of Object.entries(shape.indexes)) {
      if (old.indexes[name] === undefined && is.startsWith('unique'))
        harm.push(`${table}: index ${name} refuses what was taken before`);
    }
  }
  return harm;
}

async function describeSchema(database: Database): Promise<Record<string, Shape>> {
  const shapes: Record<string, Shape> = {};
  for (const table of (await listTables(database)).toSorted()) {
    shapes[table] = await (database.dialect.name === 'sqlite' ? describeSqlite : describeMysql)(database, table);
  }
  return shapes;
}

async function describeSqlite(database: Database, table: string): Promise<Shape> {
  const shape: Shape = { columns: {}, indexes: {} };
  // biome-ignore lint/suspicious/noExplicitAny: rows of pragmas, shown as they are
  const rows = (sql: string, of: string) => database.all<any>(sql, [of]);
  for (const { name, type, notnull, dflt_value, pk, hidden } of await rows(
    'select * from pragma_table_xinfo(?)',
    table,
  )) {
    shape.columns[name] = {
      is: [type, notnull, dflt_value, pk, hidden].join(' '),
      optional: notnull === 0 || dflt_value !== null || hidden > 1,
    };
  }
  for (const { name, unique } of await rows('select * from pragma_index_list(?) order by name', table)) {
    const columns = await rows('select name from pragma_index_info(?) order by seqno', name);
    shape.indexes[name] = `${unique === 1 ? 'unique' : 'index'} ${columns.map((column) => column.name)}`;
  }
  return shape;
}

async function describeMysql(database: Database, table: string): Promise<Shape> {
  const shape: Shape = { columns: {}, indexes: {} };
  const columns = await database.all<Record<'n' | 't' | 'u' | 'd' | 'x' | 'g', string | null>>(
    `select column_name n, column_type t, is_nullable u, column_default d, extra x, generation_expression g
      from information_schema.columns where table_schema = database() and table_name = ?`,
    [table],
  );
  for (const { n, t, u, d, x, g } of columns) {
    shape.columns[n!] = { is: [t, u, d, x, g].join(' '), optional: u === 'YES' || d !== null || Boolean(g) };
  }
  const indexes = await database.all<{ n: string; u: number; c: string }>(
    `select index_name n, non_unique u, group_concat(column_name order by seq_in_index) c
      from information_schema.statistics where table_schema = database() and table_name = ?
      group by index_name, non_unique order by index_name`,
    [table],
  );
  for (const { n, u, c } of indexes) shape.indexes[n] = `${u === 0 ? 'unique' : 'index'} ${c}`;
  return shape;
}
