/**
 * What is found by which words. Chinese, Japanese and Korean text is cut into all pairs of neighbouring characters, and
 * Chinese also into single ones, so that a question in other words (大人, 成人) still meets the text; other scripts and
 * numbers are words. It needs no dictionary of words, and so gives the same tokens in every version of Node.
 */
import { foldScript } from './fold-script.ts';

/**
 * Changes with every change of what `tokenise` returns: an index is searched with the tokens it was built with, and
 * built anew when there is a newer version. 1: without folding traditional characters. 2: with.
 */
export const tokenizerVersion = 2;

/** A longer text is cut here: passages and questions are far shorter. */
const maxChars = 100_000;
/** Longer words share their beginning. */
const maxWordChars = 64;

const cjk = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}ー';
const runs = new RegExp(`([${cjk}]+)|[[\\p{L}\\p{M}\\p{N}]--[${cjk}]]+`, 'gv');
const han = /\p{Script=Han}/u;

/** In nearly every passage; alone they find nothing, and their blocks are the longest. In pairs they count. */
const everywhere = new Set('的了是在和与有为中于也等之一由其以及并被而对从到上下就都不这他个将');

/** Folds case, width, script and other variants of the same character. */
export function normalise(text: string, version = tokenizerVersion): string {
  // Normalising is quadratic in the length of a run of combining marks; no writing needs more than a few.
  const folded = text
    .slice(0, maxChars)
    .replace(/(\p{M}{8})\p{M}+/gu, '$1')
    .normalize('NFKC')
    .toLowerCase()
    .slice(0, maxChars);
  return version < 2 ? folded : foldScript(folded);
}

/** The tokens of a text, in order and with repetitions; at most two for each character. */
export function tokenise(text: string, version = tokenizerVersion): string[] {
  const tokens: string[] = [];
  for (const [run, ideographs] of normalise(text, version).matchAll(runs)) {
    if (ideographs === undefined) tokens.push(run.slice(0, maxWordChars));
    else addIdeographs(tokens, [...ideographs]);
  }
  return tokens;
}

function addIdeographs(tokens: string[], characters: string[]): void {
  let previous = '';
  for (const character of characters) {
    if (previous !== '') tokens.push(previous + character);
    if (characters.length === 1 || isTelling(character)) tokens.push(character);
    previous = character;
  }
}

/** A single character that is a token of its own. */
function isTelling(character: string): boolean {
  return han.test(character) && !everywhere.has(character);
}
