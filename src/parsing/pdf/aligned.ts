import type { Table } from './grid.ts';
import type { Fragment } from './lines.ts';
import { joinLines } from './text.ts';

interface Span {
  from: number;
  to: number;
}

const MIN_ROWS = 3;
const MAX_COLUMNS = 20;
/** Longer cells are text that happens to stand side by side. */
const MAX_MEAN_CHARS = 30;
const NUMBER = /^[\d\s.,:%¥$€/()（）-]+$/;

/** The table, without lines around it, that begins with row `start`, and the row after it; undefined for none. */
export function readAligned(rows: Fragment[][], start: number): { table: Table; end: number } | undefined {
  const first = rows[start]!;
  if (first.length < 2 || first.length > MAX_COLUMNS || goesOn(rows[start - 1], first)) return undefined;
  let columns = spansOf(first);
  const taken: Fragment[][] = [];
  let end = start;
  for (; end < rows.length; end += 1) {
    const row = rows[end]!;
    const above = rows[end - 1];
    if (above && taken.length > 0 && row[0]!.top - above[0]!.bottom > 2 * row[0]!.size) break;
    const merged = mergeSpans([...columns, ...spansOf(row)]);
    // The names of the columns stand in the first row, and none of them may grow together with another.
    if (merged.length !== first.length || (row.length === 1 && !isContinuation(row, above, columns))) break;
    columns = merged;
    taken.push(row);
  }
  const cells = joinContinuations(taken, columns);
  if (cells.length < MIN_ROWS || !isTable(cells, first, taken)) return undefined;
  const [x, right] = [columns[0]!.from, columns.at(-1)!.to];
  const table = {
    rows: cells.map((row) => row.map((text) => ({ text, columns: 1, rows: 1 }))),
    edges: [x, ...columns.slice(1).map((column, at) => (columns[at]!.to + column.from) / 2), right],
    x,
    right,
    top: first[0]!.top,
    bottom: taken.at(-1)![0]!.bottom,
    size: first[0]!.size,
  };
  return { table, end };
}

/**
 * Whether a row belongs to parted ones right above it, whose columns could not be told from one another: then it names
 * no columns, and reading it as if it did would join cells that have nothing to do with each other.
 */
function goesOn(above: Fragment[] | undefined, row: Fragment[]): boolean {
  if (above === undefined || above.length < 2) return false;
  return row[0]!.top - above[0]!.bottom < row[0]!.size && above[0]!.font === row[0]!.font;
}

function spansOf(row: Fragment[]): Span[] {
  return row.map((fragment) => ({ from: fragment.x, to: fragment.right }));
}

function mergeSpans(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from < last.to + 2) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  return merged;
}

/** One text in another column than the first, close under the row above: the next line of its cell. */
function isContinuation(row: Fragment[], above: Fragment[] | undefined, columns: Span[]): boolean {
  const only = row[0]!;
  return above !== undefined && only.x > columns[0]!.to && only.top - above[0]!.bottom < 0.7 * only.size;
}

/** The cells' texts by column; a row with nothing in its first column goes on with the one above. */
function joinContinuations(rows: Fragment[][], columns: Span[]): string[][] {
  const cells: string[][] = [];
  for (const [at, row] of rows.entries()) {
    const texts = columns.map(() => '');
    for (const fragment of row) {
      const column = columns.findIndex((span) => fragment.x < span.to + 1);
      texts[column] = texts[column] ? `${texts[column]} ${fragment.text}` : fragment.text;
    }
    const last = cells.at(-1);
    const isNext = texts[0] === '' && last && row[0]!.top - rows[at - 1]![0]!.bottom < 0.7 * row[0]!.size;
    if (!isNext) cells.push(texts);
    else
      for (const [column, text] of texts.entries())
        if (text) last[column] = last[column] ? joinLines(last[column], text) : text;
  }
  return cells;
}

/** A first row of numbers names no columns; and two columns without a header that looks like one are a list. */
function isTable(cells: string[][], first: Fragment[], rows: Fragment[][]): boolean {
  const filled = cells.flat().filter((text) => text !== '');
  const chars = filled.reduce((sum, text) => sum + text.length, 0);
  if (chars > MAX_MEAN_CHARS * filled.length || cells[0]!.some((text) => NUMBER.test(text))) return false;
  const fonts = new Set(rows.slice(1).map((row) => row[0]!.font));
  return first.length > 2 || (fonts.size === 1 && !fonts.has(first[0]!.font));
}
