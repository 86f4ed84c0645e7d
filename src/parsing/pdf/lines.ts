import type { Piece } from './pieces.ts';
import { cleanLine, joinRuns } from './text.ts';

/** A stretch of one line with no wide gap in it: a whole line, or what stands in one column or cell. */
export interface Fragment extends Piece {
  top: number;
  bottom: number;
  /** Put together from parts that stand wide apart: a line of a list or a table, not of a paragraph. */
  isSpread?: boolean;
}

/** A wider gap, in sizes of the font, parts a line; words spread over a justified line stay below it. */
const PARTING_GAP = 1.2;
/** How much of their heights texts on one baseline share: among all of a page, and within one column of it. */
const STRICT_OVERLAP = 0.75;
const LOOSE_OVERLAP = 0.45;
/** How many runs up and down an index looks for its text. */
const HOST_REACH = 40;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/**
 * The pieces put together into fragments, from the top; a gap wider than `parting` (in sizes of the font) parts two.
 * An index, such as a footnote's mark, belongs to the text that it stands beside.
 */
export function buildFragments(pieces: Piece[], parting = PARTING_GAP): Fragment[] {
  const runs = groupRows(pieces, STRICT_OVERLAP).flatMap((row) => cutRow(row, parting));
  runs.sort((a, b) => a.y - b.y || a.x - b.x);
  const kept = runs.filter((run, at) => !joinHost(runs, at, run));
  return kept.map(joinRun);
}

/** Texts on one baseline, in rows from the top and each row from the left. */
export function groupRows<T extends Piece>(pieces: readonly T[], overlap = LOOSE_OVERLAP): T[][] {
  const rows: { y: number; size: number; pieces: T[] }[] = [];
  for (const piece of [...pieces].sort((a, b) => a.y - b.y || a.x - b.x)) {
    // Sorted by baseline, only the last few rows can reach down to it.
    const row = rows.slice(-4).find((open) => measureOverlap(open, piece) > overlap);
    if (row === undefined) rows.push({ y: piece.y, size: piece.size, pieces: [piece] });
    else {
      row.pieces.push(piece);
      if (piece.size > row.size * 1.1) Object.assign(row, { y: piece.y, size: piece.size });
    }
  }
  return rows.sort((a, b) => a.y - b.y).map((row) => row.pieces.sort((a, b) => a.x - b.x));
}

type Line = Pick<Piece, 'y' | 'size'>;

/** How much of the smaller text's height is level with the other. */
function measureOverlap(a: Line, b: Line): number {
  const overlap = Math.min(a.y + 0.2 * a.size, b.y + 0.2 * b.size) - Math.max(a.y - 0.8 * a.size, b.y - 0.8 * b.size);
  return overlap / Math.min(a.size, b.size);
}

interface Run extends Line {
  pieces: Piece[];
  x: number;
  right: number;
}

function cutRow(row: Piece[], parting: number): Run[] {
  const runs: Run[] = [];
  for (const piece of row) {
    const run = runs.at(-1);
    if (run && piece.x - run.right <= parting * Math.max(run.pieces.at(-1)!.size, piece.size)) {
      run.pieces.push(piece);
      run.right = Math.max(run.right, piece.right);
      if (piece.size > run.size) Object.assign(run, { size: piece.size, y: piece.y });
    } else runs.push({ pieces: [piece], x: piece.x, right: piece.right, y: piece.y, size: piece.size });
  }
  return runs;
}

/** Gives an index to the run of larger text beside it; false when it is none. */
function joinHost(runs: Run[], at: number, index: Run): boolean {
  if (index.right - index.x > 4 * index.size) return false;
  for (let step = 1; step <= HOST_REACH; step += 1) {
    for (const host of [runs[at + step], runs[at - step]]) {
      if (!host || host.size < index.size / 0.85 || measureOverlap(host, index) < 0.3) continue;
      if (index.x < host.x - 0.3 * host.size || index.x > host.right + 0.5 * host.size) continue;
      host.pieces.push(...index.pieces);
      host.pieces.sort((a, b) => a.x - b.x);
      host.right = Math.max(host.right, index.right);
      return true;
    }
  }
  return false;
}

function joinRun({ pieces }: Run): Fragment {
  const main = pieces.reduce((best, piece) => (weigh(piece) > weigh(best) ? piece : best));
  let text = '';
  let right = pieces[0]!.x;
  for (const piece of pieces) {
    const isIndex = piece.size < 0.85 * main.size && main.y - piece.y > 0.2 * main.size;
    const part = isIndex ? piece.text.replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!) : piece.text;
    text = isIndex ? text + part : joinRuns(text, part, (piece.x - right) / main.size);
    right = Math.max(right, piece.right);
  }
  const { y, size, font } = main;
  return { text: cleanLine(text), x: pieces[0]!.x, right, y, size, font, top: y - 0.8 * size, bottom: y + 0.2 * size };
}

/** The size and font of a line are those of most of it. */
function weigh(piece: Piece): number {
  return piece.text.length * piece.size;
}
