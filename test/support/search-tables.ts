import type { Database } from '../../src/db/database.ts';

/** `table.column` of every value in any table that has one of these texts in it, but for the `known` ones. */
export async function findInTables(
  database: Database,
  needles: readonly string[],
  known: readonly string[] = [],
): Promise<string[]> {
  const found = new Set<string>();
  for (const table of await listTables(database)) {
    for (const row of await database.all<Record<string, unknown>>(`select * from ${table}`)) {
      for (const [column, value] of Object.entries(row)) {
        const text = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
        if (needles.some((needle) => text.includes(needle))) found.add(`${table}.${column}`);
      }
    }
  }
  return [...found].filter((place) => !known.includes(place)).sort();
}

/** The names of all tables. */
export async function listTables({ dialect, all }: Database): Promise<string[]> {
  const rows = await all<{ name: string }>(
    dialect.name === 'sqlite'
      ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
      : 'select table_name name from information_schema.tables where table_schema = database()',
  );
  return rows.map(({ name }) => name);
}
