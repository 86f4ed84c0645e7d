import type { PdfPage } from './open.ts';
import { cleanRun, countControls } from './text.ts';

/** A run of characters drawn in one go; x to the right and y (of the baseline) down, in points, as it is read. */
export interface Piece {
  text: string;
  x: number;
  right: number;
  y: number;
  /** The height of its font. */
  size: number;
  font: string;
}

/** The text of a page that is read in one direction, turned upright. */
export interface Side {
  pieces: Piece[];
  width: number;
  height: number;
  /** Turns a point of the PDF's own space in the same way. */
  turn: (x: number, y: number) => [x: number, y: number];
}

type Matrix = readonly number[];

/** Text that leans more is a watermark or part of a picture. */
const MAX_LEAN_RADIANS = 0.14;
/** Smaller text is there for machines, not for readers. */
const MIN_SIZE_POINTS = 1;
/** Runs at the same place, as far as an eye can tell, are one drawn twice to look bold. */
const SAME_PLACE_POINTS = 1;

/**
 * The readable text of a page, one side for each right angle that text is turned by, the one with most text first;
 * and how many characters were controls, which nobody can read.
 * @throws what `count` throws; it is told the number of characters of each piece.
 */
export async function readSides(
  page: PdfPage,
  count: (chars: number) => void,
): Promise<{ sides: Side[]; broken: number }> {
  const { width, height, transform } = page.getViewport({ scale: 1 });
  const sides = [0, 1, 2, 3].map((turns) => createSide(turns, width, height, transform));
  const seen = new Map<string, Piece[]>();
  const vertical = new Set<string>();
  let broken = 0;
  for await (const chunk of readChunks(page)) {
    for (const [font, style] of Object.entries(chunk.styles)) if (style.vertical) vertical.add(font);
    for (const item of chunk.items) {
      if (!('str' in item)) continue;
      broken += countControls(item.str);
      const text = cleanRun(item.str);
      if (text === '') continue;
      const isVertical = vertical.has(item.fontName);
      const matrix = multiply(transform, item.transform);
      const size = Math.hypot(matrix[2]!, matrix[3]!);
      const turns = isVertical ? 1 : countTurns(matrix);
      if (turns === undefined || !(size >= MIN_SIZE_POINTS) || !(size < 10 * (width + height))) continue;
      const side = sides[turns]!;
      const [x, y] = side.turn(item.transform[4], item.transform[5]);
      const length = isVertical ? item.height : item.width;
      if (x > side.width || x + length < 0 || y < 0 || y > side.height + size) continue;
      const piece = { text, x, right: x + length, y, size, font: item.fontName };
      if (isRepeat(seen, piece)) continue;
      count(text.length);
      side.pieces.push(piece);
    }
  }
  const amount = (side: Side): number => side.pieces.reduce((sum, piece) => sum + piece.text.length, 0);
  const filled = sides
    .map((side) => ({ side, chars: amount(side) }))
    .filter(({ chars }) => chars > 0)
    .sort((a, b) => b.chars - a.chars)
    .map(({ side }) => side);
  return { sides: filled, broken };
}

type Chunk = Awaited<ReturnType<PdfPage['getTextContent']>>;

async function* readChunks(page: PdfPage): AsyncGenerator<Chunk> {
  // Not cancelled when the caller has had enough: pdfjs would go on writing to the closed stream, and fail.
  const reader = (page.streamTextContent() as ReadableStream<Chunk>).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** How many quarter turns (clockwise, as seen) bring text upright; undefined when it leans. */
function countTurns(matrix: Matrix): number | undefined {
  const angle = Math.atan2(matrix[1]!, matrix[0]!);
  const turns = Math.round(angle / (Math.PI / 2));
  if (!(Math.abs(angle - (turns * Math.PI) / 2) <= MAX_LEAN_RADIANS)) return undefined;
  return (turns + 4) % 4;
}

function createSide(turns: number, width: number, height: number, transform: Matrix): Side {
  const turn = (pdfX: number, pdfY: number): [number, number] => {
    const x = transform[0]! * pdfX + transform[2]! * pdfY + transform[4]!;
    const y = transform[1]! * pdfX + transform[3]! * pdfY + transform[5]!;
    if (turns === 1) return [y, width - x];
    if (turns === 2) return [width - x, height - y];
    return turns === 3 ? [height - y, x] : [x, y];
  };
  const isSideways = turns % 2 === 1;
  return { pieces: [], width: isSideways ? height : width, height: isSideways ? width : height, turn };
}

/** Whether the same text was drawn at this place before; only the last few of each text are looked at. */
function isRepeat(seen: Map<string, Piece[]>, piece: Piece): boolean {
  const others = seen.get(piece.text);
  if (others === undefined) {
    seen.set(piece.text, [piece]);
    return false;
  }
  const reach = Math.min(SAME_PLACE_POINTS, piece.size / 8);
  const isNear = (other: Piece) => Math.abs(other.x - piece.x) <= reach && Math.abs(other.y - piece.y) <= reach;
  if (others.some(isNear)) return true;
  others.push(piece);
  if (others.length > 8) others.shift();
  return false;
}

function multiply(a: Matrix, b: Matrix): number[] {
  return [
    a[0]! * b[0]! + a[2]! * b[1]!,
    a[1]! * b[0]! + a[3]! * b[1]!,
    a[0]! * b[2]! + a[2]! * b[3]!,
    a[1]! * b[2]! + a[3]! * b[3]!,
  ];
}
