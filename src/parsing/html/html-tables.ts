import type { Block } from '../block.ts';

/** The blocks read so far, and the tables still being read. */
export interface Output {
  /** Receives finished blocks: the article's, or those of the innermost open cell. */
  sink: Block[];
  /** The open tables; `parent` takes the finished one, and any text in it that stands outside its cells. */
  tables: { rows: Cell[][]; parent: Block[] }[];
  /** Characters still to be written. Tables repeat their headers in every row, so the source is no bound. */
  budget: number;
}

interface Cell {
  blocks: Block[];
  isHeader: boolean;
  columns: number;
  rows: number;
  text: string;
}

const MAX_COLUMNS = 50;
const MAX_ROWS = 2000;
/** Tables nested deeper are read as plain blocks, or each level would carry all the text again. */
const MAX_TABLE_DEPTH = 8;
/** A longer cell in the first row is a paragraph, not the name of a column. */
const MAX_HEADER_CHARS = 200;

type Line = (Cell | undefined)[];
const isOneCell = (line: Line, width: number): boolean => line.length >= width && new Set(line).size === 1;

/** Enters a `table`, `tr`, `td` or `th`. */
export function openTablePart(output: Output, name: string, attributes: Record<string, string>): void {
  if (name === 'table') {
    output.tables.push({ rows: [], parent: output.sink });
    return;
  }
  const table = output.tables.at(-1);
  if (!table || output.tables.length > MAX_TABLE_DEPTH) return;
  output.sink = table.parent;
  if (name === 'tr' || table.rows.length === 0) table.rows.push([]);
  if (name === 'tr') return;
  const columns = readCount(attributes.colspan, MAX_COLUMNS, 1);
  // rowspan="0" reaches to the end of the table.
  const rows = readCount(attributes.rowspan, MAX_ROWS, 1) || MAX_ROWS;
  output.sink = [];
  table.rows.at(-1)?.push({ blocks: output.sink, text: '', isHeader: name === 'th', columns: columns || 1, rows });
}

export function closeTablePart(output: Output, name: string): void {
  if (name === 'table') closeTable(output);
  else output.sink = output.tables.at(-1)?.parent ?? output.sink;
}

/** Writes the innermost open table to what holds it: a row of values for each line under the header, or plain text. */
export function closeTable(output: Output): void {
  const table = output.tables.pop();
  if (!table) return;
  output.sink = table.parent;
  // What the cells hold is about to be written again.
  for (const block of table.rows.flat().flatMap((cell) => cell.blocks)) output.budget += block.text.length;
  const lines = expandSpans(table.rows.slice(0, MAX_ROWS));
  const columns = new Set(lines.flatMap((line) => [...line.keys()].filter((at) => line[at]?.text)));
  // A first row of one cell across several columns is the table's title.
  while (lines.length > 1 && columns.size > 1 && isOneCell(lines[0]!, columns.size)) addPlain(output, lines.shift()!);
  if (lines.length > 1 && columns.size > 1) addRows(output, lines);
  else addPlain(output, lines.flat());
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
function addPlain(output: Output, places: Line): void {
  const cells = [...new Set(places)].flatMap((cell) => (cell?.text ? [cell] : []));
  const isList = cells.length > 1 && cells.every((cell) => cell.blocks.length === 1);
  if (isList) addBlock(output, 'text', cells.map((cell) => cell.text).join('；'));
  else for (const block of cells.flatMap((cell) => cell.blocks)) addBlock(output, block.kind, block.text);
}

function addRows(output: Output, lines: Line[]): void {
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
      if (!cell?.text || row.length > output.budget) continue;
      row += `${row && '；'}${names[at] ? `${names[at]}：` : ''}${cell.text}`;
    }
    addBlock(output, 'row', row);
  }
}

/** The leading rows that only name columns: those of <th>, else the first, unless it holds whole paragraphs. */
function countHeaders(lines: Line[]): number {
  if (lines[0]?.some((cell) => (cell?.text.length ?? 0) > MAX_HEADER_CHARS)) return 0;
  const firstValues = lines.findIndex((line) => line.some((cell) => cell?.text && !cell.isHeader));
  return Math.max(1, firstValues);
}

export function addBlock(output: Output, kind: Block['kind'], text: string): void {
  // toWellFormed: the limit may fall inside a surrogate pair.
  const kept = text.length <= output.budget ? text : text.slice(0, output.budget).toWellFormed();
  output.budget -= kept.length;
  if (kept !== '') output.sink.push({ kind, text: kept });
}

/** A count given as an attribute, at most `limit`. */
export function readCount(value: string | undefined, limit: number, otherwise: number): number {
  const count = Number.parseInt(value ?? '', 10);
  return count >= 0 ? Math.min(count, limit) : otherwise;
}
