import { Unreadable } from '../block.ts';
import { type TextLimits, tooMuchText } from '../check-blocks.ts';
import { type DocFile, ranges, tableRange } from './file.ts';

/** The characters of a document in order, and where each stands in the file. */
export interface DocText {
  /** All parts of the document, one after the other; positions in it are Word's. */
  text: string;
  pieces: Piece[];
}

/** A stretch of text that stands in one place of the file. */
export interface Piece {
  start: number;
  end: number;
  fileStart: number;
  /** One or two. */
  charBytes: number;
}

/** Codes of fields, hidden and deleted text stand in the file, too, and are no text in the end. */
const RAW_FACTOR = 4;
const MIN_CHARS = 100_000;
const IS_NARROW = 0x40000000;

/**
 * Puts the text together from its pieces.
 * @throws Unreadable when a piece lies outside the file, or they make much more text than the limit
 */
export function readDocText(file: DocFile, limits: TextLimits): DocText {
  const pieces = listPieces(tableRange(file, ranges.pieces));
  const stream = file.text;
  // Pieces may share a place in the file, so its size is no bound.
  if ((pieces.at(-1)?.end ?? 0) > limits.maxChars * RAW_FACTOR + MIN_CHARS) throw tooMuchText(limits);
  // A byte order mark would be swallowed otherwise, and every position behind it be wrong.
  const wide = new TextDecoder('utf-16le', { ignoreBOM: true });
  const narrow = new TextDecoder('windows-1252');
  const texts = pieces.map(({ start, end, fileStart, charBytes }) => {
    const size = (end - start) * charBytes;
    if (fileStart + size > stream.byteLength) throw damaged();
    const bytes = new Uint8Array(stream.buffer, stream.byteOffset + fileStart, size);
    return (charBytes === 2 ? wide : narrow).decode(bytes);
  });
  return { text: texts.join(''), pieces };
}

function listPieces(range: DataView): Piece[] {
  let at = 0;
  // Before the table of pieces stand changes to formatting that only Word's quick save makes.
  while (at + 3 <= range.byteLength && range.getUint8(at) === 1) at += 3 + range.getUint16(at + 1, true);
  if (at + 5 > range.byteLength || range.getUint8(at) !== 2) throw damaged();
  const count = Math.floor((range.getUint32(at + 1, true) - 4) / 12);
  const positions = at + 5;
  const entries = positions + (count + 1) * 4;
  if (count < 1 || entries + count * 8 > range.byteLength) throw damaged();
  const pieces: Piece[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = range.getUint32(positions + index * 4, true);
    const end = range.getUint32(positions + (index + 1) * 4, true);
    if (start !== (pieces.at(-1)?.end ?? 0) || end < start) throw damaged();
    const place = range.getUint32(entries + index * 8 + 2, true);
    const isNarrow = (place & IS_NARROW) !== 0;
    const fileStart = isNarrow ? Math.floor((place & ~IS_NARROW) / 2) : place;
    pieces.push({ start, end, fileStart, charBytes: isNarrow ? 1 : 2 });
  }
  return pieces;
}

/** Where a character stands in the file. */
export function toFilePosition(pieces: readonly Piece[], position: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle]!.start <= position) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  return piece ? piece.fileStart + (position - piece.start) * piece.charBytes : 0;
}

function damaged(): Unreadable {
  return new Unreadable('damaged', 'the places of its text are damaged');
}
