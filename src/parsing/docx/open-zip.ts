import { inflateRawSync } from 'node:zlib';
import { Unreadable } from '../block.ts';

/** One file in a ZIP archive, as the archive's own directory has it: none of it is to be believed. */
export interface ZipEntry {
  name: string;
  method: number;
  isEncrypted: boolean;
  packedBytes: number;
  /** Where its local header stands. */
  offset: number;
}

/** What unpacking may take: bytes that really come out, whatever the archive declares. */
export interface ZipLimits {
  maxPartBytes: number;
  maxTotalBytes: number;
}

const MAX_ENTRIES = 10_000;
const MAX_COMMENT_BYTES = 65_535;
const END_BYTES = 22;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const STORED = 0;
const DEFLATED = 8;

/**
 * The entries of a ZIP archive by name; of several with one name the first. Nothing is unpacked.
 * @throws Unreadable when the archive has no whole directory, or more than 10,000 entries
 */
export function listZip(bytes: Uint8Array): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  if (count > MAX_ENTRIES) throw new Unreadable('damaged', `it holds more than ${MAX_ENTRIES} files`);
  // The directory stands right before its end record; what it says of its place is wrong once something is put before.
  const start = end - size;
  const shift = start - view.getUint32(end + 16, true);
  if (start < 0) throw cutOff();
  const entries = new Map<string, ZipEntry>();
  let at = start;
  for (let index = 0; index < count; index += 1) {
    if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== 0x02014b50) throw cutOff();
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + CENTRAL_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw cutOff();
    const name = Buffer.from(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)).toString('utf8');
    const entry = {
      name,
      method: view.getUint16(at + 10, true),
      isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
      packedBytes: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true) + shift,
    };
    if (!entries.has(name)) entries.set(name, entry);
    at = next;
  }
  return entries;
}

/**
 * Unpacks the named entries that exist, in memory alone.
 * @throws Unreadable when one is damaged or encrypted, or more comes out than the limits allow
 */
export function unzipParts(
  bytes: Uint8Array,
  entries: Map<string, ZipEntry>,
  names: Iterable<string>,
  limits: ZipLimits,
): Map<string, Uint8Array> {
  const parts = new Map<string, Uint8Array>();
  let leftBytes = limits.maxTotalBytes;
  for (const name of names) {
    const entry = entries.get(name);
    if (!entry || parts.has(name)) continue;
    const maxBytes = Math.min(leftBytes, limits.maxPartBytes);
    const part = unpack(bytes, entry, maxBytes, limits);
    leftBytes -= part.length;
    parts.set(name, part);
  }
  return parts;
}

function unpack(bytes: Uint8Array, entry: ZipEntry, maxBytes: number, limits: ZipLimits): Uint8Array {
  if (entry.isEncrypted) throw new Unreadable('damaged', 'the document is encrypted and needs a password');
  const { offset, packedBytes } = entry;
  if (offset < 0 || offset + LOCAL_BYTES > bytes.length) throw cutOff();
  const head = new DataView(bytes.buffer, bytes.byteOffset + offset, LOCAL_BYTES);
  const start = offset + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
  if (head.getUint32(0, true) !== 0x04034b50 || start + packedBytes > bytes.length) throw cutOff();
  const packed = bytes.subarray(start, start + packedBytes);
  if (entry.method === DEFLATED) return inflate(packed, maxBytes, limits);
  if (entry.method !== STORED) throw new Unreadable('damaged', 'it is packed in a way that is not read');
  if (packedBytes > maxBytes) throw tooMuch(maxBytes, limits);
  return packed;
}

/** zlib stops at the limit, so neither a declared size nor what the data turns into can take more than that. */
function inflate(packed: Uint8Array, maxBytes: number, limits: ZipLimits): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooMuch(maxBytes, limits);
    throw new Unreadable('damaged', 'a part of it cannot be unpacked', { cause: error });
  }
}

function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT_BYTES);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at -= 1) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  throw cutOff();
}

function cutOff(): Unreadable {
  return new Unreadable('damaged', 'the file is cut off or its directory is damaged');
}

function tooMuch(maxBytes: number, limits: ZipLimits): Unreadable {
  const limit = maxBytes < limits.maxPartBytes ? limits.maxTotalBytes : limits.maxPartBytes;
  return new Unreadable('damaged', `it unpacks to more than ${Math.round(limit / (1 << 20))} MB`);
}
