/**
 * How an index is stored. A row of index_block holds postings of 8,192 passages in a row (a block of ordinals), in the
 * order in which they came. A single character has rows of its own, with postings of 3 bytes. All other tokens, most of
 * them rare, share 16,384 rows for each block, in which each posting has the token's tag before it, 3 bytes more: with a
 * row for each token and block, the database's overhead would be several times the postings.
 */

/** Ordinals in a block. */
export const blockOrdinals = 1 << 13;
/** Rows that tokens share; their numbers are below, those of single characters from here on. */
export const sharedRows = 1 << 14;

export const tagBytes = 3;
export const postingBytes = 3;

const tags = 1 << (8 * tagBytes);

/** The row that holds a term's postings. */
export function rowOf(term: number): number {
  return Math.floor(term / tags);
}

/** What its postings are told by, in a row that is shared. */
export function tagOf(term: number): number {
  return term % tags;
}

export function isShared(row: number): boolean {
  return row < sharedRows;
}

/**
 * The number that stands for a token in the index: its row and its tag. A single character's is made of the character;
 * those of others are 38 bits of cyrb53 (by bryc, public domain): two lanes of multiply and exclusive-or over the UTF-16
 * units, mixed as MurmurHash3 mixes at its end. In a base with a million terms, one in a quarter of a million shares its
 * number with another; that costs a place in a ranking. Whoever makes up such words on purpose spoils the order of their
 * own base, no more: what is shown is the passage's text.
 */
export function termOf(token: string): number {
  const character = token.codePointAt(0) ?? 0;
  if (token.length === (character > 0xffff ? 2 : 1)) return (sharedRows + character) * tags;
  let low = 0x41c6ce57;
  let high = 0xdeadbeef;
  for (let at = 0; at < token.length; at++) {
    const unit = token.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (high & (sharedRows - 1)) * tags + ((low >>> 0) % tags);
}

/** Of a posting's 24 bits, 13 are the ordinal in its block, 4 a code of the frequency and 7 one of the length. */
const lengthBits = 7;
const impactBits = 4 + lengthBits;
/** So many pairs of frequency and length are told apart. */
export const impacts = 1 << impactBits;

export function packPosting(ordinal: number, frequency: number, tokens: number): number {
  const code = (codeOfFrequency(frequency) << lengthBits) | codeOfLength(tokens);
  return ((ordinal % blockOrdinals) << impactBits) | code;
}

/** Its ordinal within the block. */
export function ordinalOf(posting: number): number {
  return posting >>> impactBits;
}

/** Its frequency and length, as one number below `impacts`. */
export function impactOf(posting: number): number {
  return posting & (impacts - 1);
}

/**
 * The frequencies and the lengths that can be told apart, least first: impact i is that of frequency i div 128 and length
 * i mod 128. BM25 flattens out: beyond ten a frequency need not be exact. Lengths are kept to 1/8 of a doubling, 5 % up or
 * down, to 60,000 tokens.
 */
export const frequencies = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 40, 80];
export const lengths = Array.from({ length: 1 << lengthBits }, (_, code) => 2 ** (code / 8) - 1);

function codeOfFrequency(frequency: number): number {
  return frequencies.findLastIndex((least) => least <= frequency);
}

function codeOfLength(tokens: number): number {
  return Math.min(lengths.length - 1, Math.round(8 * Math.log2(1 + tokens)));
}

/** Writes a row's postings: of a shared row (tag, posting, tag, posting …), of another (posting, posting …). */
export function encodeRow(numbers: readonly number[]): Buffer {
  const data = Buffer.allocUnsafe(3 * numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!;
    data[3 * at] = number;
    data[3 * at + 1] = number >>> 8;
    data[3 * at + 2] = number >>> 16;
  }
  return data;
}

/** How many postings a row of a single character holds. */
export function countRow(bytes: number): number {
  return Math.floor(bytes / postingBytes);
}

/** A single character's postings; what was cut off is left out. */
export function decodePlain(data: Uint8Array): Uint32Array {
  const postings = new Uint32Array(countRow(data.length));
  for (let at = 0; at < postings.length; at++) postings[at] = read3(data, 3 * at);
  return postings;
}

/** A tag's postings in a shared row. */
export function decodeTagged(data: Uint8Array, tag: number): Uint32Array {
  const postings: number[] = [];
  const low = tag & 0xff;
  for (let at = 0; at + 5 < data.length; at += tagBytes + postingBytes) {
    if (data[at] === low && read3(data, at) === tag) postings.push(read3(data, at + tagBytes));
  }
  return Uint32Array.from(postings);
}

function read3(data: Uint8Array, at: number): number {
  return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
}
