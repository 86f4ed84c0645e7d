import type { Block } from '../block.ts';
import { type TableCell, writeTable } from '../write-table.ts';
import type { DocParagraph } from './paragraphs.ts';

interface Row {
  cells: string[][];
  /** Where the columns begin and end, in twentieths of a point; empty when it is not said. */
  edges: number[];
  /** For each cell whether it continues the one above it. */
  continues: boolean[];
}

const CELL_BYTES = 20;
const VERTICAL = 0x0060;
const CONTINUES = 0x0020;
/** Edges nearer than this are one, drawn by hand: about a millimetre. */
const NEAR = 60;

/**
 * The blocks of the table that begins at a paragraph, and how many paragraphs it takes; undefined: none begins there.
 * `toText` gives a paragraph's lines as they are to be read.
 */
export function readDocTable(
  paragraphs: readonly DocParagraph[],
  from: number,
  toText: (paragraph: DocParagraph) => string[],
): { blocks: Block[]; paragraphs: number } | undefined {
  const rows: Row[] = [];
  let row: string[][] = [];
  let cell: string[] = [];
  let at = from;
  for (; at < paragraphs.length; at += 1) {
    const paragraph = paragraphs[at]!;
    if (!paragraph.isInTable && !paragraph.ends) break;
    if (paragraph.ends === 'row') {
      rows.push({ cells: row, ...readDefinition(paragraph.tableDefinition, row.length) });
      row = [];
      continue;
    }
    cell.push(...toText(paragraph));
    if (paragraph.ends !== 'cell') continue;
    row.push(cell);
    cell = [];
  }
  if (cell.length > 0) row.push(cell);
  if (row.length > 0) rows.push({ cells: row, edges: [], continues: [] });
  return at === from ? undefined : { blocks: writeTable(place(rows)), paragraphs: at - from };
}

function readDefinition(definition: DataView | undefined, cells: number): Pick<Row, 'edges' | 'continues'> {
  const none = { edges: [], continues: [] };
  if (!definition || definition.byteLength < 3) return none;
  const count = definition.getUint8(2);
  const flagsAt = 3 + (count + 1) * 2;
  if (count !== cells || flagsAt > definition.byteLength) return none;
  const edges = Array.from({ length: count + 1 }, (_, index) => definition.getInt16(3 + index * 2, true));
  const continues = Array.from({ length: count }, (_, index) => {
    const at = flagsAt + index * CELL_BYTES;
    return at + 2 <= definition.byteLength && (definition.getUint16(at, true) & VERTICAL) === CONTINUES;
  });
  return { edges, continues };
}

/** Says of each cell how many columns and rows it takes; a cell that continues the one above it becomes part of that. */
function place(rows: readonly Row[]): TableCell[][] {
  const edges = joinNear(rows.flatMap((row) => row.edges));
  const above = new Map<number, TableCell & { rows: number }>();
  return rows.map((row) => {
    const placed: TableCell[] = [];
    for (const [index, paragraphs] of row.cells.entries()) {
      const start = edges.findIndex((edge) => edge + NEAR >= (row.edges[index] ?? Number.NaN));
      const end = edges.findIndex((edge) => edge + NEAR >= (row.edges[index + 1] ?? Number.NaN));
      const column = row.edges.length > 0 ? start : index;
      const top = above.get(column);
      if (row.continues[index] && top && paragraphs.every((text) => text === '')) {
        top.rows += 1;
        continue;
      }
      const cell = { paragraphs, columns: row.edges.length > 0 ? Math.max(1, end - start) : 1, rows: 1 };
      above.set(column, cell);
      placed.push(cell);
    }
    return placed;
  });
}

function joinNear(positions: readonly number[]): number[] {
  const joined: number[] = [];
  for (const position of [...new Set(positions)].sort((a, b) => a - b)) {
    if (joined.length === 0 || position > joined.at(-1)! + NEAR) joined.push(position);
  }
  return joined;
}
