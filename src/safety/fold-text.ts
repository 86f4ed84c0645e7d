import { normalise } from '../retrieval/tokenise.ts';

/** Scripts that are written without spaces, or with endings grown on: their words have no edges to look for. */
export const unspacedLetters =
  '[[\\p{L}\\p{N}\\p{M}]&&[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Bopo}\\p{scx=Hang}\\p{scx=Yiii}' +
  '\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}]]';

/**
 * A text in the form in which words are looked for, piece by piece: two texts that read the same have the same form.
 * Case, width, compatibility forms and traditional characters are folded; marks, symbols, white space and what nobody
 * sees are left out. What is left are the letters of unspaced scripts, each by itself, and the words of all others,
 * each between two spaces: of "K 粉, OK!" it is " k 粉 ok ". So a word is in a text where its form is in the text's.
 * Linear in the length of the text; a piece is from at most 4,096 UTF-16 units of it.
 */
export type Fold = (text: string) => Generator<Uint16Array, void, undefined>;

/** `normalise` cuts what is longer than 100,000: no character becomes more than 18. */
const pieceChars = 4096;

const unseenKind = 1;
const gapKind = 2;
const unspacedKind = 3;
const spacedKind = 4;

const control = /[\p{Default_Ignorable_Code_Point}\p{Cf}[\p{Cc}--[\s\x85]]]/gv;
/** Marks of no script of their own, which have made no other letter of the one before. */
const decoration = /[\p{M}&&\p{Script=Inherited}]/v;
const unspaced = new RegExp(unspacedLetters, 'v');
const letter = /[\p{L}\p{N}\p{M}]/v;

const space = 0x20;
const finalSigma = 0x3c2;
const sigma = 0x3c3;

/** Makes a fold. It remembers what kind each character is of. */
export function createFold(): Fold {
  const kinds = new Uint8Array(0x11_0000);
  const kindOf = (code: number) => {
    const known = kinds[code]!;
    if (known !== 0) return known;
    const kind = findKind(String.fromCodePoint(code));
    kinds[code] = kind;
    return kind;
  };

  return function* fold(text) {
    let isInWord = false;
    let isAfterSpace = false;
    for (let from = 0; from < text.length; ) {
      const to = findCut(text, from);
      // First, for what stands between a letter and its accent keeps them apart.
      const normal = normalise(text.slice(from, to).replace(control, ''));
      from = to;
      const units = new Uint16Array(2 * normal.length + 2);
      let length = 0;
      for (let at = 0, width = 1; at < normal.length; at += width) {
        const code = normal.codePointAt(at)!;
        width = code > 0xffff ? 2 : 1;
        const kind = kindOf(code);
        if (kind === unseenKind) continue;
        const isOfWord = kind === spacedKind;
        if (isOfWord !== isInWord && !isAfterSpace) {
          units[length++] = space;
          isAfterSpace = true;
        }
        isInWord = isOfWord;
        if (kind === gapKind) continue;
        units[length++] = code === finalSigma ? sigma : normal.charCodeAt(at);
        if (width === 2) units[length++] = normal.charCodeAt(at + 1);
        isAfterSpace = false;
      }
      yield units.subarray(0, length);
    }
    if (isInWord) yield Uint16Array.of(space);
  };
}

function findKind(character: string): number {
  if (character.search(control) === 0 || decoration.test(character)) return unseenKind;
  if (unspaced.test(character)) return unspacedKind;
  return letter.test(character) ? spacedKind : gapKind;
}

/** What may be joined to the character before it: marks, parts of Hangul syllables, half-width voice marks, controls. */
const joining =
  /[\p{M}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u1160-\u11ff\u3130-\u318f\ud7b0-\ud7ff\uff9e-\uffdc\udc00-\udfff]/u;

/** Where the piece that begins at `from` ends: before a character that stands for itself, where there is one. */
function findCut(text: string, from: number): number {
  const end = from + pieceChars;
  if (end >= text.length) return text.length;
  for (let at = end; at > from + pieceChars / 2; at--) if (!joining.test(text[at]!)) return at;
  return end;
}
