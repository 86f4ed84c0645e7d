/**
 * What may be dialled, by bit arithmetic over IANA's special-purpose and address-space registries, with no knowledge of
 * the code under test.
 */

export interface Ip {
  isV6: boolean;
  value: bigint;
}

/** Base, and how many leading bits belong to the network. */
type Range = readonly [base: bigint, bits: number];

export const v4 = (a: number, b: number, c: number, d: number): bigint =>
  (BigInt(a) << 24n) | (BigInt(b) << 16n) | (BigInt(c) << 8n) | BigInt(d);

export const forbiddenV4: readonly Range[] = [
  [v4(0, 0, 0, 0), 8],
  [v4(10, 0, 0, 0), 8],
  [v4(100, 64, 0, 0), 10],
  [v4(127, 0, 0, 0), 8],
  [v4(168, 63, 129, 16), 32], // not IANA's: what a cloud's virtual machines call their host
  [v4(169, 254, 0, 0), 16],
  [v4(172, 16, 0, 0), 12],
  [v4(192, 0, 0, 0), 24],
  [v4(192, 0, 2, 0), 24],
  [v4(192, 31, 196, 0), 24],
  [v4(192, 52, 193, 0), 24],
  [v4(192, 88, 99, 0), 24],
  [v4(192, 168, 0, 0), 16],
  [v4(192, 175, 48, 0), 24],
  [v4(198, 18, 0, 0), 15],
  [v4(198, 51, 100, 0), 24],
  [v4(203, 0, 113, 0), 24],
  [v4(224, 0, 0, 0), 4],
  [v4(240, 0, 0, 0), 4],
];

/** A network whose first groups are given; the others are zero. */
const v6 = (...groups: number[]): bigint =>
  groups.reduce((sum, group, index) => sum | (BigInt(group) << BigInt(112 - 16 * index)), 0n);

/** Within 2000::/3; whatever lies outside of that is no public address. */
export const forbiddenV6: readonly Range[] = [
  [v6(0x2001), 23],
  [v6(0x2001, 0xdb8), 32],
  [v6(0x2002), 16],
  [v6(0x2620, 0x4f, 0x8000), 48],
  [v6(0x3fff), 20],
];

/** Prefixes of 96 bits before an IPv4 address, and others worth a look. */
export const mapped = 0xffffn << 32n;
export const nat64 = v6(0x64, 0xff9b);
export const oddV6: readonly Range[] = [
  [0n, 96],
  [mapped, 96],
  [0xffffn << 48n, 96],
  [nat64, 96],
  [v6(0x64, 0xff9b, 1), 48],
  [v6(0x100), 64],
  [v6(0x2001), 32],
  [v6(0x2001, 2), 48],
  [v6(0x2001, 0x20), 28],
  [v6(0x5f00), 16],
  [v6(0xfc00), 7],
  [v6(0xfe80), 10],
  [v6(0xfec0), 10],
  [v6(0xff00), 8],
  ...forbiddenV6,
];

const within = (value: bigint, width: number, [base, bits]: Range): boolean =>
  value >> BigInt(width - bits) === base >> BigInt(width - bits);

/** The address that is really dialled: an IPv4-mapped one is its IPv4 address. */
export function unmapped(ip: Ip): Ip {
  const isMapped = ip.isV6 && within(ip.value, 128, [mapped, 96]);
  return isMapped ? { isV6: false, value: ip.value & 0xffffffffn } : ip;
}

export function isForbidden(ip: Ip): boolean {
  const { isV6, value } = unmapped(ip);
  if (!isV6) return forbiddenV4.some((range) => within(value, 32, range));
  if (within(value, 128, [nat64, 96])) return isForbidden({ isV6: false, value: value & 0xffffffffn });
  return value >> 125n !== 1n || forbiddenV6.some((range) => within(value, 128, range));
}

/** Reads what was dialled: dotted decimal, or IPv6 with at most one run of zeros left out. */
export function readIp(text: string): Ip {
  if (!text.includes(':')) {
    const [a, b, c, d] = text.split('.').map(Number);
    return { isV6: false, value: v4(a!, b!, c!, d!) };
  }
  const [before = '', after] = text.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return { isV6: true, value: v6(...groups.map((group) => Number.parseInt(group, 16))) };
}
