import { isUtf8 } from 'node:buffer';
import { scoreDecoding } from './score-decoding.ts';

/** How much is decoded on trial; what comes later is seldom in another encoding. */
const SAMPLE_BYTES = 65_536;
/** A line is looked at from its first byte that is not ASCII, at most this far. */
const WINDOW_BYTES = 512;
/** Of 16-bit ASCII every second byte is NUL; NULs strewn into a text by accident are fewer, and on both sides. */
const UTF16_NUL_SHARE = 0.3;
/** What only a right decoding reaches. */
const CLEAR_SCORE = 0.6;
/** What a wrong one stays below. */
const MIN_SCORE = 0.15;
const MOST_ASCII = 0.7;
const CONTROLS = /[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]/;
/** The encodings that a text which is not Unicode may be in; a Latin one takes any bytes at all. */
const WIDE = ['utf-16le', 'utf-16be'];
const LEGACY = ['gb18030', 'big5', 'windows-1252'];

/**
 * The text of a file, without byte order mark and NUL characters. A byte order mark decides, then `hint` (an encoding
 * label from inside the file) if the bytes bear it out, then the bytes alone: UTF-8, UTF-16, GB18030, Big5, and as the
 * last resort Windows-1252. Broken characters become U+FFFD. Takes any bytes, in linear time.
 */
export function decodeText(bytes: Uint8Array, hint?: string): string {
  return new TextDecoder(findEncoding(bytes, hint)).decode(bytes).replaceAll('\0', '');
}

/** The encoding that `decodeText` reads the bytes in. */
export function findEncoding(bytes: Uint8Array, hint?: string): string {
  return readMark(bytes) ?? bearOut(bytes, hint) ?? detectEncoding(bytes);
}

/** Whether an encoding that had to be guessed gives nonsense: most is no ASCII, and hardly anything of that is text. */
export function isBadGuess(bytes: Uint8Array, encoding: string): boolean {
  if (readMark(bytes) !== undefined || encoding === 'utf-8') return false;
  const sample = encoding.startsWith('utf-16') ? bytes.subarray(0, SAMPLE_BYTES) : takeSample(bytes);
  let ascii = 0;
  const text = new TextDecoder(encoding).decode(sample);
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 0x80) ascii += 1;
  return ascii < text.length * MOST_ASCII && scoreDecoding(sample, encoding) < MIN_SCORE;
}

/** The encoding that a byte order mark names. */
function readMark(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

/** The encoding that a label inside the file means, unless the bytes speak clearly against it. */
function bearOut(bytes: Uint8Array, hint: string | undefined): string | undefined {
  const encoding = hint === undefined ? undefined : readLabel(hint);
  if (encoding === undefined) return undefined;
  if (encoding === 'utf-8') return looksUtf8(bytes) ? encoding : undefined;
  // A label that can be read as ASCII is not written in UTF-16, whatever it says.
  if (encoding.startsWith('utf-16')) return undefined;
  const sample = takeSample(bytes);
  const broken = new TextDecoder(encoding).decode(sample).split('\ufffd').length - 1;
  return broken * 50 <= sample.length && !(broken > 0 && looksUtf8(bytes)) ? encoding : undefined;
}

function readLabel(label: string): string | undefined {
  try {
    const { encoding } = new TextDecoder(label);
    // GB18030 holds all of GBK and GB2312, which are often named where it is meant.
    return encoding === 'gbk' ? 'gb18030' : encoding;
  } catch {
    return undefined;
  }
}

function detectEncoding(bytes: Uint8Array): string {
  const wide = findWideAscii(bytes);
  if (wide) return wide;
  const start = bytes.subarray(0, SAMPLE_BYTES);
  const candidates = WIDE.map((encoding) => ({ encoding, score: scoreDecoding(start, encoding) }));
  if (looksUtf8(bytes)) {
    // A few characters of UTF-16 may by chance be ASCII, but hardly without control characters.
    const clear = CONTROLS.test(Buffer.from(start).toString('latin1')) ? candidates : [];
    return clear.find(({ score }) => score >= CLEAR_SCORE)?.encoding ?? 'utf-8';
  }
  const sample = takeSample(bytes);
  for (const encoding of LEGACY) candidates.push({ encoding, score: scoreDecoding(sample, encoding) });
  return candidates.reduce((best, candidate) => (candidate.score > best.score ? candidate : best)).encoding;
}

/** UTF-16 without a mark of a text that is mostly ASCII. */
function findWideAscii(bytes: Uint8Array): string | undefined {
  const nuls = [0, 0];
  const end = Math.min(bytes.length, SAMPLE_BYTES);
  for (let at = 0; at < end; at += 1) if (bytes[at] === 0) nuls[at % 2]! += 1;
  const [even, odd] = nuls as [number, number];
  const enough = (end / 2) * UTF16_NUL_SHARE;
  if (odd > enough && even * 10 < odd) return 'utf-16le';
  return even > enough && odd * 10 < even ? 'utf-16be' : undefined;
}

/** Whether it is UTF-8, but for a few broken characters and one cut off at either end. */
function looksUtf8(bytes: Uint8Array): boolean {
  if (isUtf8(bytes)) return true;
  let whole = 0;
  let broken = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes[at]!);
    let next = at + 1;
    while (next < at + length && (bytes[next]! & 0xc0) === 0x80) next += 1;
    const isCut = (at < 3 && length === 0) || (length > 0 && next === bytes.length);
    if (length > 1 && next === at + length) whole += length - 1;
    else if (length !== 1 && !isCut) broken += 1;
    at = next;
  }
  return whole > broken * 4;
}

/** How many bytes a character takes that begins with this one; 0: none begins so. */
function lengthOf(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** The stretches that are not ASCII, from wherever in the text they stand; each begins at a character. */
function takeSample(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let length = 0;
  for (let at = 0; at < bytes.length && length < SAMPLE_BYTES; at += 1) {
    if (bytes[at]! < 0x80) continue;
    let end = at;
    // A byte below '0' is no part of a longer character in any of the encodings tried.
    while (end < bytes.length && !(bytes[end]! < 0x30 && (bytes[end] === 0x0a || end - at > WINDOW_BYTES))) end += 1;
    // With the character before, which says whether an accented letter stands in a word.
    const from = at > 0 && bytes[at - 1]! < 0x80 ? at - 1 : at;
    const piece = bytes.subarray(from, Math.min(end + 1, from + SAMPLE_BYTES - length));
    sample.set(piece, length);
    length += piece.length;
    at = end;
  }
  return sample.subarray(0, length);
}
