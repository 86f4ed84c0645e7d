import { readFileSync, statSync } from 'node:fs';

/** A word or phrase of a list, and the line of the file that it stands on, from 1. */
export interface ListedWord {
  word: string;
  line: number;
}

const maxFileBytes = 8 * 1024 * 1024;
const maxWords = 100_000;
const maxWordChars = 64;

/**
 * Reads a list: UTF-8, one word or phrase a line, lines that are blank or begin with `#` left out. At most 100,000
 * words of 64 characters, and 8 MB. Throws an Error that names the file and the line, never what stands there.
 */
export function readWords(path: string): ListedWord[] {
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error(`${path}: not a file`);
  if (stats.size > maxFileBytes) throw new Error(`${path}: more than ${maxFileBytes} bytes`);
  const words: ListedWord[] = [];
  for (const [at, text] of decode(path)
    .split(/\r\n|\n|\r/)
    .entries()) {
    const word = text.trim();
    if (word === '' || word.startsWith('#')) continue;
    if (/[\p{Cc}--\t]/v.test(word)) throw lineError(path, at + 1, 'a control character');
    if (word.length > 2 * maxWordChars || [...word].length > maxWordChars)
      throw lineError(path, at + 1, `longer than ${maxWordChars} characters`);
    if (words.length === maxWords) throw lineError(path, at + 1, `more than ${maxWords} words`);
    words.push({ word, line: at + 1 });
  }
  return words;
}

export function lineError(path: string, line: number, rule: string): Error {
  return new Error(`${path}: line ${line}: ${rule}`);
}

/** The file's text, without a byte order mark. */
function decode(path: string): string {
  const bytes = readFileSync(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw lineError(path, findBadLine(bytes), 'not UTF-8');
  }
}

function findBadLine(bytes: Buffer): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let line = 1, from = 0; ; line++) {
    const end = bytes.indexOf('\n', from);
    try {
      decoder.decode(bytes.subarray(from, end === -1 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end === -1) return line;
    from = end + 1;
  }
}
