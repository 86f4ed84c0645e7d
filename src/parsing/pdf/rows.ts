import type { Block } from '../block.ts';
import { addBlock, closeTablePart, type Output, openTablePart } from '../html/html-tables.ts';
import type { Table, TableCell } from './grid.ts';
import { joinLines } from './text.ts';

/** A table that goes on from the page before: its columns stand at the same places. */
export function isContinued(before: Table, after: Table): boolean {
  const reach = 3;
  return (
    before.edges.length === after.edges.length &&
    before.edges.every((edge, at) => Math.abs(edge - after.edges[at]!) < reach)
  );
}

/** The rows of a page on which the header is printed again, without it. */
export function dropHeader(rows: TableCell[][], header: TableCell[]): TableCell[][] {
  const first = rows[0]!;
  const isSame = first.length === header.length && first.every((cell, at) => cell.text === header[at]!.text);
  return isSame ? rows.slice(1) : rows;
}

/** A row cut in two by the end of a page, made whole; undefined when the second is a row of its own. */
export function joinBrokenRow(above: TableCell[], below: TableCell[] | undefined): TableCell[] | undefined {
  if (!below || below.length !== above.length || below.length < 2 || below[0]!.text !== '') return undefined;
  return above.map((cell, at) => {
    const more = below[at]!.text;
    return { ...cell, text: cell.text && more ? joinLines(cell.text, more) : cell.text || more };
  });
}

/**
 * A table as blocks, in the form of those of HTML: `column：value；column：value`. With `header` the rows go on with a
 * table of the page before, whose column names are said again.
 */
export function writeTable(
  rows: TableCell[][],
  page: number,
  header: TableCell[] | undefined,
  budget: number,
): Block[] {
  const output: Output = { sink: [], tables: [], budget };
  const blocks = output.sink;
  openTablePart(output, 'table', {});
  if (header) writeRow(output, header, 'th');
  for (const row of rows) writeRow(output, row, 'td');
  closeTablePart(output, 'table');
  return header && rows.length === 0 ? [] : blocks.map((block) => ({ ...block, page }));
}

function writeRow(output: Output, cells: TableCell[], name: 'td' | 'th'): void {
  openTablePart(output, 'tr', {});
  for (const cell of cells) {
    openTablePart(output, name, { colspan: String(cell.columns), rowspan: String(cell.rows) });
    if (cell.text !== '') addBlock(output, 'text', cell.text);
    closeTablePart(output, name);
  }
  closeTablePart(output, 'tr');
}
