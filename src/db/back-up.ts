import Sqlite from 'better-sqlite3';

/** All that is left, in one step: a step that follows a write of somebody else begins anew, and may never end. */
const allPages = 2 ** 30;

/**
 * Copies SQLite's database into a new file, as it is at one moment, while others read and write it. MySQL has programs of its
 * own for that.
 */
export async function backUpSqlite(url: string, file: string): Promise<void> {
  if (!url.startsWith('sqlite:')) throw new Error('DATABASE_URL is not SQLite: use mysqldump, see docs/operations.md');
  const database = new Sqlite(url.slice('sqlite:'.length), { readonly: true, fileMustExist: true });
  try {
    await database.backup(file, { progress: () => allPages });
  } finally {
    database.close();
  }
}
