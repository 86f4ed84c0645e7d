import type { PdfPage } from './open.ts';

/** A straight line on the page, level or upright: `at` is its y or x, and it reaches from `from` to `to`. */
export interface Rule {
  at: number;
  from: number;
  to: number;
}

export interface Rules {
  level: Rule[];
  upright: Rule[];
}

type Turn = (x: number, y: number) => [x: number, y: number];
type Matrix = number[];

/** A thicker bar is a background, not a line. */
const MAX_THICKNESS_POINTS = 3;
const MIN_LENGTH_POINTS = 4;
/** Lines closer than this are one, and ends closer than this meet. */
export const REACH_POINTS = 2.5;
/** With more lines than this it is a drawing. */
const MAX_RULES = 5000;

/** The lines drawn on a page, as the frames of tables are; none when the page is a drawing. */
export async function readRules(page: PdfPage, turn: Turn): Promise<Rules> {
  const { OPS } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  // Annotations stand on top of the page and are not drawn here.
  const { fnArray, argsArray } = await page.getOperatorList({ annotationMode: 0 });
  const rules: Rules = { level: [], upright: [] };
  const stack: Matrix[] = [];
  let matrix: Matrix = [1, 0, 0, 1, 0, 0];
  for (const [at, operator] of fnArray.entries()) {
    const args = argsArray[at] as unknown[] | null;
    if (operator === OPS.save) stack.push(matrix);
    else if (operator === OPS.restore) matrix = stack.pop() ?? matrix;
    else if (operator === OPS.transform) matrix = multiply(matrix, args as Matrix);
    else if (operator === OPS.paintFormXObjectBegin) {
      stack.push(matrix);
      if (Array.isArray(args?.[0])) matrix = multiply(matrix, args[0] as Matrix);
    } else if (operator === OPS.paintFormXObjectEnd) matrix = stack.pop() ?? matrix;
    else if (operator === OPS.constructPath && args?.[0] !== OPS.endPath) {
      const points = (x: number, y: number): [number, number] => {
        const [a, b, c, d, e, f] = matrix as [number, number, number, number, number, number];
        return turn(a * x + c * y + e, b * x + d * y + f);
      };
      const isStroke = args?.[0] === OPS.stroke || args?.[0] === OPS.closeStroke;
      for (const path of (args?.[1] ?? []) as (ArrayLike<number> | null)[]) {
        if (path !== null) addPath(rules, path, points, isStroke);
      }
      if (rules.level.length + rules.upright.length > MAX_RULES) return { level: [], upright: [] };
    }
  }
  return { level: mergeRules(rules.level), upright: mergeRules(rules.upright) };
}

/** pdfjs writes a path as numbers: 0 x y (move), 1 x y (line), 2 and 3 (curves), 4 (close). */
function addPath(rules: Rules, path: ArrayLike<number>, turn: Turn, isStroke: boolean): void {
  const corners: [number, number][] = [];
  const end = (): void => {
    if (!isStroke) addBar(rules, corners);
    corners.length = 0;
  };
  for (let at = 0; at < path.length; ) {
    const kind = path[at];
    if (kind === 4) {
      if (isStroke && corners.length > 2) addSegment(rules, corners.at(-1)!, corners[0]!);
      at += 1;
      continue;
    }
    if (kind === 0) end();
    const length = kind === 2 ? 6 : kind === 3 ? 4 : 2;
    const corner = turn(path[at + length - 1]!, path[at + length]!);
    const last = corners.at(-1);
    if (isStroke && kind === 1 && last) addSegment(rules, last, corner);
    corners.push(corner);
    at += length + 1;
  }
  end();
}

/** Many programs fill a thin bar instead of drawing a line. */
function addBar(rules: Rules, corners: [number, number][]): void {
  if (corners.length < 2 || corners.length > 6) return;
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  if (bottom - top <= MAX_THICKNESS_POINTS) addSegment(rules, [left, (top + bottom) / 2], [right, (top + bottom) / 2]);
  else if (right - left <= MAX_THICKNESS_POINTS) {
    addSegment(rules, [(left + right) / 2, top], [(left + right) / 2, bottom]);
  }
}

function addSegment(rules: Rules, [x1, y1]: [number, number], [x2, y2]: [number, number]): void {
  const [width, height] = [Math.abs(x2 - x1), Math.abs(y2 - y1)];
  if (!(Math.max(width, height) < 20_000)) return;
  if (height <= 1 && width > 0) rules.level.push({ at: (y1 + y2) / 2, from: Math.min(x1, x2), to: Math.max(x1, x2) });
  else if (width <= 1 && height > 0)
    rules.upright.push({ at: (x1 + x2) / 2, from: Math.min(y1, y2), to: Math.max(y1, y2) });
}

/** Lines drawn piece by piece made whole; what stays short belongs to a picture or a letter. */
function mergeRules(rules: Rule[]): Rule[] {
  const merged: Rule[] = [];
  for (const group of groupByPlace(rules)) {
    let last: Rule | undefined;
    for (const rule of group.sort((a, b) => a.from - b.from)) {
      if (last && rule.from <= last.to + REACH_POINTS) last.to = Math.max(last.to, rule.to);
      else {
        last = { ...rule };
        merged.push(last);
      }
    }
  }
  return merged.filter((rule) => rule.to - rule.from >= MIN_LENGTH_POINTS);
}

function groupByPlace(rules: Rule[]): Rule[][] {
  const groups: Rule[][] = [];
  for (const rule of rules.sort((a, b) => a.at - b.at)) {
    const group = groups.at(-1);
    if (group && rule.at - group[0]!.at <= REACH_POINTS) group.push(rule);
    else groups.push([rule]);
  }
  return groups;
}

function multiply(a: Matrix, b: Matrix): Matrix {
  const [a0, a1, a2, a3, a4, a5] = a as [number, number, number, number, number, number];
  const [b0, b1, b2, b3, b4, b5] = b as [number, number, number, number, number, number];
  return [
    a0 * b0 + a2 * b1,
    a1 * b0 + a3 * b1,
    a0 * b2 + a2 * b3,
    a1 * b2 + a3 * b3,
    a0 * b4 + a2 * b5 + a4,
    a1 * b4 + a3 * b5 + a5,
  ];
}
