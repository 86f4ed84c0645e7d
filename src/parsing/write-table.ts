import type { Block } from './block.ts';
import { addBlock, closeTable, closeTablePart, type Output, openTablePart } from './html/html-tables.ts';

/** A cell of a table: its paragraphs, and how many columns and rows it takes (one if not said). */
export interface TableCell {
  paragraphs: string[];
  columns?: number;
  rows?: number;
}

/** A table repeats its header in every row. */
const MAX_CHARS = 2_000_000;

/** The blocks that a table becomes, as tables in HTML do: a row of `列名：值；列名：值` for each line under the header. */
export function writeTable(rows: readonly (readonly TableCell[])[]): Block[] {
  const output: Output = { sink: [], tables: [], budget: MAX_CHARS };
  const blocks = output.sink;
  openTablePart(output, 'table', {});
  for (const cells of rows) {
    openTablePart(output, 'tr', {});
    for (const { paragraphs, columns = 1, rows = 1 } of cells) {
      openTablePart(output, 'td', { colspan: String(columns), rowspan: String(rows) });
      for (const text of paragraphs) if (text !== '') addBlock(output, 'text', text);
      closeTablePart(output, 'td');
    }
  }
  closeTable(output);
  return blocks;
}
