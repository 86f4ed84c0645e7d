import { Parser } from 'htmlparser2';

/** One readable unit of an article, in reading order; `text` is a single line and never empty. */
export interface Block {
  kind: 'heading' | 'text' | 'row';
  text: string;
}

const MAX_CHARS = 2_000_000;
const MAX_DEPTH = 256;
const MAX_COLUMNS = 50;
const MAX_ROWS = 2000;
/** Tables nested deeper are read as plain blocks, or each level would carry all the text again. */
const MAX_TABLE_DEPTH = 8;
/** A longer "heading" is a heading tag nobody closed, or a paragraph dressed up as one. */
const MAX_HEADING_CHARS = 200;

const words = (list: string): Set<string> => new Set(list.split(' '));
const VOID = words('area base basefont br col embed frame hr img input keygen link meta param source track wbr');
const DROPPED = words('script style noscript template head title iframe svg math object select button audio video');
const HEADINGS = words('h1 h2 h3 h4 h5 h6');
const TABLE_PARTS = words('table tr td th');
const LISTS = words('ul ol');
const BLOCKS = words(
  'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure ' +
    'footer form header hgroup hr html legend li main menu nav ol p pre section summary tbody tfoot thead ul',
);

const CJK = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Bopomofo}\\u3000-\\u303f\\uff00-\\uffef]';
const BREAK_INSIDE_CJK = new RegExp(`(?<=${CJK})\\n(?=${CJK})`, 'gu');
/** Zero-width, bidirectional, soft-hyphen and tag characters, and every control that is not white space. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|(?![\t-\r\u0085])\p{Cc}/gu;
const WHITE_SPACE = /[\s\u0085\u2800]+/gu;
const STOCK_ALT =
  /^(?:图片|图像|照片|配图|插图|封面|(?:在这里插入)?图片描述|images?|img|picture|photo|icon|gif|null)[\s\d_-]*$|\.(?:png|jpe?g|gif|webp)$/i;

interface Cell {
  blocks: Block[];
  isHeader: boolean;
  columns: number;
  rows: number;
  text: string;
}

type Line = (Cell | undefined)[];
const isOneCell = (line: Line, width: number): boolean => line.length >= width && new Set(line).size === 1;

class Reader {
  /** Receives finished blocks: the article's, or those of the innermost open cell. */
  sink: Block[] = [];
  pieces: string[] = [];
  headings = 0;
  pres = 0;
  marker = '';
  lists: { isOrdered: boolean; next: number }[] = [];
  /** The open tables; `parent` takes the finished one, and any text in it that stands outside its cells. */
  tables: { rows: Cell[][]; parent: Block[] }[] = [];
  depth = 0;
  /** The depth of the element whose content is being dropped; 0 while reading. */
  hiddenFrom = 0;
  skipClose = false;
  /** Characters still to be written. Tables repeat their headers in every row, so the source is no bound. */
  budget = MAX_CHARS;
}

/**
 * The readable text of an article's HTML, in order, without what a reader of the page does not see.
 * Takes any input, in time linear in its length, and returns at most 2,000,000 UTF-16 units in all.
 */
export function cleanHtml(html: string): Block[] {
  const reader = new Reader();
  const blocks = reader.sink;
  new BoundedParser(reader).end(html);
  flush(reader);
  while (reader.tables.length > 0) closeTable(reader);
  return blocks;
}

/**
 * htmlparser2 unshifts onto, and searches, an array of open elements: quadratic in the depth of nesting.
 * So elements below MAX_DEPTH are given to it as void ones, and their end tags are only counted off.
 */
class BoundedParser extends Parser {
  readonly #reader: Reader;
  #tooDeep = false;

  constructor(reader: Reader) {
    super({
      onopentag: (name, attributes) => openTag(reader, name, attributes),
      onclosetag: (name) => closeTag(reader, name),
      ontext: (data) => addText(reader, data),
    });
    this.#reader = reader;
  }

  override onopentagname(start: number, end: number): void {
    this.#tooDeep = this.#reader.depth >= MAX_DEPTH;
    super.onopentagname(start, end);
  }

  override onclosetag(start: number, end: number): void {
    this.#tooDeep = false;
    if (this.#reader.depth <= MAX_DEPTH) super.onclosetag(start, end);
    else if (!leave(this.#reader)) boundary(this.#reader);
  }

  protected override isVoidElement(name: string): boolean {
    // The parser asks about '' for a <form> inside a <form>, which it has not opened.
    return VOID.has(name) || (this.#tooDeep && name !== '');
  }
}

function openTag(reader: Reader, name: string, attributes: Record<string, string>): void {
  reader.skipClose = VOID.has(name) || reader.depth >= MAX_DEPTH;
  if (!VOID.has(name)) reader.depth += 1;
  if (reader.hiddenFrom > 0) return;
  if (DROPPED.has(name) || isHidden(attributes)) reader.hiddenFrom = VOID.has(name) ? 0 : reader.depth;
  else if (name === 'img') addText(reader, usefulAlt(normalise(attributes.alt ?? '')));
  else if (name === 'br' || reader.depth > MAX_DEPTH) boundary(reader);
  else openElement(reader, name, attributes);
}

function openElement(reader: Reader, name: string, attributes: Record<string, string>): void {
  crossEdge(reader, name, 1);
  const list = reader.lists.at(-1);
  if (LISTS.has(name)) reader.lists.push({ isOrdered: name === 'ol', next: readCount(attributes.start, 1e9, 1) });
  else if (name === 'li') reader.marker = list?.isOrdered ? `${list.next++}. ` : '· ';
  else if (name === 'table') reader.tables.push({ rows: [], parent: reader.sink });
  else if (TABLE_PARTS.has(name)) openTablePart(reader, name, attributes);
}

function closeTag(reader: Reader, name: string): void {
  const isOwn = !reader.skipClose;
  reader.skipClose = false;
  if (!isOwn || leave(reader)) return;
  crossEdge(reader, name, -1);
  if (LISTS.has(name)) reader.lists.pop();
  else if (name === 'li') reader.marker = '';
  else if (name === 'table') closeTable(reader);
  else if (TABLE_PARTS.has(name)) reader.sink = reader.tables.at(-1)?.parent ?? reader.sink;
}

/** Steps out of one element; true when it was one whose content is dropped. */
function leave(reader: Reader): boolean {
  const wasHidden = reader.hiddenFrom > 0;
  reader.depth -= 1;
  if (reader.depth < reader.hiddenFrom) reader.hiddenFrom = 0;
  return wasHidden;
}

function isHidden(attributes: Record<string, string>): boolean {
  const style = new Map<string, string>();
  // An unclosed comment runs to the end, which also keeps the search for its end linear.
  const source = (attributes.style ?? '').replace(/\/\*[\s\S]*?(?:\*\/|$)/g, '').toLowerCase();
  for (const declaration of source ? source.split(';') : []) {
    const [property = '', value = ''] = declaration.split(/[:!]/, 2);
    style.set(property.trim(), value.trim());
  }
  const isZero = (property: string): boolean => Number.parseFloat(style.get(property) ?? '') === 0;
  if (attributes.hidden !== undefined || style.get('display') === 'none' || isZero('font-size')) return true;
  // WeChat serves the article's root transparent and shows it by script.
  if (attributes.id === 'js_content' || attributes.class?.split(/\s/).includes('rich_media_content')) return false;
  return style.get('visibility') === 'hidden' || isZero('opacity');
}

function addText(reader: Reader, data: string): void {
  if (reader.hiddenFrom > 0) return;
  for (const line of reader.pres > 0 ? data.split(/(?=\n)/) : [data]) {
    if (reader.pres > 0 && line.startsWith('\n')) boundary(reader);
    reader.pieces.push(line);
  }
}

function usefulAlt(alt: string): string {
  return [...alt.slice(0, 3)].length > 1 && !STOCK_ALT.test(alt) ? ` ${alt} ` : '';
}

/** Enters (1) or leaves (-1) an element: one that stands apart from the text around it ends the block. */
function crossEdge(reader: Reader, name: string, step: 1 | -1): void {
  if (HEADINGS.has(name) || TABLE_PARTS.has(name)) flush(reader);
  // WeChat's code snippets have one <code> to a line.
  else if (BLOCKS.has(name) || (name === 'code' && reader.pres > 0)) boundary(reader);
  if (HEADINGS.has(name)) reader.headings = Math.max(0, reader.headings + step);
  if (name === 'pre') reader.pres = Math.max(0, reader.pres + step);
}

/** A line or paragraph ends, which inside a heading is only a space. */
function boundary(reader: Reader): void {
  if (reader.headings > 0 && reader.pieces.length < MAX_HEADING_CHARS) reader.pieces.push(' ');
  else flush(reader);
}

function flush(reader: Reader): void {
  const text = normalise(reader.pieces.join(''));
  reader.pieces = [];
  if (text === '') return;
  const isHeading = reader.headings > 0 && text.length <= MAX_HEADING_CHARS;
  addBlock(reader, isHeading ? 'heading' : 'text', reader.marker + text);
  reader.marker = '';
}

function addBlock(reader: Reader, kind: Block['kind'], text: string): void {
  // toWellFormed: the limit may fall inside a surrogate pair.
  const kept = text.length <= reader.budget ? text : text.slice(0, reader.budget).toWellFormed();
  reader.budget -= kept.length;
  if (kept !== '') reader.sink.push({ kind, text: kept });
}

function normalise(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(WHITE_SPACE, (run) => (/[\n\r]/.test(run) ? '\n' : ' '))
    .replace(BREAK_INSIDE_CJK, '')
    .replaceAll('\n', ' ')
    .trim();
}

function openTablePart(reader: Reader, name: string, attributes: Record<string, string>): void {
  const table = reader.tables.at(-1);
  if (!table || reader.tables.length > MAX_TABLE_DEPTH) return;
  reader.sink = table.parent;
  if (name === 'tr' || table.rows.length === 0) table.rows.push([]);
  if (name === 'tr') return;
  const columns = readCount(attributes.colspan, MAX_COLUMNS, 1);
  // rowspan="0" reaches to the end of the table.
  const rows = readCount(attributes.rowspan, MAX_ROWS, 1) || MAX_ROWS;
  reader.sink = [];
  table.rows.at(-1)?.push({ blocks: reader.sink, text: '', isHeader: name === 'th', columns: columns || 1, rows });
}

function readCount(value: string | undefined, limit: number, otherwise: number): number {
  const count = Number.parseInt(value ?? '', 10);
  return count >= 0 ? Math.min(count, limit) : otherwise;
}

function closeTable(reader: Reader): void {
  const table = reader.tables.pop();
  if (!table) return;
  reader.sink = table.parent;
  // What the cells hold is about to be written again.
  for (const block of table.rows.flat().flatMap((cell) => cell.blocks)) reader.budget += block.text.length;
  const lines = expandSpans(table.rows.slice(0, MAX_ROWS));
  const columns = new Set(lines.flatMap((line) => [...line.keys()].filter((at) => line[at]?.text)));
  // A first row of one cell across several columns is the table's title.
  while (lines.length > 1 && columns.size > 1 && isOneCell(lines[0]!, columns.size)) addPlain(reader, lines.shift()!);
  if (lines.length > 1 && columns.size > 1) addRows(reader, lines);
  else addPlain(reader, lines.flat());
}

/** The rows that hold text of their own, each cell standing in every column and row it spans. */
function expandSpans(rows: Cell[][]): Line[] {
  const grid = rows.map((): Line => []);
  for (const [top, line] of grid.entries()) {
    let column = 0;
    for (const cell of rows[top] ?? []) {
      cell.text = cell.blocks.map((block) => block.text).join(' ');
      while (line[column]) column += 1;
      const end = Math.min(column + cell.columns, MAX_COLUMNS);
      for (; column < end && !line[column]; column += 1) {
        for (const below of grid.slice(top, top + cell.rows)) below[column] = cell;
      }
    }
  }
  return grid.filter((_, at) => rows[at]?.some((cell) => cell.text)).map((line) => [...line]);
}

/** One row or one column: a list, or the frame some editors draw around a whole layout. */
function addPlain(reader: Reader, places: Line): void {
  const cells = [...new Set(places)].flatMap((cell) => (cell?.text ? [cell] : []));
  const isList = cells.length > 1 && cells.every((cell) => cell.blocks.length === 1);
  if (isList) addBlock(reader, 'text', cells.map((cell) => cell.text).join('；'));
  else for (const block of cells.flatMap((cell) => cell.blocks)) addBlock(reader, block.kind, block.text);
}

function addRows(reader: Reader, lines: Line[]): void {
  const headers = lines.slice(0, countHeaders(lines));
  const names = (headers[0] ?? []).map((_, at) => {
    const parts = new Set(headers.map((line) => line[at]?.text.replace(/[：:]$/, '')));
    return [...parts].filter(Boolean).join(' ');
  });
  for (const line of lines.slice(headers.length)) {
    // A cell across the whole table is said once, and without the columns' names.
    const isOne = isOneCell(line, names.length);
    let row = isOne ? (line[0]?.text ?? '') : '';
    for (const [at, cell] of isOne ? [] : line.entries()) {
      // Past the budget the rest would be cut off again, and one spanning cell can be repeated 50 times.
      if (!cell?.text || row.length > reader.budget) continue;
      row += `${row && '；'}${names[at] ? `${names[at]}：` : ''}${cell.text}`;
    }
    addBlock(reader, 'row', row);
  }
}

/** The leading rows that only name columns: those of <th>, else the first, unless it holds whole paragraphs. */
function countHeaders(lines: Line[]): number {
  if (lines[0]?.some((cell) => (cell?.text.length ?? 0) > MAX_HEADING_CHARS)) return 0;
  const firstValues = lines.findIndex((line) => line.some((cell) => cell?.text && !cell.isHeader));
  return Math.max(1, firstValues);
}
