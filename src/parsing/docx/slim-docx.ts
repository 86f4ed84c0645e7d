import { Unreadable } from '../block.ts';
import type { TextLimits } from '../check-blocks.ts';
import type { Numbering } from './numbering.ts';
import { readAttribute, scanXml, type XmlTag } from './scan-xml.ts';
import { closeParagraph, openParagraph, type Paragraph, readParagraphProperty } from './slim-paragraph.ts';
import { type DocxStyle, isOn } from './styles.ts';

/** What the parts of a document are slimmed with, and what is counted over all of them. */
export interface SlimContext {
  styles: Map<string, DocxStyle>;
  numbering: Numbering;
  limits: TextLimits;
  /** UTF-16 units of text that may still come. */
  charsLeft: number;
  /** How many paragraphs, notes and parts of tables were kept. */
  elements: number;
}

export interface Slimmer {
  xml: string;
  context: SlimContext;
  out: string[];
  /** What is written outside the text boxes that are open. */
  outer: string[][];
  /** Text boxes wait for the end of the paragraph that they hang on. */
  boxes: string[];
  paragraphs: Paragraph[];
  /** The text of paragraphs whose end is deleted: it goes on in the next one. */
  carried: string[];
  /** The names of the open elements. */
  path: string[];
  /** The element that is being dropped: where it stands in the path; -1 while reading. */
  droppedAt: number;
  isRunHidden: boolean;
  /** Where the text of the open w:t begins; -1: in none. */
  textFrom: number;
  /** Of alternatives one is read: whether it has been, for each set that is open. */
  alternatives: boolean[];
}

const words = (list: string): Set<string> => new Set(list.split(' '));
/** What is not seen in the document, or says nothing. */
const DROPPED = words(
  'del moveFrom instrText delText delInstrText pPrChange rPrChange tblPrChange trPrChange tcPrChange sectPr sdtPr ' +
    'sdtEndPr rt tblPr tblPrEx tblGrid tabs pic object altChunk',
);
/** What is kept of tables as it is. */
const COPIED = words('tbl tr trPr tc tcPr');
const NOTES = words('footnote endnote');
/** mammoth takes up to 5 KB for each; 1,000 pages have some 50,000. */
const MAX_ELEMENTS = 120_000;
const TEXT = '<w:t xml:space="preserve">';
const PROPERTIES = words('pStyle outlineLvl numId ilvl');

/**
 * Reduces a part of a Word document to what makes its text: paragraphs with their list numbers written out, headings
 * as styles h1 to h6, tables, and references to notes. Hidden and deleted text, tables of contents and all else go.
 * The result has no root.
 * @throws Unreadable when it is no sound XML, or there is more of it than the context allows
 */
export function slimDocx(xml: string, context: SlimContext): string {
  const slimmer: Slimmer = {
    ...{ xml, context, out: [], outer: [], boxes: [], paragraphs: [], carried: [], path: [], alternatives: [] },
    ...{ droppedAt: -1, isRunHidden: false, textFrom: -1 },
  };
  scanXml(xml, (tag) => {
    if (tag.isOpening) openElement(slimmer, tag);
    if (tag.isClosing) closeElement(slimmer, tag);
  });
  return slimmer.out.join('');
}

function openElement(slimmer: Slimmer, tag: XmlTag): void {
  const { path } = slimmer;
  const parent = path.at(-1);
  path.push(tag.name);
  if (slimmer.droppedAt >= 0) return;
  // A deleted end of a paragraph, or a deleted row, is marked among its properties.
  if (tag.name === 'del' && parent === 'rPr' && path.at(-3) === 'pPr') slimmer.paragraphs.at(-1)!.isEndDeleted = true;
  if (tag.name === 'del' && parent === 'trPr') slimmer.out.push('<w:del/>');
  if (isDropped(slimmer, tag)) slimmer.droppedAt = path.length - 1;
  else if (COPIED.has(tag.name)) copyTag(slimmer, `<w:${tag.name}>`);
  else if (tag.name === 'p') openParagraph(slimmer);
  else if (tag.name === 'txbxContent') {
    slimmer.outer.push(slimmer.out);
    slimmer.out = [];
  } else if (parent === 'tcPr' || parent === 'trPr') copyCellProperty(slimmer, tag);
  else if (PROPERTIES.has(tag.name)) readParagraphProperty(slimmer, tag);
  else openInline(slimmer, tag, parent);
}

function isDropped(slimmer: Slimmer, tag: XmlTag): boolean {
  const { alternatives } = slimmer;
  if (tag.name === 'AlternateContent') alternatives.push(false);
  if (NOTES.has(tag.name)) return !openNote(slimmer, tag);
  if (tag.name !== 'Choice' && tag.name !== 'Fallback') return DROPPED.has(tag.name);
  const wasRead = alternatives.at(-1) ?? false;
  alternatives[Math.max(0, alternatives.length - 1)] = true;
  return wasRead;
}

/** Opens a note; false for the lines that separate notes from the text, which are kept as notes, too. */
function openNote(slimmer: Slimmer, tag: XmlTag): boolean {
  const id = readAttribute(slimmer.xml, tag, 'id');
  const type = readAttribute(slimmer.xml, tag, 'type') ?? 'normal';
  if (type !== 'normal' || !/^\d{1,9}$/.test(id ?? '')) return false;
  copyTag(slimmer, `<w:${tag.name} w:id="${id}">`);
  return true;
}

function copyTag(slimmer: Slimmer, tag: string): void {
  slimmer.out.push(tag);
  countElement(slimmer.context);
}

/** @throws Unreadable when there are more than mammoth has memory for */
export function countElement(context: SlimContext): void {
  context.elements += 1;
  if (context.elements <= MAX_ELEMENTS) return;
  throw new Unreadable('damaged', `it has more than ${MAX_ELEMENTS} paragraphs and cells`);
}

function copyCellProperty(slimmer: Slimmer, tag: XmlTag): void {
  const value = readAttribute(slimmer.xml, tag, 'val');
  if (tag.name === 'gridSpan' && /^\d{1,2}$/.test(value ?? '')) slimmer.out.push(`<w:gridSpan w:val="${value}"/>`);
  if (tag.name === 'vMerge') slimmer.out.push(`<w:vMerge w:val="${value === 'restart' ? value : 'continue'}"/>`);
  if (tag.name === 'tblHeader' && isOn(value)) slimmer.out.push('<w:tblHeader/>');
}

function openInline(slimmer: Slimmer, tag: XmlTag, parent: string | undefined): void {
  // Elements inside a text are none of Office's: what it holds is then left out.
  slimmer.textFrom = tag.name === 't' ? tag.end : -1;
  const value = (name: string): string => readAttribute(slimmer.xml, tag, name) ?? '';
  if (tag.name === 'r') slimmer.isRunHidden = false;
  else if (tag.name === 'vanish' && slimmer.path.at(-3) === 'r') slimmer.isRunHidden = isOn(value('val'));
  else if (tag.name === 'rStyle') slimmer.isRunHidden ||= slimmer.context.styles.get(value('val'))?.isHidden ?? false;
  else if (parent === 'r') addText(slimmer, readCharacter(tag.name, value));
}

/** What an element in a run stands for, as XML inside a w:t. */
function readCharacter(name: string, value: (name: string) => string): string {
  if (name === 'tab' || name === 'ptab') return '\t';
  if (name === 'noBreakHyphen') return '\u2011';
  if (name === 'cr' || (name === 'br' && !/^(?:page|column)$/.test(value('type')))) return `</w:t><w:br/>${TEXT}`;
  if (name === 'footnoteReference' || name === 'endnoteReference') {
    return /^\d{1,9}$/.test(value('id')) ? `</w:t><w:${name} w:id="${value('id')}"/>${TEXT}` : '';
  }
  const [font, char] = [value('font'), value('char')];
  const isSymbol = name === 'sym' && /^[\w ]{1,40}$/.test(font) && /^[\da-f]{1,4}$/i.test(char);
  return isSymbol ? `</w:t><w:sym w:font="${font}" w:char="${char}"/>${TEXT}` : '';
}

function addText(slimmer: Slimmer, text: string): void {
  if (text !== '' && !slimmer.isRunHidden) slimmer.paragraphs.at(-1)?.content.push(text);
}

function closeElement(slimmer: Slimmer, tag: XmlTag): void {
  slimmer.path.pop();
  if (tag.name === 'AlternateContent' && slimmer.droppedAt < 0) slimmer.alternatives.pop();
  if (slimmer.droppedAt >= 0) {
    if (slimmer.path.length === slimmer.droppedAt) slimmer.droppedAt = -1;
  } else if (COPIED.has(tag.name) || NOTES.has(tag.name)) slimmer.out.push(`</w:${tag.name}>`);
  else if (tag.name === 'p') closeParagraph(slimmer);
  else if (tag.name === 't') {
    if (slimmer.textFrom >= 0) addText(slimmer, slimmer.xml.slice(slimmer.textFrom, tag.start));
    slimmer.textFrom = -1;
  } else if (tag.name === 'txbxContent') {
    slimmer.boxes.push(slimmer.out.join(''));
    slimmer.out = slimmer.outer.pop() ?? [];
  }
}
