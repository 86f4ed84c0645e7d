/** Anything that takes a place on the page. */
export interface Box {
  x: number;
  right: number;
  top: number;
  bottom: number;
  size: number;
}

/** Boxes that are read one under the other, from the top. */
export interface Zone<T extends Box> {
  boxes: T[];
  /** Whether it is one of several columns of text side by side. */
  isColumn: boolean;
}

interface Band<T> {
  from: number;
  to: number;
  left: T[];
  right: T[];
}

/** Columns within columns go no deeper: four columns need two cuts. */
const MAX_DEPTH = 3;
const MAX_CANDIDATES = 8;

/** The boxes of a page in the order in which they are read: columns one after the other, each between what spans them. */
export function splitColumns<T extends Box>(boxes: T[], isColumn = false, depth = 0): Zone<T>[] {
  const sorted = [...boxes].sort((a, b) => a.top - b.top || a.x - b.x);
  const bands = depth < MAX_DEPTH ? findBands(sorted) : [];
  const zones: Zone<T>[] = [];
  let done = 0;
  const addPlain = (to: number): void => {
    if (to > done) zones.push({ boxes: sorted.slice(done, to), isColumn });
  };
  for (const band of bands) {
    addPlain(band.from);
    zones.push(...splitColumns(band.left, true, depth + 1), ...splitColumns(band.right, true, depth + 1));
    done = band.to;
  }
  addPlain(sorted.length);
  return zones;
}

/** The bands of the gap that parts most text into columns; none where the text runs over the whole width. */
function findBands<T extends Box>(sorted: T[]): Band<T>[] {
  let best: Band<T>[] = [];
  let most = 0;
  for (const edge of listEdges(sorted)) {
    const bands = cutBands(sorted, edge).filter(isColumns);
    const amount = bands.reduce((sum, band) => sum + Math.min(band.left.length, band.right.length), 0);
    if (amount > most) {
      best = bands;
      most = amount;
    }
  }
  return best;
}

/** Places where several boxes begin, and others end before: where a column could start. */
function listEdges(boxes: Box[]): number[] {
  const counts = new Map<number, { count: number; least: number }>();
  for (const box of boxes) {
    const key = Math.round(box.x / 2);
    const entry = counts.get(key) ?? { count: 0, least: box.x };
    counts.set(key, { count: entry.count + 1, least: Math.min(entry.least, box.x) });
  }
  const least = boxes.reduce((edge, box) => Math.min(edge, box.right), Infinity);
  return [...counts.values()]
    .filter((entry) => entry.count > 2 && entry.least > least)
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_CANDIDATES)
    .map((entry) => entry.least);
}

/** Cuts the boxes at each one that crosses the gap in front of `edge`. */
function cutBands<T extends Box>(sorted: T[], edge: number): Band<T>[] {
  const bands: Band<T>[] = [];
  let band: Band<T> = { from: 0, to: 0, left: [], right: [] };
  for (const [at, box] of sorted.entries()) {
    if (box.x >= edge - 1) band.right.push(box);
    else if (box.right <= edge - 0.7 * Math.min(box.size, 14)) band.left.push(box);
    else {
      bands.push(startLevel(sorted, endBeforeSpan(sorted, { ...band, to: at })));
      band = { from: at + 1, to: at + 1, left: [], right: [] };
    }
  }
  bands.push(startLevel(sorted, { ...band, to: sorted.length }));
  return bands;
}

/** Columns begin at one height: what stands on the left above the right one is not theirs. */
function startLevel<T extends Box>(sorted: T[], band: Band<T>): Band<T> {
  const top = band.right.reduce((high, box) => Math.min(high, box.top), Infinity);
  const first = band.left.findIndex((box) => box.bottom > top);
  if (first < 1) return band;
  return { ...band, from: sorted.indexOf(band.left[first - 1]!, band.from) + 1, left: band.left.slice(first) };
}

/** Columns above something that spans them end at one height: a heading further down on the left is not theirs. */
function endBeforeSpan<T extends Box>(sorted: T[], band: Band<T>): Band<T> {
  const floor = band.right.reduce((low, box) => Math.max(low, box.bottom), -Infinity);
  const tail = band.left.findIndex((box, at) => {
    const above = band.left[at - 1];
    if (!above || box.top < floor - 0.3 * box.size) return false;
    return box.top - above.bottom > 1.2 * above.size || Math.abs(box.size - above.size) > 0.1 * above.size;
  });
  if (tail === -1) return band;
  const first = sorted.indexOf(band.left[tail]!, band.from);
  return { ...band, to: first, left: band.left.slice(0, tail) };
}

/** Whether both sides are text in lines that fill a column, and not the cells of a table. */
function isColumns<T extends Box>({ left, right }: Band<T>): boolean {
  if (left.length < 3 || right.length < 3) return false;
  const [a, b] = [measure(left), measure(right)];
  if (a === undefined || b === undefined || Math.max(a.width, b.width) > 2 * Math.min(a.width, b.width)) return false;
  const starts = right.reduce((edge, box) => Math.min(edge, box.x), Infinity);
  if (starts - a.end > 4 * a.size) return false;
  // Rows that are level on both sides and short are those of a table.
  const heights = new Set(right.map((box) => Math.round(box.bottom)));
  const level = left.filter((box) => [-1, 0, 1].some((step) => heights.has(Math.round(box.bottom) + step))).length;
  return level < 0.9 * left.length || Math.min(a.width / a.size, b.width / b.size) >= 12;
}

/** The width that most lines of a column reach; undefined when they don't, or it is too narrow to be one. */
function measure(boxes: Box[]): { width: number; end: number; size: number } | undefined {
  const widths = boxes.map((box) => box.right - box.x).sort((a, b) => a - b);
  const ends = boxes.map((box) => box.right).sort((a, b) => a - b);
  const sizes = boxes.map((box) => box.size).sort((a, b) => a - b);
  const high = Math.floor(0.9 * (boxes.length - 1));
  const width = widths[high]!;
  const size = sizes[sizes.length >> 1]!;
  const full = widths.filter((other) => other >= 0.75 * width).length;
  return full >= 0.5 * widths.length && width >= 7 * size ? { width, end: ends[high]!, size } : undefined;
}
