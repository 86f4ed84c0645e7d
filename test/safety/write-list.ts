import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWordList, type WordList } from '../../src/safety/word-list.ts';

/** Calls `use` with the path of a file that has these bytes; the file is gone afterwards. */
export function withFile<T>(content: string | Uint8Array, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'words-'));
  try {
    const path = join(folder, 'words.txt');
    writeFileSync(path, content);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The list that a file with these lines makes. */
export function listOf(...lines: string[]): WordList {
  return withFile(lines.join('\n'), readWordList);
}
