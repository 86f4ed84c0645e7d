/** Writes compound files as Word before 2007 had them, as small as they can be. */

const SECTOR_BYTES = 512;
const END = 0xfffffffe;
const FREE = 0xffffffff;
const TABLE = 0xfffffffd;

/** A file with these streams at its top; each takes at least 4,096 bytes, so that there are no small sectors. */
export function writeOle(streams: Record<string, Uint8Array>): Buffer {
  const contents = Object.entries(streams).map(([name, bytes]) => ({
    name,
    bytes: Buffer.concat([bytes, Buffer.alloc(Math.max(0, 4096 - bytes.length))]),
  }));
  const directory = Buffer.alloc(Math.ceil((contents.length + 1) / 4) * SECTOR_BYTES);
  const parts = [directory, ...contents.map(({ bytes }) => bytes)];
  const sectors = parts.map((part) => Math.ceil(part.length / SECTOR_BYTES));
  const count = sectors.reduce((sum, each) => sum + each, 0);
  const tables = Math.ceil(count / (SECTOR_BYTES / 4 - 1));
  const table = Buffer.alloc(tables * SECTOR_BYTES, 0xff);
  for (let at = 0; at < tables; at += 1) table.writeUInt32LE(TABLE, at * 4);
  const starts: number[] = [];
  let next = tables;
  for (const length of sectors) {
    starts.push(next);
    for (let at = 0; at < length; at += 1, next += 1) table.writeUInt32LE(at === length - 1 ? END : next + 1, next * 4);
  }
  writeEntry(directory, 0, 'Root Entry', { type: 5, child: contents.length > 0 ? 1 : FREE, right: FREE });
  for (const [index, { name, bytes }] of contents.entries()) {
    const right = index + 2 <= contents.length ? index + 2 : FREE;
    writeEntry(directory, index + 1, name, {
      type: 2,
      child: FREE,
      right,
      start: starts[index + 1]!,
      size: bytes.length,
    });
  }
  const padded = parts.map((part, index) =>
    Buffer.concat([part, Buffer.alloc(sectors[index]! * SECTOR_BYTES - part.length)]),
  );
  return Buffer.concat([writeHeader(tables, starts[0]!), table, ...padded]);
}

function writeHeader(tables: number, directory: number): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES, 0xff);
  header.fill(0, 8, 76);
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(header);
  header.writeUInt16LE(0x3e, 24);
  header.writeUInt16LE(3, 26);
  header.writeUInt16LE(0xfffe, 28);
  header.writeUInt16LE(9, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(tables, 44);
  header.writeUInt32LE(directory, 48);
  header.writeUInt32LE(4096, 56);
  header.writeUInt32LE(END, 60);
  header.writeUInt32LE(END, 68);
  for (let at = 0; at < tables; at += 1) header.writeUInt32LE(at, 76 + at * 4);
  return header;
}

interface Entry {
  type: number;
  child: number;
  right: number;
  start?: number;
  size?: number;
}

/** Each entry has the next as its right neighbour. */
function writeEntry(directory: Buffer, index: number, name: string, entry: Entry): void {
  const at = index * 128;
  directory.write(name, at, 'utf16le');
  directory.writeUInt16LE((name.length + 1) * 2, at + 64);
  directory.writeUInt8(entry.type, at + 66);
  directory.writeUInt8(1, at + 67);
  directory.writeUInt32LE(FREE, at + 68);
  directory.writeUInt32LE(entry.right, at + 72);
  directory.writeUInt32LE(entry.child, at + 76);
  directory.writeUInt32LE(entry.start ?? END, at + 116);
  directory.writeUInt32LE(entry.size ?? 0, at + 120);
}

/** A stretch of a Word document's text: in UTF-16, or narrow in Windows-1252. */
export interface DocPiece {
  text: string;
  isNarrow?: boolean;
}

/** A Word 97 document of this text, without any formatting. `flags` and `version` are those of its head. */
export function writeDoc(pieces: readonly DocPiece[], { flags = 0, version = 0xc1, magic = 0xa5ec } = {}): Buffer {
  const textAt = 0x400;
  const texts = pieces.map(({ text, isNarrow }) => Buffer.from(text, isNarrow ? 'latin1' : 'utf16le'));
  const head = Buffer.alloc(textAt);
  head.writeUInt16LE(magic, 0);
  head.writeUInt16LE(version, 2);
  head.writeUInt16LE(flags | 0x0200, 10);
  head.writeUInt32LE(
    pieces.reduce((sum, { text }) => sum + text.length, 0),
    0x4c,
  );
  const list = Buffer.alloc(5 + (pieces.length + 1) * 4 + pieces.length * 8);
  list.writeUInt8(2, 0);
  list.writeUInt32LE(list.length - 5, 1);
  let position = 0;
  let place = textAt;
  for (const [index, { text, isNarrow }] of pieces.entries()) {
    position += text.length;
    list.writeUInt32LE(position, 5 + (index + 1) * 4);
    list.writeUInt32LE(isNarrow ? place * 2 + 0x40000000 : place, 5 + (pieces.length + 1) * 4 + index * 8 + 2);
    place += texts[index]!.length;
  }
  head.writeUInt32LE(0, 0x1a2);
  head.writeUInt32LE(list.length, 0x1a6);
  return writeOle({ WordDocument: Buffer.concat([head, ...texts]), '1Table': list });
}
