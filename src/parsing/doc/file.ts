import { Unreadable } from '../block.ts';
import { openOle, readStream, viewOf } from './open-ole.ts';

/** A Word document of 1997 to 2003: its two streams, and where things stand in them. */
export interface DocFile {
  /** The text, and the pages of formatting, by file position. */
  text: DataView;
  /** The tables that say how the text is put together. */
  table: DataView;
  /** How many characters each part of the document has; they follow each other in this order. */
  lengths: { body: number; footnotes: number; headers: number; comments: number; endnotes: number; boxes: number };
}

/** Which structure a range of the table stream is; the numbers are its places in the file's list of ranges. */
export const ranges = {
  styles: 1,
  footnoteReferences: 2,
  footnoteTexts: 3,
  characterPages: 12,
  paragraphPages: 13,
  pieces: 33,
  endnoteReferences: 46,
  endnoteTexts: 47,
  lists: 73,
  listOverrides: 74,
} as const;

const MAGIC = 0xa5ec;
const RANGES_AT = 0x9a;
/** The version that Word 97 writes, less one that some of its copies do. */
const WORD_97 = 0xc0;
const IS_ENCRYPTED = 0x0100;
const USES_TABLE_1 = 0x0200;

/**
 * Opens a Word document.
 * @throws Unreadable when it is encrypted, older than Word 97 or damaged
 */
export function openDoc(bytes: Uint8Array): DocFile {
  const ole = openOle(bytes);
  const stream = readStream(ole, 'WordDocument');
  if (!stream || stream.length < 32) throw new Unreadable('damaged', 'the document is missing in the file');
  const text = viewOf(stream);
  if (text.getUint16(2, true) < WORD_97) throw new Unreadable('damaged', 'it is of a Word version before 97');
  if (text.getUint16(0, true) !== MAGIC) throw new Unreadable('damaged', 'it is no Word document');
  const flags = text.getUint16(10, true);
  if ((flags & IS_ENCRYPTED) !== 0) {
    throw new Unreadable('damaged', 'the document is encrypted and needs a password');
  }
  const table = readStream(ole, (flags & USES_TABLE_1) !== 0 ? '1Table' : '0Table');
  if (!table) throw new Unreadable('damaged', 'a part of the document is missing in the file');
  const lengthAt = (at: number): number => Math.max(0, text.getInt32(at, true));
  const lengths = {
    body: lengthAt(0x4c),
    footnotes: lengthAt(0x50),
    headers: lengthAt(0x54) + lengthAt(0x58),
    comments: lengthAt(0x5c),
    endnotes: lengthAt(0x60),
    boxes: lengthAt(0x64),
  };
  return { text, table: viewOf(table), lengths };
}

/** One of the structures in the table stream; empty where the document has none, or it lies outside. */
export function tableRange({ text, table }: DocFile, range: number): DataView {
  const at = RANGES_AT + range * 8;
  const none = new DataView(table.buffer, table.byteOffset, 0);
  if (at + 8 > text.byteLength) return none;
  const start = text.getUint32(at, true);
  const size = text.getUint32(at + 4, true);
  return start + size <= table.byteLength ? new DataView(table.buffer, table.byteOffset + start, size) : none;
}

/** The positions that a list in the table stream begins with, followed by an entry of `entryBytes` for each but the last. */
export function readPositions(range: DataView, entryBytes: number): number[] {
  const count = Math.floor((range.byteLength - 4) / (4 + entryBytes));
  return count < 1 ? [] : Array.from({ length: count + 1 }, (_, index) => range.getUint32(index * 4, true));
}
