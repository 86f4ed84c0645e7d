/**
 * How many times what is free one account may hold (as switches share a buffer between their ports). Alone it gets four
 * fifths of all, two get four ninths each, and so on: something is left for one more, however many there are.
 */
const weight = 4;

/** Whether one who holds `own` may have one more, while `free` is held by nobody. The last goes to who has none. */
export function mayHave(own: number, free: number): boolean {
  return own === 0 ? free > 0 : free > 1 && own < weight * free;
}

/** How many more one who holds `own` may have, at most `limit`. */
export function countAllowed(own: number, free: number, limit: number): number {
  let more = 0;
  while (more < limit && mayHave(own + more, free - more)) more++;
  return more;
}
