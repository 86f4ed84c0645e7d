import { commonHan } from './common-han.ts';

/** The 3,755 usual characters of GB 2312 stand between these, in rows of 94. */
const GB_ROWS = { first: 0xb0, last: 0xd7 };
/** The 5,401 usual characters of Big5. */
const BIG5_ROWS = { first: 0xa4, last: 0xc6 };

/**
 * How well bytes read as text in an encoding: the mean over the characters that are not ASCII, about 1 for Chinese that
 * is decoded rightly, below 0 for what has hardly a readable character. An encoding without any such character has 0.
 */
export function scoreDecoding(bytes: Uint8Array, encoding: string): number {
  const text = new TextDecoder(encoding).decode(bytes);
  const isLatin = encoding === 'windows-1252';
  const usual = encoding === 'big5' ? usualInBig5 : usualInGb;
  let count = 0;
  let sum = 0;
  let before = '';
  let index = 0;
  for (const character of text) {
    index += character.length;
    const code = character.codePointAt(0)!;
    if (code >= 0x80 || (code < 0x20 && !/[\t\n\f\r\0]/.test(character))) {
      count += 1;
      sum += isLatin ? weighLatin(character, before, text[index] ?? '') : weigh(character, code, usual);
    }
    before = character;
  }
  return count === 0 ? 0 : sum / count;
}

function weigh(character: string, code: number, usual: ReadonlySet<string>): number {
  if (code === 0xfffd) return -2;
  if (code < 0xa0 || (code >= 0xe000 && code <= 0xf8ff)) return -1.5;
  if (commonHan.has(character)) return 1;
  if (usual.has(character)) return 0.4;
  if ((code >= 0x3001 && code <= 0x3011) || (code >= 0xff01 && code <= 0xff5e)) return 0.8;
  if (/[“”‘’—…·×℃①-⑩]/.test(character)) return 0.6;
  return code >= 0x4e00 && code <= 0x9fff ? 0.05 : 0;
}

/** An accented letter stands alone among plain ones; what comes in rows is another script. */
function weighLatin(character: string, before: string, after: string): number {
  if (character < '\u00a0') return -1.5;
  if (/[“”‘’–—…•€©®°§£«»]/.test(character)) return 0.2;
  if (!/\p{L}/u.test(character) || character === 'ÿ') return 0;
  return before < '\x80' && after < '\x80' && /[a-z]/i.test(before + after) ? 0.35 : 0.02;
}

const usualInGb = listRows('gb18030', 0xa1, GB_ROWS);
const usualInBig5 = listRows('big5', 0x40, BIG5_ROWS);

/** The characters in some rows of an encoding of two bytes, which the encoding's makers chose as the usual ones. */
function listRows(encoding: string, firstCell: number, rows: { first: number; last: number }): ReadonlySet<string> {
  const bytes: number[] = [];
  for (let row = rows.first; row <= rows.last; row += 1) {
    for (let cell = firstCell; cell <= 0xfe; cell += 1) if (cell <= 0x7e || cell >= 0xa1) bytes.push(row, cell);
  }
  return new Set(new TextDecoder(encoding).decode(new Uint8Array(bytes)));
}
