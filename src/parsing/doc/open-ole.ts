import { Unreadable } from '../block.ts';

/** The compound file that programs before 2007 kept their documents in: a small file system of sectors. */
export interface OleFile {
  bytes: Uint8Array;
  sectorBytes: number;
  /** The next sector of each sector. */
  next: Uint32Array;
  /** The same for the small sectors that stand inside `miniStream`. */
  miniNext: Uint32Array;
  miniStream: Uint8Array;
  /** The streams at its top, by name in small letters; not those of documents embedded in it. */
  streams: Map<string, { start: number; sizeBytes: number }>;
}

const MAGIC = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const HEADER_BYTES = 512;
const ENTRY_BYTES = 128;
const MINI_SECTOR_BYTES = 64;
/** Smaller streams stand in the small sectors. */
const MINI_STREAM_BYTES = 4096;
/** Higher numbers are marks: free, end of chain, part of a table. */
const LAST_SECTOR = 0xfffffff9;
const NO_ENTRY = 0xffffffff;
const STREAM = 2;

export function isOle(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}

/**
 * Opens a compound file. Every chain is followed at most once around, so time and memory are linear in the file's size.
 * @throws Unreadable when it is cut off or its tables are damaged
 */
export function openOle(bytes: Uint8Array): OleFile {
  if (!isOle(bytes) || bytes.length < HEADER_BYTES) throw damaged();
  const view = viewOf(bytes);
  const shift = view.getUint16(30, true);
  if ((shift !== 9 && shift !== 12) || view.getUint16(32, true) !== 6) throw damaged();
  const file: OleFile = {
    bytes,
    sectorBytes: 1 << shift,
    next: new Uint32Array(),
    miniNext: new Uint32Array(),
    miniStream: new Uint8Array(),
    streams: new Map(),
  };
  file.next = readTable(file, listTableSectors(file, view));
  const directory = readChain(file, view.getUint32(48, true));
  if (directory.length < ENTRY_BYTES) throw damaged();
  file.miniNext = toTable(readChain(file, view.getUint32(60, true)));
  file.miniStream = readChain(file, viewOf(directory).getUint32(116, true));
  listStreams(file, directory);
  return file;
}

/**
 * The bytes of a stream; undefined when there is none of that name.
 * @throws Unreadable when it is cut off or damaged
 */
export function readStream(file: OleFile, name: string): Uint8Array | undefined {
  const stream = file.streams.get(name.toLowerCase());
  if (!stream) return undefined;
  const { start, sizeBytes } = stream;
  const isMini = sizeBytes < MINI_STREAM_BYTES;
  const bytes = isMini ? readMiniChain(file, start, sizeBytes) : readChain(file, start, sizeBytes);
  if (bytes.length < sizeBytes) throw damaged();
  return bytes.subarray(0, sizeBytes);
}

/** The sectors that hold the table of sectors: the first 109 are named in the header, the others in a chain. */
function listTableSectors(file: OleFile, view: DataView): number[] {
  const sectors: number[] = [];
  for (let at = 76; at < HEADER_BYTES; at += 4) sectors.push(view.getUint32(at, true));
  const most = file.bytes.length / file.sectorBytes;
  let more = view.getUint32(68, true);
  for (let count = 0; more <= LAST_SECTOR && view.getUint32(72, true) > count; count += 1) {
    if (count > most) throw damaged();
    const links = toTable(readSector(file, more));
    sectors.push(...links.subarray(0, -1));
    more = links.at(-1)!;
  }
  return sectors.filter((sector) => sector <= LAST_SECTOR);
}

function readTable(file: OleFile, sectors: number[]): Uint32Array {
  if (sectors.length * file.sectorBytes > file.bytes.length) throw damaged();
  const table = new Uint8Array(sectors.length * file.sectorBytes);
  for (const [index, sector] of sectors.entries()) table.set(readSector(file, sector), index * file.sectorBytes);
  return toTable(table);
}

function readChain(file: OleFile, start: number, sizeBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const sectors = followChain(
    file.next,
    start,
    Math.ceil(sizeBytes / file.sectorBytes),
    file.bytes.length / file.sectorBytes,
  );
  const bytes = new Uint8Array(sectors.length * file.sectorBytes);
  for (const [index, sector] of sectors.entries()) bytes.set(readSector(file, sector), index * file.sectorBytes);
  return bytes;
}

function readMiniChain(file: OleFile, start: number, sizeBytes: number): Uint8Array {
  const sectors = followChain(
    file.miniNext,
    start,
    Math.ceil(sizeBytes / MINI_SECTOR_BYTES),
    file.miniStream.length / MINI_SECTOR_BYTES,
  );
  const bytes = new Uint8Array(sectors.length * MINI_SECTOR_BYTES);
  for (const [index, sector] of sectors.entries()) {
    const from = sector * MINI_SECTOR_BYTES;
    bytes.set(file.miniStream.subarray(from, from + MINI_SECTOR_BYTES), index * MINI_SECTOR_BYTES);
  }
  return bytes;
}

/** The numbers of a chain's sectors: each is there, and is there once, so that they hold no more than the file does. */
function followChain(next: Uint32Array, start: number, most: number, existing: number): number[] {
  const sectors: number[] = [];
  const seen = new Uint8Array(Math.min(next.length, Math.ceil(existing)));
  for (let sector = start; sector <= LAST_SECTOR && sectors.length < most; sector = next[sector]!) {
    if (sector >= seen.length || seen[sector] === 1) throw damaged();
    seen[sector] = 1;
    sectors.push(sector);
  }
  return sectors;
}

/** One sector; the last of a file may be short. */
function readSector(file: OleFile, sector: number): Uint8Array {
  const start = (sector + 1) * file.sectorBytes;
  if (start >= file.bytes.length) throw damaged();
  return file.bytes.subarray(start, start + file.sectorBytes);
}

/** The directory is a tree, in which each entry names two neighbours. One that is reached twice makes it none. */
function listStreams(file: OleFile, directory: Uint8Array): void {
  const view = viewOf(directory);
  const count = Math.floor(directory.length / ENTRY_BYTES);
  const seen = new Uint8Array(count);
  const waiting = [view.getUint32(76, true)];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id === NO_ENTRY) continue;
    if (id >= count || seen[id] === 1) throw damaged();
    seen[id] = 1;
    const at = id * ENTRY_BYTES;
    const nameBytes = Math.min(64, Math.max(2, view.getUint16(at + 64, true))) - 2;
    const name = new TextDecoder('utf-16le').decode(directory.subarray(at, at + nameBytes));
    if (view.getUint8(at + 66) === STREAM) {
      file.streams.set(name.toLowerCase(), {
        start: view.getUint32(at + 116, true),
        sizeBytes: view.getUint32(at + 120, true),
      });
    }
    waiting.push(view.getUint32(at + 68, true), view.getUint32(at + 72, true));
  }
}

function toTable(bytes: Uint8Array): Uint32Array {
  const view = viewOf(bytes);
  return Uint32Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => view.getUint32(index * 4, true));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(): Unreadable {
  return new Unreadable('damaged', 'the file is cut off or its directory is damaged');
}
