import { formatNumber } from '../format-number.ts';
import { readAttribute, scanXml } from './scan-xml.ts';
import { isOn } from './styles.ts';

/** How one level of a list is numbered. */
export interface Level {
  start: number;
  format: string;
  /** Such as '第%1条', where %1 is the number of the first level. */
  text: string;
  /** All numbers in it are written in digits, whatever the formats of their own levels. */
  isDecimal: boolean;
}

export interface List {
  levels: Map<number, Level>;
  /** The count of each level, shared by all lists made from the same template. */
  counts: (number | undefined)[];
}

/** The lists of a Word document by id, and how far each has counted. */
export type Numbering = Map<string, List>;

const MAX_LEVEL = 8;
const MAX_LABEL_CHARS = 60;

/** Reads the lists of a Word document. Their numbers are in no text: they are counted while the text is read. */
export function readNumbering(xml: string): Numbering {
  const templates = new Map<string, List>();
  const numbering: Numbering = new Map();
  let list: List | undefined;
  let level: Level | undefined;
  let listId = '';
  scanXml(xml, (tag) => {
    if (!tag.isOpening) return;
    const value = readAttribute(xml, tag, 'val') ?? '';
    if (tag.name === 'abstractNum') {
      list = { levels: new Map(), counts: [] };
      templates.set(readAttribute(xml, tag, 'abstractNumId') ?? '', list);
    } else if (tag.name === 'num') listId = readAttribute(xml, tag, 'numId') ?? '';
    else if (tag.name === 'abstractNumId') {
      list = templates.get(value);
      if (list) numbering.set(listId, list);
    } else if (tag.name === 'lvl' && list) {
      level = { start: 1, format: 'decimal', text: '', isDecimal: false };
      list.levels.set(Number(readAttribute(xml, tag, 'ilvl')), level);
    } else if (tag.name === 'startOverride' && list) {
      // A list that starts anew counts for itself.
      list = { levels: list.levels, counts: [] };
      numbering.set(listId, list);
    } else if (level) readProperty(level, tag.name, value);
  });
  return numbering;
}

function readProperty(level: Level, name: string, value: string): void {
  if (name === 'start') level.start = Number.parseInt(value, 10) || 0;
  else if (name === 'isLgl') level.isDecimal = isOn(value);
  else if (name === 'numFmt') level.format = value;
  else if (name === 'lvlText') level.text = value.slice(0, MAX_LABEL_CHARS);
}

/** Counts a paragraph of a list, and returns what stands before it, such as '第三条 '; '' where nothing does. */
export function countParagraph(numbering: Numbering, listId: string, levelAt: number): string {
  const list = numbering.get(listId);
  const at = Math.min(MAX_LEVEL, Math.max(0, levelAt || 0));
  const level = list?.levels.get(at);
  if (!list || !level) return '';
  list.counts.length = Math.min(list.counts.length, at + 1);
  list.counts[at] = (list.counts[at] ?? level.start - 1) + 1;
  if (level.format === 'bullet') return '· ';
  if (level.format === 'none') return '';
  const label = level.text.replace(/%([1-9])/g, (_, digit: string) => {
    const of = Number(digit) - 1;
    const { start = 1, format = 'decimal' } = list.levels.get(of) ?? {};
    return formatNumber(list.counts[of] ?? start, level.isDecimal ? 'decimal' : format);
  });
  return label === '' ? '' : `${label} `;
}
