import type { Level, List, Numbering } from '../docx/numbering.ts';
import { type DocFile, ranges, tableRange } from './file.ts';

const LIST_BYTES = 28;
const LEVEL_BYTES = 28;
const OVERRIDE_BYTES = 16;
const LEVELS = 9;
const MAX_LABEL_CHARS = 60;
const IS_SIMPLE = 1;
/** The formats of numbers that Word before 2007 knows by number, and how Word since then names them. */
const FORMATS = new Map([
  [1, 'upperRoman'],
  [2, 'lowerRoman'],
  [3, 'upperLetter'],
  [4, 'lowerLetter'],
  [10, 'ideographDigital'],
  [11, 'japaneseCounting'],
  [16, 'japaneseLegal'],
  [18, 'decimalEnclosedCircle'],
  [22, 'decimalZero'],
  [23, 'bullet'],
  [28, 'decimalEnclosedCircleChinese'],
  [30, 'ideographTraditional'],
  [31, 'ideographZodiac'],
  [33, 'taiwaneseCounting'],
  [34, 'ideographLegalTraditional'],
  [35, 'taiwaneseCountingThousand'],
  [36, 'taiwaneseDigital'],
  [37, 'chineseCounting'],
  [38, 'chineseLegalSimplified'],
  [39, 'chineseCountingThousand'],
  [255, 'none'],
]);

/** The lists of a document, by the number that its paragraphs call them by. */
export function readDocNumbering(file: DocFile): Numbering {
  const numbering: Numbering = new Map();
  const lists = readLists(file);
  const overrides = tableRange(file, ranges.listOverrides);
  for (let at = 4, id = 1; at + OVERRIDE_BYTES <= overrides.byteLength; at += OVERRIDE_BYTES, id += 1) {
    if (id > overrides.getUint32(0, true)) break;
    const list = lists.get(overrides.getInt32(at, true));
    if (list) numbering.set(String(id), list);
  }
  return numbering;
}

/** The levels of all lists follow behind the range that holds the lists themselves. */
function readLists(file: DocFile): Map<number, List> {
  const lists = new Map<number, List>();
  const range = tableRange(file, ranges.lists);
  const count = range.byteLength < 2 ? 0 : range.getUint16(0, true);
  const { table } = file;
  let at = range.byteOffset - table.byteOffset + range.byteLength;
  for (let index = 0; index < count && 2 + (index + 1) * LIST_BYTES <= range.byteLength; index += 1) {
    const list: List = { levels: new Map(), counts: [] };
    const isSimple = (range.getUint8(2 + index * LIST_BYTES + 26) & IS_SIMPLE) !== 0;
    for (let level = 0; level < (isSimple ? 1 : LEVELS) && at + LEVEL_BYTES + 2 <= table.byteLength; level += 1) {
      at = readLevel(table, at, list, level);
    }
    lists.set(range.getInt32(2 + index * LIST_BYTES, true), list);
  }
  return lists;
}

/** Reads one level, and returns where the next begins. In its text, characters 0 to 8 stand for the levels' numbers. */
function readLevel(table: DataView, at: number, list: List, levelAt: number): number {
  const textAt = at + LEVEL_BYTES + table.getUint8(at + 24) + table.getUint8(at + 25);
  if (textAt + 2 > table.byteLength) return table.byteLength;
  const length = table.getUint16(textAt, true);
  const end = textAt + 2 + length * 2;
  if (end > table.byteLength) return table.byteLength;
  let text = '';
  for (let each = textAt + 2; each < Math.min(end, textAt + 2 + MAX_LABEL_CHARS * 2); each += 2) {
    const code = table.getUint16(each, true);
    text += code < LEVELS ? `%${code + 1}` : String.fromCharCode(code);
  }
  const isDecimal = (table.getUint8(at + 5) & 4) !== 0;
  const format = FORMATS.get(table.getUint8(at + 4)) ?? 'decimal';
  list.levels.set(levelAt, { start: table.getInt32(at, true), format, text, isDecimal } satisfies Level);
  return end;
}
