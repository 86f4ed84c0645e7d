/** Takes a text unit by unit, in pieces. Gives the number of the first pattern that is found, by where it ends. */
export type Scan = (units: Uint16Array) => number | undefined;

/**
 * Looks for all patterns at once (Aho and Corasick, 1975): each unit of a text costs about the same, however many
 * patterns there are. Each call of what is returned starts a scan. No pattern is empty.
 *
 * The patterns are a tree whose nodes are numbered level by level, so that the children of a node stand side by side,
 * sorted: a node takes 14 bytes.
 */
export function createFinder(patterns: readonly string[]): () => Scan {
  const { count, units, first, found } = buildTree(patterns);
  /** The node of the longest proper end of what leads to a node that is the beginning of a pattern. */
  const fallback = new Int32Array(count);
  const roots = new Int32Array(0x1_0000);
  for (let child = first[0]!; child < first[1]!; child++) roots[units[child]!] = child;

  const childOf = (node: number, unit: number): number => {
    if (node === 0) return roots[unit]!;
    let low = first[node]!;
    let high = first[node + 1]! - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const here = units[middle]!;
      if (here === unit) return middle;
      if (here < unit) low = middle + 1;
      else high = middle - 1;
    }
    return 0;
  };
  const step = (from: number, unit: number): number => {
    for (let node = from; ; node = fallback[node]!) {
      const child = childOf(node, unit);
      if (child !== 0 || node === 0) return child;
    }
  };

  for (let node = 1; node < count; node++) {
    for (let child = first[node]!; child < first[node + 1]!; child++) {
      const other = step(fallback[node]!, units[child]!);
      fallback[child] = other;
      if (found[child] === 0) found[child] = found[other]!;
    }
  }

  return () => {
    let node = 0;
    return (piece) => {
      for (let at = 0; at < piece.length; at++) {
        node = step(node, piece[at]!);
        if (found[node] !== 0) return found[node]! - 1;
      }
      return undefined;
    };
  };
}

interface Tree {
  count: number;
  /** The unit that leads to a node. */
  units: Uint16Array;
  /** A node's first child; its last is the one before the next node's first. */
  first: Int32Array;
  /** 1 + the number of the pattern that ends at a node; 0: none does. */
  found: Int32Array;
}

function buildTree(patterns: readonly string[]): Tree {
  const order = patterns.map((_, at) => at).sort((a, b) => compare(patterns[a]!, patterns[b]!) || a - b);
  const size = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  const units = new Uint16Array(size);
  const first = new Int32Array(size + 1);
  const found = new Int32Array(size);
  /** The patterns that lead through a node are neighbours in their order: from `low` to before `high`. */
  const low = new Int32Array(size);
  const high = new Int32Array(size);
  high[0] = order.length;
  let count = 1;
  let levelEnd = 1;
  for (let node = 0, depth = 0; node < count; node++) {
    if (node === levelEnd) {
      depth++;
      levelEnd = count;
    }
    first[node] = count;
    for (let at = low[node]!; at < high[node]!; at++) {
      const pattern = patterns[order[at]!]!;
      if (pattern.length === depth) {
        if (found[node] === 0) found[node] = order[at]! + 1;
        continue;
      }
      const unit = pattern.charCodeAt(depth);
      if (count === first[node] || units[count - 1] !== unit) {
        units[count] = unit;
        low[count] = at;
        count++;
      }
      high[count - 1] = at + 1;
    }
  }
  first[count] = count;
  const shrink = <T extends Uint16Array | Int32Array>(array: T, length: number) => array.slice(0, length) as T;
  return { count, units: shrink(units, count), first: shrink(first, count + 1), found: shrink(found, count) };
}

/** By UTF-16 units, as the tree goes. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
