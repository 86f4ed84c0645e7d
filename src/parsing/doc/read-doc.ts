import { type Block, Unreadable } from '../block.ts';
import { checkBlocks, type TextLimits } from '../check-blocks.ts';
import { countParagraph, type Numbering } from '../docx/numbering.ts';
import { CONTENTS_LINE } from '../docx/slim-paragraph.ts';
import { findHeading } from '../text/find-heading.ts';
import { tidyText } from '../text/tidy-text.ts';
import { type DocFile, openDoc, ranges, readPositions, tableRange } from './file.ts';
import { readFormatting } from './formatting.ts';
import { findHidden } from './hidden.ts';
import { readDocNumbering } from './numbering.ts';
import { type DocParagraph, type DocSource, readParagraphs } from './paragraphs.ts';
import { readDocStyles } from './styles.ts';
import { readDocTable } from './table.ts';
import { readDocText } from './text.ts';

const MAX_HEADING_CHARS = 200;

/** The notes of a document by the position of what refers to them, how many have been read so far, and its lists. */
interface Notes {
  texts: Map<number, string[]>;
  count: number;
  numbering: Numbering;
}

/**
 * The text of a Word document of 1997 to 2003, in order: headings by their styles or, where none has such a style, by
 * their form; tables; footnotes and endnotes behind the paragraph that they belong to; text boxes at the end. Headers,
 * footers, comments, hidden and deleted text are left out. There are no pages in the file.
 * @throws Unreadable when it is damaged, encrypted, older than Word 97, or has no text or too much
 */
export function readDoc(bytes: Uint8Array, limits: TextLimits): Block[] {
  try {
    return checkBlocks(readBlocks(openDoc(bytes), limits), limits);
  } catch (error) {
    // Offsets in the file are followed as they come, and those that lead outside end here.
    if (error instanceof RangeError) throw new Unreadable('damaged', 'its tables are damaged', { cause: error });
    throw error;
  }
}

function readBlocks(file: DocFile, limits: TextLimits): Block[] {
  const text = readDocText(file, limits);
  const source = {
    text,
    hidden: findHidden(text, readFormatting(file, 'runs')),
    paragraphs: readFormatting(file, 'paragraphs'),
    styles: readDocStyles(file),
  };
  const { body, footnotes, headers, comments, endnotes, boxes } = file.lengths;
  const endnotesAt = body + footnotes + headers + comments;
  const notes: Notes = { texts: new Map(), count: 0, numbering: readDocNumbering(file) };
  addNotes(notes, file, source, [ranges.footnoteReferences, ranges.footnoteTexts], body);
  addNotes(notes, file, source, [ranges.endnoteReferences, ranges.endnoteTexts], endnotesAt);
  const boxesAt = endnotesAt + endnotes;
  return [
    ...toBlocks(readParagraphs(source, 0, body), notes),
    ...toBlocks(readParagraphs(source, boxesAt, boxesAt + boxes), notes),
  ];
}

function addNotes(notes: Notes, file: DocFile, source: DocSource, kinds: [number, number], start: number): void {
  const references = readPositions(tableRange(file, kinds[0]), 2);
  const texts = readPositions(tableRange(file, kinds[1]), 0);
  let before = 0;
  for (const [index, reference] of references.slice(0, -1).entries()) {
    const [from, to] = [texts[index] ?? 0, texts[index + 1] ?? 0];
    // In order and apart, or many notes could each be the whole text.
    if (from < before || to <= from) continue;
    before = to;
    const lines = readParagraphs(source, start + from, start + to).flatMap((paragraph) => paragraph.lines);
    notes.texts.set(
      reference,
      lines.map((line) => tidyText(line.replaceAll('\u0002', ''))).filter((line) => line !== ''),
    );
  }
}

function toBlocks(paragraphs: readonly DocParagraph[], notes: Notes): Block[] {
  const blocks: Block[] = [];
  const hasStyles = paragraphs.some((paragraph) => paragraph.isHeading);
  let waiting: string[] = [];
  const toText = (paragraph: DocParagraph): string[] => {
    const { lines, found } = numberNotes(paragraph, notes);
    waiting.push(...found);
    return lines;
  };
  for (let at = 0; at < paragraphs.length; ) {
    const paragraph = paragraphs[at]!;
    const table = readDocTable(paragraphs, at, toText);
    if (table) blocks.push(...table.blocks);
    else if (!isContentsLine(paragraph)) blocks.push(...toPlainBlocks(paragraph, toText(paragraph), hasStyles));
    for (const text of waiting) blocks.push({ kind: 'text', text });
    waiting = [];
    at += table?.paragraphs ?? 1;
  }
  return blocks;
}

/** The style alone is not enough: some use it for what stands in no table of contents. */
function isContentsLine(paragraph: DocParagraph): boolean {
  return paragraph.isContents && CONTENTS_LINE.test(paragraph.lines.at(-1) ?? '');
}

function toPlainBlocks(paragraph: DocParagraph, lines: string[], hasStyles: boolean): Block[] {
  const whole = lines.join(' ');
  if (whole === '') return [];
  if (paragraph.isHeading && whole.length <= MAX_HEADING_CHARS) return [{ kind: 'heading', text: whole }];
  return lines.map((line) => {
    const heading = hasStyles ? undefined : findHeading(line);
    return heading === undefined ? { kind: 'text', text: line } : { kind: 'heading', text: heading };
  });
}

/** A paragraph's lines behind its number in a list, with `[1]` where it refers to a note, and the notes, each beginning with its number. */
function numberNotes(paragraph: DocParagraph, notes: Notes): { lines: string[]; found: string[] } {
  const found: string[] = [];
  let at = 0;
  const lines = paragraph.lines.map((line) =>
    tidyText(
      line.replaceAll('\u0002', () => {
        const [first, ...others] = notes.texts.get(paragraph.references[at++]!) ?? [];
        if (first === undefined) return '';
        notes.count += 1;
        found.push(`[${notes.count}] ${first}`, ...others);
        return `[${notes.count}]`;
      }),
    ),
  );
  const label = countParagraph(notes.numbering, String(paragraph.listId), paragraph.listLevel);
  const [first = '', ...others] = lines.filter((line) => line !== '');
  return { lines: first === '' ? [] : [label + first, ...others], found };
}
