import type { Block } from './block.ts';
import { addBlock, closeTablePart, type Output, openTablePart } from './html-tables.ts';
import type { Table, TableCell } from './pdf-grid.ts';

/** A table that goes on from the page before: its columns stand at the same places. */
export function isContinued(before: Table, after: Table): boolean {
  const reach = 3;
  return (
    before.edges.length === after.edges.length &&
    before.edges.every((edge, at) => Math.abs(edge - after.edges[at]!) < reach)
  );
}

/**
 * A table as blocks, in the form of those of HTML: `column：value；column：value`. With `header` it goes on with the table
 * of the page before, whose column names are said again.
 */
export function writeTable(table: Table, page: number, header: TableCell[] | undefined, budget: number): Block[] {
  const output: Output = { sink: [], tables: [], budget };
  const blocks = output.sink;
  openTablePart(output, 'table', {});
  const isRepeated = header && sameTexts(header, table.rows[0]!);
  if (header) writeRow(output, header, 'th');
  for (const row of isRepeated ? table.rows.slice(1) : table.rows) writeRow(output, row, 'td');
  closeTablePart(output, 'table');
  return blocks.map((block) => ({ ...block, page }));
}

function sameTexts(a: TableCell[], b: TableCell[]): boolean {
  return a.length === b.length && a.every((cell, at) => cell.text === b[at]!.text);
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
