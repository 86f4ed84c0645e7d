import { buildFragments, groupRows } from './lines.ts';
import type { Piece } from './pieces.ts';
import { REACH_POINTS, type Rule, type Rules } from './rules.ts';
import { cleanLine, joinLines } from './text.ts';

export interface TableCell {
  text: string;
  columns: number;
  rows: number;
}

/** A table on one page. */
export interface Table {
  rows: TableCell[][];
  /** The places that part its columns, from the left edge to the right. */
  edges: number[];
  x: number;
  right: number;
  top: number;
  bottom: number;
  size: number;
}

interface Grid {
  xs: number[];
  ys: number[];
  rules: Rules;
}

/** The tables that are drawn with lines, and the pieces that stand in none of them. */
export function cutTables(pieces: Piece[], rules: Rules): { tables: Table[]; rest: Piece[] } {
  const grids = findGrids(rules);
  const tables: Table[] = [];
  let rest = pieces;
  for (const grid of grids) {
    const inside: Piece[] = [];
    const outside: Piece[] = [];
    for (const piece of rest) (isInside(grid, piece) ? inside : outside).push(piece);
    const table = fillGrid(grid, inside);
    if (table === undefined) continue;
    tables.push(table);
    rest = outside;
  }
  return { tables, rest };
}

/** Lines that cross or meet make a grid, when they part at least two columns and two rows. */
function findGrids({ level, upright }: Rules): Grid[] {
  const groups = level.map((rule, at) => ({ rule, group: at }));
  const owners: number[] = level.map((_, at) => at);
  const find = (at: number): number => {
    let root = at;
    while (owners[root] !== root) root = owners[root] = owners[owners[root]!]!;
    return root;
  };
  const touching = upright.map((rule) => {
    const met = groups.filter((other) => isCrossing(other.rule, rule)).map((other) => other.group);
    for (const at of met) owners[find(at)] = find(met[0]!);
    return met[0];
  });
  const grids = new Map<number, Rules>();
  for (const { rule, group } of groups) {
    const root = find(group);
    if (!grids.has(root)) grids.set(root, { level: [], upright: [] });
    grids.get(root)!.level.push(rule);
  }
  for (const [at, rule] of upright.entries()) {
    if (touching[at] !== undefined) grids.get(find(touching[at]))!.upright.push(rule);
  }
  return [...grids.values()]
    .map((own) => ({ xs: listColumns(own), ys: listPlaces(own.level.map((rule) => rule.at)), rules: own }))
    .filter((grid) => grid.rules.upright.length > 0 && grid.xs.length > 2 && grid.ys.length > 2)
    .filter((grid) => grid.xs.length <= 51 && grid.ys.length <= 501);
}

function isCrossing(level: Rule, upright: Rule): boolean {
  const isOver = (rule: Rule, at: number) => at >= rule.from - REACH_POINTS && at <= rule.to + REACH_POINTS;
  return isOver(level, upright.at) && isOver(upright, level.at);
}

/** Tables are often open at the sides: there the level lines end. */
function listColumns({ level, upright }: Rules): number[] {
  const inner = upright.map((rule) => rule.at);
  const left = level.reduce((least, rule) => Math.min(least, rule.from), Infinity);
  const right = level.reduce((most, rule) => Math.max(most, rule.to), -Infinity);
  const places = listPlaces(inner);
  if (left < places[0]! - 6) places.unshift(left);
  if (right > places.at(-1)! + 6) places.push(right);
  return places;
}

function listPlaces(values: number[]): number[] {
  const places: number[] = [];
  for (const value of values.sort((a, b) => a - b)) {
    if (places.length === 0 || value - places.at(-1)! > REACH_POINTS) places.push(value);
  }
  return places;
}

function isInside({ xs, ys }: Grid, piece: Piece): boolean {
  const [x, y] = centre(piece);
  return x > xs[0]! && x < xs.at(-1)! && y > ys[0]! && y < ys.at(-1)!;
}

function centre(piece: Piece): [number, number] {
  return [(piece.x + piece.right) / 2, piece.y - 0.3 * piece.size];
}

/** The table with its text; undefined when its lines are only a frame, a chart or a form without text. */
function fillGrid(grid: Grid, pieces: Piece[]): Table | undefined {
  const { xs, ys } = grid;
  const owner = ys.slice(1).map((): (Slot | undefined)[] => xs.slice(1).map(() => undefined));
  const slots: Slot[] = [];
  for (const [row, line] of owner.entries()) {
    for (const column of line.keys()) {
      if (line[column] === undefined) slots.push(claimSlot(grid, owner, row, column));
    }
  }
  for (const piece of pieces) {
    const [x, y] = centre(piece);
    owner[placeOf(ys, y)]?.[placeOf(xs, x)]?.pieces.push(piece);
  }
  const filled = slots.filter((slot) => slot.pieces.length > 0);
  const isTable =
    new Set(filled.map((slot) => slot.row)).size > 1 && new Set(filled.map((slot) => slot.column)).size > 1;
  if (!isTable) return undefined;
  const rows = ys.slice(1).map((_, row) => slots.filter((slot) => slot.row === row).map(readSlot));
  const size = pieces[0]!.size;
  return { rows, edges: xs, x: xs[0]!, right: xs.at(-1)!, top: ys[0]!, bottom: ys.at(-1)!, size };
}

interface Slot extends Omit<TableCell, 'text'> {
  row: number;
  column: number;
  pieces: Piece[];
}

/** The cell that begins here: it goes on to the right and down as far as no line parts it. */
function claimSlot({ xs, ys, rules }: Grid, owner: (Slot | undefined)[][], row: number, column: number): Slot {
  const isParted = (lines: Rule[], at: number, from: number, to: number): boolean => {
    const middle = (from + to) / 2;
    return lines.some((line) => Math.abs(line.at - at) <= REACH_POINTS && line.from <= middle && line.to >= middle);
  };
  let right = column + 1;
  while (right < xs.length - 1 && owner[row]![right] === undefined) {
    if (isParted(rules.upright, xs[right]!, ys[row]!, ys[row + 1]!)) break;
    right += 1;
  }
  let below = row + 1;
  while (below < ys.length - 1) {
    const level = ys[below]!;
    const isOpen = (at: number) => !isParted(rules.level, level, xs[at]!, xs[at + 1]!);
    const columns = Array.from({ length: right - column }, (_, at) => column + at);
    if (!columns.every(isOpen)) break;
    below += 1;
  }
  const slot: Slot = { row, column, columns: right - column, rows: below - row, pieces: [] };
  for (let y = row; y < below; y += 1) for (let x = column; x < right; x += 1) owner[y]![x] ??= slot;
  return slot;
}

function readSlot(slot: Slot): TableCell {
  return { text: readCell(slot.pieces), columns: slot.columns, rows: slot.rows };
}

/** The lines of a cell as one text. */
export function readCell(pieces: Piece[]): string {
  const lines = groupRows(buildFragments(pieces)).map((row) => cleanLine(row.map((part) => part.text).join(' ')));
  return lines.filter((line) => line !== '').reduce((text, line) => (text === '' ? line : joinLines(text, line)), '');
}

function placeOf(edges: number[], value: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
