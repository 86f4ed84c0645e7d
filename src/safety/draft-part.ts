import { cutSentences } from '../retrieval/split-sentences.ts';
import { unspacedLetters } from './fold-text.ts';

/** A stretch of a draft that is to be checked before the draft may be shown up to its end. */
export interface DraftPart {
  /** The sentences that have not been checked, after so much of what was that nothing hides on the edge. */
  text: string;
  /** The draft up to the end of them. */
  upToHere: string;
}

/** No word of a list is longer, not even where each of its 64 characters is written as three letters of Hangul. */
const tailLetters = 200;
/** Who fills in more than this between the letters is shown no drafts. */
const maxTailChars = 1000;

const letter = /[\p{L}\p{N}]/u;
/** After one of these a word may begin. */
const edge = new RegExp(`[\\p{Z}\\p{P}\\p{S}\\n]|${unspacedLetters}`, 'v');

/**
 * What of a draft is to be checked next, where `passed` has passed: its further whole sentences. A sentence
 * that still grows is none. Undefined while there is none, or where none can be checked.
 */
export function findDraftPart(draft: string, passed: string): DraftPart | undefined {
  const end = draft.length - cutSentences(draft).at(-1)!.length;
  const from = countShared(draft, passed);
  if (end <= from) return undefined;
  const start = findTail(draft, from);
  return start === undefined ? undefined : { text: draft.slice(start, end), upToHere: draft.slice(0, end) };
}

function countShared(a: string, b: string): number {
  if (a.startsWith(b)) return b.length;
  let count = 0;
  while (count < b.length && a[count] === b[count]) count++;
  return count;
}

/** Where the tail of what is before `from` begins; undefined where `maxTailChars` don't make one. */
function findTail(text: string, from: number): number | undefined {
  const earliest = Math.max(0, from - maxTailChars);
  const before = [...text.slice(earliest, from)];
  let letters = 0;
  let start = from;
  for (let at = before.length - 1; at >= 0; at--) {
    const character = before[at]!;
    if (letters >= tailLetters && edge.test(character)) return start;
    if (letter.test(character)) letters++;
    start -= character.length;
  }
  return earliest === 0 ? 0 : undefined;
}
