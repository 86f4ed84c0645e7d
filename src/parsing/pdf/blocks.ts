import type { Block } from '../block.ts';
import { cutNotes, type Entry, listEntries } from './entries.ts';
import type { Table, TableCell } from './grid.ts';
import type { Layout } from './layout.ts';
import type { Fragment } from './lines.ts';
import { isContents, isHeadingLine, type Look, startsItem } from './look.ts';
import { dropHeader, isContinued, joinBrokenRow, writeTable } from './rows.ts';
import { joinLines } from './text.ts';

/** The edges of the column that a line stands in. */
interface Column {
  left: number;
  right: number;
}

/** The block that the next line may go on with. */
interface Open {
  block: Block;
  last: Fragment;
  column: Column;
  /** Distance of its last two baselines; 0 while it has one line. */
  pitch: number;
  isItem: boolean;
}

interface Writer {
  look: Look;
  blocks: Block[];
  budget: number;
  open: Open | undefined;
  /** The table that the next page may go on with, while nothing else follows it. */
  table: { table: Table; header: TableCell[]; last: TableCell[]; block: Block | undefined } | undefined;
}

const BULLET = /^[•·●○■□▪▶◆◇※➢✓√]/;
const MAX_CHARS_ACROSS = 1500;
const SENTENCE_END = /[。！？…；：.!?:;][”’」』）)\]"']*$/;

/** Puts lines and tables together into blocks; a paragraph goes on over columns and pages where that is safe. */
export function writeBlocks(layouts: Layout[], look: Look, budget: number): Block[] {
  const writer: Writer = { look, blocks: [], budget, open: undefined, table: undefined };
  for (const layout of layouts) {
    const notes: Fragment[][] = [];
    for (const zone of layout.zones) {
      const cut = cutNotes(listEntries(zone), look.bodySize);
      notes.push(cut.notes);
      if (cut.body.length > 0) writeColumn(writer, cut.body, zone.isColumn, layout.number);
    }
    const { open, table } = writer;
    for (const lines of notes) writeNotes(writer, lines, layout.number);
    Object.assign(writer, { open, table });
  }
  return writer.blocks;
}

function writeColumn(writer: Writer, entries: Entry[], isColumn: boolean, page: number): void {
  const column = measureColumn(writer, entries, isColumn);
  let isFirst = true;
  for (const [at, entry] of entries.entries()) {
    if ('table' in entry) writeOneTable(writer, entry.table, page);
    else {
      const next = entries[at + 1];
      const below = next && 'line' in next ? next.line : undefined;
      writeLine(writer, entry.line, { column, page, isFirst, below });
    }
    isFirst = false;
  }
}

/** A column reaches as far as its lines; text over the whole width as far as it does anywhere in the document. */
function measureColumn(writer: Writer, entries: Entry[], isColumn: boolean): Column {
  const lines = entries.flatMap((entry) => ('line' in entry ? [entry.line] : []));
  const left = lines.reduce((edge, line) => Math.min(edge, line.x), Infinity);
  const right = lines.reduce((edge, line) => Math.max(edge, line.right), 0);
  if (isColumn) return { left, right };
  return { left: Math.min(left, writer.look.left), right: findEdge(lines) ?? writer.look.right };
}

/** The edge at which many long lines end, as those of a column do that has the page for itself. */
function findEdge(lines: Fragment[]): number | undefined {
  const long = lines.filter((line) => line.right - line.x > 12 * line.size).sort((a, b) => b.right - a.right);
  const least = Math.max(4, 0.3 * lines.length);
  return long.find((edge, at) => {
    const last = long[at + Math.ceil(least) - 1];
    return last !== undefined && edge.right - last.right < 1.5 * edge.size;
  })?.right;
}

interface Place {
  column: Column;
  page: number;
  /** The first in its column: it may go on with what stands in the column or on the page before. */
  isFirst: boolean;
  below: Fragment | undefined;
}

function writeLine(writer: Writer, line: Fragment, place: Place): void {
  const { open, look } = writer;
  const isHeading = isHeadingLine(line, { look, above: place.isFirst ? undefined : open?.last, ...place });
  const kind = isHeading ? 'heading' : 'text';
  writer.table = undefined;
  if (open && open.block.kind === kind && goesOn(open, line, place)) {
    open.block.text = joinLines(open.block.text, line.text);
    open.pitch = place.isFirst ? 0 : line.y - open.last.y;
    open.last = line;
    open.column = keepNarrow(open.column, place, line);
    return;
  }
  const block: Block = { kind, text: line.text, page: place.page };
  writer.blocks.push(block);
  writer.open = { block, last: line, column: place.column, pitch: 0, isItem: startsItem(line.text) };
}

/** The rest of a column that goes on alone on the next page is as wide as the column was. */
function keepNarrow(before: Column, { column }: Place, line: Fragment): Column {
  const right = column.left + before.right - before.left;
  return right < column.right && line.right < right + line.size ? { left: column.left, right } : column;
}

/** Whether a line belongs to the paragraph, or heading, of the line before it. */
function goesOn(open: Open, line: Fragment, { column, isFirst }: Place): boolean {
  const { last } = open;
  if (Math.abs(line.size - last.size) > 0.12 * last.size || isContents(last.text)) return false;
  const isEnded = SENTENCE_END.test(open.block.text);
  // A number at the start of a line may also belong to a sentence that is not at its end.
  if (startsItem(line.text) && (isEnded || open.block.kind === 'heading' || BULLET.test(line.text))) return false;
  if (last.isSpread || line.isSpread) return false;
  if (open.block.kind === 'heading') return !isFirst && line.y - last.y < 1.7 * last.size && line.font === last.font;
  const indent = line.x - column.left;
  // A block has one page: what is longer than a page's worth begins anew on the next.
  if (isFirst && open.block.text.length > MAX_CHARS_ACROSS) return false;
  // Text over the whole width does not go on in a narrow column under it.
  if (isFirst && column.right - column.left < 0.75 * (open.column.right - open.column.left)) return false;
  if (isFirst) return isFull(open, line) && !isEnded && indent < 0.8 * line.size;
  const pitch = line.y - last.y;
  if (pitch <= 0 || pitch > (open.pitch > 0 ? 1.25 * open.pitch : 2.4 * line.size)) return false;
  const isIndented = line.x - last.x > 0.8 * line.size;
  // The text of a list item stands further right than its mark.
  if (isIndented && !(open.isItem && open.pitch === 0 && line.x - last.x < 5 * line.size)) return false;
  const isAlikeIndented =
    open.pitch === 0 && indent > 1.2 * line.size && indent < 4 * line.size && Math.abs(line.x - last.x) < 1;
  if (isAlikeIndented && !open.isItem && isEnded) return false;
  return isFull(open, line);
}

/** Whether the line ends where its column does, so that the next word had no room on it. */
function isFull({ last, column }: Open, next: Fragment): boolean {
  if (/\p{Ll}[-\u2010\u00ad]$/u.test(last.text) && /^\p{Ll}/u.test(next.text)) return true;
  const room = column.right - last.right;
  const isLatin = /[\p{sc=Latin}\p{sc=Cyrillic}\d,-]$/u.test(last.text);
  // After a comma the sentence goes on, wherever the line was broken.
  if (/[，、]$/u.test(last.text)) return room < 0.5 * (column.right - column.left);
  if (!isLatin) return room < 2.6 * last.size;
  if (/^\p{Ll}/u.test(next.text) && !SENTENCE_END.test(last.text) && room < 0.35 * (column.right - column.left))
    return true;
  const word = next.text.split(' ', 1)[0]!;
  const meanWidth = (next.right - next.x) / Math.max(1, next.text.length);
  return room < (Math.min(word.length, 30) + 1) * meanWidth + 0.3 * last.size;
}

function writeOneTable(writer: Writer, table: Table, page: number): void {
  const before = writer.table;
  const isNext = before !== undefined && isContinued(before.table, table);
  const header = isNext ? before.header : table.rows[0]!;
  const rows = isNext ? dropHeader(table.rows, header) : table.rows;
  const rest = isNext ? joinBrokenRow(before.last, rows[0]) : undefined;
  if (rest && before?.block) {
    before.block.text = writeTable([rest], page, header, writer.budget)[0]?.text ?? before.block.text;
  }
  const blocks = writeTable(rest ? rows.slice(1) : rows, page, isNext ? header : undefined, writer.budget);
  for (const block of blocks) {
    writer.budget -= block.text.length;
    writer.blocks.push(block);
  }
  writer.open = undefined;
  writer.table = {
    table,
    header,
    last: rest && rows.length === 1 ? rest : (rows.at(-1) ?? header),
    block: blocks.at(-1) ?? before?.block,
  };
}

/** Footnotes stand below the text, each a block of its own. */
function writeNotes(writer: Writer, lines: Fragment[], page: number): void {
  if (lines.length === 0) return;
  const column = measureColumn(
    writer,
    lines.map((line) => ({ line })),
    true,
  );
  writer.open = undefined;
  for (const line of lines) {
    const open = writer.open as Open | undefined;
    const starts = /^[\d⁰¹²³⁴⁵⁶⁷⁸⁹*†‡§※①-⑳[]/.test(line.text);
    if (open && !starts) open.block.text = joinLines(open.block.text, line.text);
    else {
      const block: Block = { kind: 'text', text: line.text, page };
      writer.blocks.push(block);
      writer.open = { block, last: line, column, pitch: 0, isItem: false };
    }
  }
}
