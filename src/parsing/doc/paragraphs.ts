import { eachProperty, type Formatting, findFormatting, TABLE_DEFINITION } from './formatting.ts';
import type { StyleKind } from './styles.ts';
import { type DocText, toFilePosition } from './text.ts';

/** A paragraph of a Word document. */
export interface DocParagraph {
  /** Its lines, with what is not seen left out. */
  lines: string[];
  isHeading: boolean;
  isContents: boolean;
  isInTable: boolean;
  /** It ends a cell of a table, or a whole row, which is a paragraph of its own without text. */
  ends?: 'cell' | 'row';
  /** How the columns of the row lie that it ends. */
  tableDefinition?: DataView;
  /** The list that numbers it, and the level in that. */
  listId: number;
  listLevel: number;
  /** The positions of the notes that it refers to. */
  references: number[];
}

/** What is needed to read the paragraphs of any part of a document. */
export interface DocSource {
  text: DocText;
  hidden: Uint8Array;
  paragraphs: Formatting[];
  styles: StyleKind[];
}

const IN_TABLE = 0x2416;
const ROW_END = 0x2417;
const OUTLINE = 0x2640;
const LIST_LEVEL = 0x260a;
const LIST = 0x460b;
const MAX_OUTLINE = 8;

const CELL = 0x07;
const REFERENCE = 0x02;
const LINE = 0x0b;
const PAGE = 0x0c;
const PARAGRAPH = 0x0d;
const COLUMN = 0x0e;
const FIELD = 0x13;
const FIELD_RESULT = 0x14;
const FIELD_END = 0x15;

/** The paragraphs between two positions, in order; text outside the document is none. */
export function readParagraphs(source: DocSource, start: number, end: number): DocParagraph[] {
  const { text } = source.text;
  const paragraphs: DocParagraph[] = [];
  const last = Math.min(end, text.length);
  let paragraph = begin();
  let line = '';
  /** The open fields: whether what is being read is what they say to do, rather than what came of it. */
  let fields: boolean[] = [];
  let codes = 0;
  const endLine = (): void => {
    paragraph.lines.push(line);
    line = '';
  };
  for (let at = start; at < last; at += 1) {
    const code = text.charCodeAt(at);
    if (code === PARAGRAPH || code === CELL || code === PAGE) {
      endLine();
      paragraphs.push(finish(source, paragraph, at, code));
      paragraph = begin();
      // What a field says to do ends with the paragraph, or the rest of a damaged document would be lost.
      if (codes > 0) fields = [];
      codes = 0;
    } else if (code === FIELD) {
      fields.push(true);
      codes += 1;
    } else if (code === FIELD_RESULT) {
      if (fields.at(-1)) codes -= 1;
      if (fields.length > 0) fields[fields.length - 1] = false;
    } else if (code === FIELD_END) {
      if (fields.pop()) codes -= 1;
    } else if (codes > 0 || source.hidden[at] === 1) continue;
    else if (code === LINE || code === COLUMN) endLine();
    else if (code === REFERENCE) {
      paragraph.references.push(at);
      line += '\u0002';
    } else line += readCharacter(code, text[at]!);
  }
  endLine();
  if (paragraph.lines.some((each) => each !== '')) paragraphs.push(finish(source, paragraph, last - 1, PARAGRAPH));
  return paragraphs;
}

function begin(): DocParagraph {
  return { lines: [], isHeading: false, isContents: false, isInTable: false, listId: 0, listLevel: 0, references: [] };
}

function readCharacter(code: number, character: string): string {
  if (code === 0x1e) return '\u2011';
  if (code >= 0x20 || code === 0x09) return character;
  return '';
}

/** Adds what the formatting at its end says of a paragraph. */
function finish(source: DocSource, paragraph: DocParagraph, end: number, mark: number): DocParagraph {
  const formatting = findFormatting(source.paragraphs, toFilePosition(source.text.pieces, end));
  if (mark === CELL) paragraph.ends = 'cell';
  if (!formatting) return paragraph;
  const { style, properties } = formatting;
  const kind = source.styles[style];
  let outline = typeof kind === 'object' ? kind.heading - 1 : Number.POSITIVE_INFINITY;
  eachProperty(properties, (code, at, size) => {
    if (code === IN_TABLE) paragraph.isInTable = properties.getUint8(at) !== 0;
    else if (code === ROW_END && mark === CELL && properties.getUint8(at) !== 0) paragraph.ends = 'row';
    else if (code === LIST_LEVEL) paragraph.listLevel = properties.getUint8(at);
    else if (code === LIST) paragraph.listId = properties.getInt16(at, true);
    else if (code === OUTLINE) outline = properties.getUint8(at);
    else if (code === TABLE_DEFINITION) {
      paragraph.tableDefinition = new DataView(properties.buffer, properties.byteOffset + at, size);
    }
  });
  paragraph.isHeading = outline <= MAX_OUTLINE;
  paragraph.isContents = kind === 'contents';
  return paragraph;
}
