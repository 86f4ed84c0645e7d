/** Addresses of every kind, in every spelling that a URL may have for them. */
import fc from 'fast-check';
import { forbiddenV4, forbiddenV6, type Ip, mapped, nat64, oddV6 } from './oracle.ts';

const uint32 = fc.bigInt({ min: 0n, max: 0xffffffffn });

/** Any address within a network, and often the first or last, or the one beside them. */
const near = (width: number, ranges: readonly (readonly [bigint, number])[]): fc.Arbitrary<bigint> => {
  const all = (1n << BigInt(width)) - 1n;
  return fc.constantFrom(...ranges).chain(([base, bits]) => {
    const size = 1n << BigInt(width - bits);
    return fc
      .oneof(fc.constantFrom(0n, size - 1n, -1n, size), fc.bigInt({ min: 0n, max: size - 1n }))
      .map((offset) => (base + offset) & all);
  });
};

const ipv4 = fc.oneof(uint32, near(32, forbiddenV4));

const ipv6 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  fc.bigInt({ min: 1n << 125n, max: (1n << 126n) - 1n }), // 2000::/3
  near(128, [...oddV6, ...forbiddenV6]),
  ipv4.chain((inner) =>
    fc.constantFrom(
      inner, // IPv4-compatible
      mapped | inner,
      (0xffffn << 48n) | inner, // translated
      nat64 | inner,
      (0x2002n << 112n) | (inner << 80n) | 1n, // 6to4
      (0x20010000n << 96n) | (inner << 64n) | 7n, // Teredo's server
      (0x20010000n << 96n) | (inner ^ 0xffffffffn), // Teredo's client
    ),
  ),
);

export const anyIp: fc.Arbitrary<Ip> = fc.oneof(
  ipv4.map((value) => ({ isV6: false, value })),
  ipv6.map((value) => ({ isV6: true, value })),
);

/** One form of a number: decimal, octal or hexadecimal, with zeros before it. */
const spellNumber = (value: bigint): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('', '0', '00000'), fc.boolean()).chain(([zeros, isUpper]) => {
    const hex = value.toString(16);
    return fc.constantFrom(
      value.toString(),
      `0${zeros}${value.toString(8)}`,
      `${isUpper ? '0X' : '0x'}${zeros}${isUpper ? hex.toUpperCase() : hex}`,
    );
  });

/** Full-width characters and per cent signs, which a URL folds into plain ones. */
const disguise = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.nat({ max: 9 }), { minLength: text.length, maxLength: text.length }).map((choices) =>
    [...text]
      .map((char, index) => {
        if (choices[index] === 0) return char === '.' ? '。' : String.fromCodePoint(char.charCodeAt(0) + 0xfee0);
        return choices[index] === 1 ? `%${char.charCodeAt(0).toString(16)}` : char;
      })
      .join(''),
  );

function spellV4(value: bigint): fc.Arbitrary<string> {
  const byte = (index: number) => (value >> BigInt(24 - 8 * index)) & 0xffn;
  return fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom('', '.'))
    .chain(([parts, end]) => {
      const rest = value & ((1n << BigInt(8 * (5 - parts))) - 1n);
      const numbers = Array.from({ length: parts }, (_, index) => (index === parts - 1 ? rest : byte(index)));
      return fc.tuple(...numbers.map(spellNumber)).map((spelt) => spelt.join('.') + end);
    })
    .chain((text) => fc.oneof(fc.constant(text), disguise(text)));
}

function spellV6(value: bigint): fc.Arbitrary<string> {
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const dotted = [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.');
  return fc
    .record({ pad: fc.boolean(), upper: fc.boolean(), tail: fc.boolean(), from: fc.nat(7), length: fc.nat(8) })
    .map(({ pad, upper, tail, from, length }) => {
      const spelt = groups.map((group) => group.toString(16).padStart(pad ? 4 : 1, '0'));
      const parts = tail ? [...spelt.slice(0, 6), dotted] : spelt;
      const numbers = tail ? groups.slice(0, 6) : groups;
      const run = numbers.slice(from, from + length);
      const canShorten = run.length > 0 && run.every((group) => group === 0);
      const text = canShorten
        ? `${parts.slice(0, from).join(':')}::${parts.slice(from + run.length).join(':')}`
        : parts.join(':');
      return `[${upper ? text.toUpperCase() : text}]`;
    });
}

/** An address and a host for a URL that means it. */
export const anySpelling: fc.Arbitrary<{ ip: Ip; host: string }> = anyIp.chain((ip) =>
  (ip.isV6 ? spellV6(ip.value) : spellV4(ip.value)).map((host) => ({ ip, host })),
);
