/**
 * The bounds of what begins with a prefix that ends in ':', for `column >= ? and column < ?`: a walk of an index over the
 * column, and, unlike LIKE, the same with any sign in the prefix. Text compares byte by byte.
 */
export function rangeOf(prefix: string): [start: string, end: string] {
  return [prefix, `${prefix.slice(0, -1)};`]; // the character after ':'
}
