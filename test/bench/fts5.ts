/** What search is measured against: SQLite FTS5 over pairs of neighbouring characters, ranked by its bm25. */
import DatabaseFile from 'better-sqlite3';
import { tokenise } from '../../src/retrieval/tokenise.ts';

export interface Fts5 {
  name: string;
  /** Adds passages in one transaction; returns how long it took. */
  add(texts: readonly string[]): number;
  /** The best ten, as numbers in the order in which they were added. */
  search(query: string): number[];
  /** All its tables; it stores no texts. */
  bytes(): number;
  /** A copy, merged into one segment: no service that goes on learning has it so. */
  optimise(path: string): Fts5;
}

/** Makes an empty one in a file. */
export function createFts5(path: string): Fts5 {
  const database = open(path);
  // Its own tokenizer would take a row of Chinese characters for one word: the pairs are given to it as words.
  database.exec("create virtual table f using fts5(pairs, content = '', tokenize = 'unicode61')");
  return toFts5('fts5', database);
}

/** With the PRAGMAs of src/db/database.ts. */
function open(path: string): DatabaseFile.Database {
  const database = new DatabaseFile(path);
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL']) database.pragma(pragma);
  return database;
}

function toFts5(name: string, database: DatabaseFile.Database): Fts5 {
  const insert = database.prepare('insert into f (pairs) values (?)');
  const select = database.prepare('select rowid from f where f match ? order by bm25(f) limit 10').pluck();
  const size = database.prepare("select sum(pgsize) from dbstat where name like 'f!_%' escape '!'").pluck();
  return {
    name,
    add(texts) {
      const startMs = performance.now();
      database.transaction(() => {
        for (const text of texts) insert.run(pairsOf(text).join(' '));
      })();
      return performance.now() - startMs;
    },
    search(query) {
      const pairs = [...new Set(pairsOf(query))];
      if (pairs.length === 0) return [];
      return select.all(pairs.map((pair) => `"${pair}"`).join(' OR ')) as number[];
    },
    bytes: () => size.get() as number,
    optimise(path) {
      database.prepare('vacuum into ?').run(path);
      const copy = open(path);
      copy.exec("insert into f (f) values ('optimize')");
      return toFts5('fts5, optimised', copy);
    },
  };
}

/** Pairs, and the words of other scripts. The single characters, which the service searches by as well, are left out. */
export function pairsOf(text: string): string[] {
  return tokenise(text).filter((token) => token.length > 1);
}
