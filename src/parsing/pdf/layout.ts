import { splitColumns, type Zone } from './columns.ts';
import { cutTables, type Table } from './grid.ts';
import { buildFragments, type Fragment, groupRows } from './lines.ts';
import type { PdfPage } from './open.ts';
import { readSides, type Side } from './pieces.ts';
import { readRules } from './rules.ts';

export type Element = Fragment | Table;

/** What stands on a page, in the order in which it is read. */
export interface Layout {
  number: number;
  width: number;
  height: number;
  /** How many of its characters are controls, and left out. */
  broken: number;
  zones: Zone<Element>[];
}

/** With more pieces the page is a drawing or a trap, and its lines are not worth what reading them takes. */
const MAX_PIECES_WITH_RULES = 20_000;
const MIN_TABLE_ROWS = 2;

export const isTable = (element: Element): element is Table => 'rows' in element;
export const isFragment = (element: Element): element is Fragment => !isTable(element);

/** Reads a page's text and puts it in order. @throws what `count` throws; it is told the characters as they come. */
export async function layOutPage(page: PdfPage, number: number, count: (chars: number) => void): Promise<Layout> {
  const { sides, broken } = await readSides(page, count);
  const zones: Zone<Element>[] = [];
  for (const side of sides) zones.push(...(await layOutSide(page, side)));
  return { number, width: sides[0]?.width ?? 0, height: sides[0]?.height ?? 0, broken, zones };
}

async function layOutSide(page: PdfPage, side: Side): Promise<Zone<Element>[]> {
  const fragments = buildFragments(side.pieces);
  const parted = groupRows(fragments).filter((row) => row.length > 1).length;
  if (parted < MIN_TABLE_ROWS || side.pieces.length > MAX_PIECES_WITH_RULES) return splitColumns<Element>(fragments);
  const { tables, rest } = cutTables(side.pieces, await readRules(page, side.turn));
  return splitColumns<Element>(tables.length > 0 ? [...tables, ...buildFragments(rest)] : fragments);
}
