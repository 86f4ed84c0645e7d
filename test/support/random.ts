/** Chance that can be had again: the same seed gives the same choices. */
export interface Random {
  seed: number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(list: readonly T[]): T;
  /** True so often: from 0 (never) to 1 (always). */
  chance(share: number): boolean;
}

/** TEST_SEED, or a new seed. The test should print it. */
export function createRandom(seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))): Random {
  let state = seed;
  /** mulberry32, by Tommy Ettinger, in the public domain. */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number) => Math.floor(next() * end);
  return { seed, below, pick: (list) => list[below(list.length)]!, chance: (share) => next() < share };
}
