import { Parser } from 'htmlparser2';
import type { Block } from '../block.ts';
import { addBlock, closeTable, closeTablePart, type Output, openTablePart, readCount } from './html-tables.ts';

const MAX_CHARS = 2_000_000;
const MAX_DEPTH = 256;
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

const ZERO_SIZE = /^[+-]?(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?$/;
const RELATIVE_SIZE = /^(?:[+\d.]+(?:em|ex|ch|ic|cap|lh|%)|smaller|larger|inherit|unset|revert)$/;
const ABSOLUTE_SIZE =
  /^(?:[+\d.]+(?:px|pt|pc|cm|mm|in|q|rem|rlh|[dls]?v(?:[whib]|min|max))|(?:xx?-)?small|medium|(?:x{1,3}-)?large|initial)$/;

/** What CSS hands down from the element at `depth` to the text inside it; either flag makes that text unseen. */
interface Look {
  depth: number;
  isSizeZero: boolean;
  isHidden: boolean;
}

class Reader implements Output {
  sink: Block[] = [];
  pieces: string[] = [];
  headings = 0;
  pres = 0;
  marker = '';
  lists: { isOrdered: boolean; next: number }[] = [];
  tables: Output['tables'] = [];
  depth = 0;
  /** The depth of the element whose content is being dropped; 0 while reading. */
  hiddenFrom = 0;
  /** The look of the page, then of each open element that changed it. */
  looks: Look[] = [{ depth: 0, isSizeZero: false, isHidden: false }];
  skipClose = false;
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
  const isVoid = VOID.has(name);
  reader.skipClose = isVoid || reader.depth >= MAX_DEPTH;
  if (!isVoid) reader.depth += 1;
  if (reader.hiddenFrom > 0) return;
  const outer = reader.looks.at(-1)!;
  const look = DROPPED.has(name) ? undefined : readLook(attributes, outer, reader.depth);
  if (look && look !== outer && !isVoid) reader.looks.push(look);
  if (!look) reader.hiddenFrom = isVoid ? 0 : reader.depth;
  else if (name === 'img') addText(reader, usefulAlt(normalise(attributes.alt ?? '')), look);
  else if (name === 'br' || reader.depth > MAX_DEPTH) boundary(reader);
  else openElement(reader, name, attributes);
}

function openElement(reader: Reader, name: string, attributes: Record<string, string>): void {
  crossEdge(reader, name, 1);
  const list = reader.lists.at(-1);
  if (LISTS.has(name)) reader.lists.push({ isOrdered: name === 'ol', next: readCount(attributes.start, 1e9, 1) });
  else if (name === 'li') reader.marker = list?.isOrdered ? `${list.next++}. ` : '· ';
  else if (TABLE_PARTS.has(name)) openTablePart(reader, name, attributes);
}

function closeTag(reader: Reader, name: string): void {
  const isOwn = !reader.skipClose;
  reader.skipClose = false;
  if (!isOwn || leave(reader)) return;
  crossEdge(reader, name, -1);
  if (LISTS.has(name)) reader.lists.pop();
  else if (name === 'li') reader.marker = '';
  else if (TABLE_PARTS.has(name)) closeTablePart(reader, name);
}

/** Steps out of one element; true when it was one whose content is dropped. */
function leave(reader: Reader): boolean {
  const wasHidden = reader.hiddenFrom > 0;
  reader.depth -= 1;
  if (reader.depth < reader.hiddenFrom) reader.hiddenFrom = 0;
  if (reader.depth < reader.looks.at(-1)!.depth) reader.looks.pop();
  return wasHidden;
}

/** The look of an element inside `outer`; undefined when nothing in it is seen, whatever is declared further in. */
function readLook(attributes: Record<string, string>, outer: Look, depth: number): Look | undefined {
  const look = { ...outer, depth };
  let display = '';
  let opacity = '';
  // An unclosed comment runs to the end, which also keeps the search for its end linear.
  const source = (attributes.style ?? '').replace(/\/\*[\s\S]*?(?:\*\/|$)/g, '').toLowerCase();
  for (const declaration of source ? source.split(';') : []) {
    const [property, value = ''] = declaration.split(/[:!]/, 2).map((part) => part.trim());
    if (property === 'display') display = value;
    else if (property === 'opacity') opacity = value;
    else if (property === 'visibility') look.isHidden = value === 'hidden' || (value !== 'visible' && outer.isHidden);
    else if (property === 'font-size') look.isSizeZero = isZero(value, outer) ?? look.isSizeZero;
    else if (property === 'font') look.isSizeZero = isZeroIn(value, outer) ?? look.isSizeZero;
  }
  if (attributes.hidden !== undefined || display === 'none') return undefined;
  // WeChat serves the article's root transparent and shows it by script.
  const isRoot = attributes.id === 'js_content' || attributes.class?.split(/\s/).includes('rich_media_content');
  if (isRoot) look.isHidden = outer.isHidden;
  else if (Number.parseFloat(opacity) === 0) return undefined;
  return look.isSizeZero === outer.isSizeZero && look.isHidden === outer.isHidden ? outer : look;
}

/** Whether a font size is zero inside `outer`; undefined for what is no size, or one only a browser can compute. */
function isZero(size: string, outer: Look): boolean | undefined {
  if (ZERO_SIZE.test(size)) return true;
  if (RELATIVE_SIZE.test(size)) return outer.isSizeZero;
  return ABSOLUTE_SIZE.test(size) ? false : undefined;
}

/** The same for the `font` shorthand, such as `bold 12px/1.5 serif`: the size is the first one before the last part. */
function isZeroIn(font: string, outer: Look): boolean | undefined {
  const parts = font.split(/\s+/).slice(0, -1);
  return parts.map((part) => isZero(part.split('/', 1)[0] ?? '', outer)).find((zero) => zero !== undefined);
}

function addText(reader: Reader, data: string, look = reader.looks.at(-1)!): void {
  if (reader.hiddenFrom > 0 || look.isSizeZero || look.isHidden) return;
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

function normalise(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(WHITE_SPACE, (run) => (/[\n\r]/.test(run) ? '\n' : ' '))
    .replace(BREAK_INSIDE_CJK, '')
    .replaceAll('\n', ' ')
    .trim();
}
