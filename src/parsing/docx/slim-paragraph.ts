import { tooMuchText } from '../check-blocks.ts';
import { countParagraph } from './numbering.ts';
import { readAttribute, type XmlTag } from './scan-xml.ts';
import { countElement, type Slimmer } from './slim-docx.ts';

/** A paragraph being read: its own properties, which go before those of its style, and its text as XML. */
export interface Paragraph {
  styleId?: string;
  /** 1 to 9: a heading; 10: the body. */
  outline?: number;
  listId?: string;
  listLevel?: number;
  isEndDeleted: boolean;
  content: string[];
}

const MAX_HEADING = 9;
/** A line of a table of contents ends with a page number. */
export const CONTENTS_LINE = /\t\s?[\divxlc]{1,6}\s?$/i;
const TEXT = '<w:t xml:space="preserve">';

export function openParagraph(slimmer: Slimmer): void {
  slimmer.paragraphs.push({ isEndDeleted: false, content: slimmer.carried });
  slimmer.carried = [];
}

export function readParagraphProperty(slimmer: Slimmer, tag: XmlTag): void {
  const paragraph = slimmer.paragraphs.at(-1);
  const value = readAttribute(slimmer.xml, tag, 'val') ?? '';
  if (!paragraph) return;
  if (tag.name === 'pStyle') paragraph.styleId = value;
  else if (tag.name === 'numId') paragraph.listId = value;
  else if (tag.name === 'ilvl') paragraph.listLevel = Number.parseInt(value, 10);
  else paragraph.outline = Number.parseInt(value, 10) + 1;
}

/** Writes a finished paragraph, and the text boxes that hung on it. */
export function closeParagraph(slimmer: Slimmer): void {
  const paragraph = slimmer.paragraphs.pop();
  if (!paragraph) return;
  if (paragraph.isEndDeleted) slimmer.carried = paragraph.content;
  else writeParagraph(slimmer, paragraph);
  if (slimmer.paragraphs.length > 0) return;
  slimmer.out.push(...slimmer.boxes);
  slimmer.boxes = [];
}

function writeParagraph(slimmer: Slimmer, paragraph: Paragraph): void {
  const { context } = slimmer;
  const style = context.styles.get(paragraph.styleId ?? '');
  const listId = paragraph.listId ?? style?.listId;
  const level = paragraph.listLevel ?? style?.listLevel ?? 0;
  // Word counts an empty paragraph, too.
  const label = listId === undefined ? '' : countParagraph(context.numbering, listId, level);
  const content = paragraph.content.join('');
  if (content.trim() === '' || (style?.isContents && CONTENTS_LINE.test(content))) return;
  context.charsLeft -= content.length;
  countElement(context);
  if (context.charsLeft < 0) throw tooMuchText(context.limits);
  const outline = paragraph.outline ?? style?.heading ?? 0;
  const heading =
    outline >= 1 && outline <= MAX_HEADING ? `<w:pPr><w:pStyle w:val="h${Math.min(outline, 6)}"/></w:pPr>` : '';
  slimmer.out.push(`<w:p>${heading}<w:r>${TEXT}${escapeXml(label)}${content}</w:t></w:r></w:p>`);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
