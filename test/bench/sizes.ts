/** How many bytes the index takes in the database, whole pages, also where they are not full. */
import type { Database } from '../../src/db/database.ts';

const tables = ['index_base', 'index_block'];

export async function indexBytes(database: Database): Promise<number> {
  const names = tables.map((name) => `'${name}'`).join(', ');
  if (database.dialect.name === 'sqlite') {
    const [row] = await database.all<{ bytes: number }>(
      `select sum(pgsize) bytes from dbstat where name in
        (select name from sqlite_schema where tbl_name in (${names}))`,
    );
    return row!.bytes;
  }
  // What information_schema knows is from the last time that statistics were made.
  for (const name of tables) await database.all(`analyze table ${name}`);
  const [row] = await database.all<{ bytes: number | string }>(
    `select sum(data_length + index_length) bytes from information_schema.tables
      where table_schema = database() and table_name in (${names})`,
  );
  return Number(row!.bytes);
}
