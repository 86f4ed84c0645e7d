import { setImmediate as nextTurn } from 'node:timers/promises';
import { createFinder } from './find-any.ts';
import { createFold } from './fold-text.ts';
import { type ListedWord, lineError, readWords } from './read-words.ts';

/**
 * Words that are not to be said. What a word and a text are compared by is in fold-text.ts; in short: marks and white
 * space inside a word hide nothing in Chinese, Japanese, Korean and the like, and words of spaced scripts are found
 * only whole (`ass` is not in `class`).
 */
export interface WordList {
  /** How many words there are. */
  size: number;
  /** The line of the file that has the first word found in the text, from 1; undefined where there is none. */
  findWord(text: string): number | undefined;
  /**
   * The first text that has one, and the line of the word; the texts are looked at each by itself. For texts of any
   * length and number: lets other work have its turn every few milliseconds. Throws the signal's reason.
   */
  findWordInTurns(texts: Iterable<string>, signal: AbortSignal): Promise<{ index: number; line: number } | undefined>;
}

/** So long others wait. */
const turnMs = 8;
/** A few ligatures stand for many letters each: a word of those is longer than any word is. */
const maxFoldedChars = 256;

/** Reads a list from a file, as read-words.ts has it. Throws an Error that names the line that breaks a rule. */
export function readWordList(path: string): WordList {
  return createWordList(readWords(path), (line, rule) => lineError(path, line, rule));
}

function createWordList(words: readonly ListedWord[], errorAt: (line: number, rule: string) => Error): WordList {
  const fold = createFold();
  const forms = words.map(({ word, line }) => {
    const form = Array.from(fold(word), (units) => String.fromCharCode(...units)).join('');
    const letters = [...form.replaceAll(' ', '')].length;
    if (letters === 0) throw errorAt(line, 'nothing but marks');
    // c++ would be found in every "vitamin C".
    if (letters === 1 && [...word.normalize('NFC')].length > 1) throw errorAt(line, 'one letter, apart from marks');
    if (form.length > maxFoldedChars) throw errorAt(line, 'too long once its ligatures are written out');
    return form;
  });
  const startScan = createFinder(forms);

  return {
    size: words.length,
    findWord(text) {
      const scan = startScan();
      for (const units of fold(text)) {
        const found = scan(units);
        if (found !== undefined) return words[found]!.line;
      }
      return undefined;
    },
    async findWordInTurns(texts, signal) {
      signal.throwIfAborted();
      let turnEndMs = performance.now() + turnMs;
      let index = 0;
      for (const text of texts) {
        const scan = startScan();
        for (const units of fold(text)) {
          const found = scan(units);
          if (found !== undefined) return { index, line: words[found]!.line };
          if (performance.now() < turnEndMs) continue;
          await nextTurn();
          signal.throwIfAborted();
          turnEndMs = performance.now() + turnMs;
        }
        index++;
      }
      return undefined;
    },
  };
}
