/** BM25 over blocks of postings, in one pass, without the database: the same on every engine. */

/** A term of the question in one block of 4,096 ordinals of one base. */
export interface TermBlock {
  /** Which base, by its place in the ascending list of the searched ones. */
  base: number;
  block: number;
  /** Which term, by its place in the list of weights. */
  term: number;
  data: Uint8Array;
}

/** A passage that may be an answer. */
export interface Candidate {
  base: number;
  ordinal: number;
  score: number;
}

export const blockOrdinals = 4096;
/** An entry: u16 ordinal in its block (little end first), u8 how often the term occurs, u8 code of the length. */
export const entryBytes = 4;

const k1 = 1.2;
const b = 0.75;
/** What a term can contribute at most, as a multiple of its rarity. */
export const maxContribution = k1 + 1;

/** Lengths are kept to 1/16 of a doubling, about 4 %: BM25 doesn't need more, and a byte reaches 60,000 tokens. */
export function codeOfLength(tokens: number): number {
  return Math.min(255, Math.round(16 * Math.log2(1 + tokens)));
}

function lengthOfCode(code: number): number {
  return 2 ** (code / 16) - 1;
}

/** How rare a term is that `found` of `passages` hold. */
export function rarityOf(passages: number, found: number): number {
  const holding = Math.min(found, passages);
  return Math.log(1 + (passages - holding + 0.5) / (holding + 0.5));
}

/**
 * The best `limit` passages, best first; equal scores by base and ordinal. The sums are formed in the order of the
 * terms, so that they are the same to the last bit wherever the blocks come from.
 */
export function scoreBlocks(
  blocks: TermBlock[],
  { weights, averageLength, limit }: { weights: readonly number[]; averageLength: number; limit: number },
): Candidate[] {
  const normOfCode = Float64Array.from({ length: 256 }, (_, code) => {
    return k1 * (1 - b + (b * lengthOfCode(code)) / Math.max(1, averageLength));
  });
  const top = createTop(limit);
  const scores = new Float64Array(blockOrdinals);
  const ordered = [...blocks].sort((x, y) => x.base - y.base || x.block - y.block || x.term - y.term);
  for (let at = 0; at < ordered.length; ) {
    const { base, block } = ordered[at]!;
    scores.fill(0);
    for (; ordered[at]?.base === base && ordered[at]?.block === block; at++) {
      addBlock(scores, ordered[at]!.data, weights[ordered[at]!.term]!, normOfCode);
    }
    top.add(base, block * blockOrdinals, scores);
  }
  return top.sorted();
}

function addBlock(scores: Float64Array, data: Uint8Array, weight: number, normOfCode: Float64Array): void {
  const factor = weight * maxContribution;
  for (let at = 0; at + 3 < data.length; at += entryBytes) {
    const frequency = data[at + 2]!;
    const ordinal = (data[at]! | (data[at + 1]! << 8)) & (blockOrdinals - 1);
    scores[ordinal]! += (factor * frequency) / (frequency + normOfCode[data[at + 3]!]!);
  }
}

/** Keeps the best `limit`: collects twice as many, then sorts and raises the bar. */
function createTop(limit: number) {
  let kept: Candidate[] = [];
  let bar = 0;
  const cut = () => {
    kept.sort((x, y) => y.score - x.score || x.base - y.base || x.ordinal - y.ordinal);
    kept = kept.slice(0, limit);
    if (kept.length === limit) bar = kept.at(-1)!.score;
  };
  return {
    /** In ascending order of base and ordinal: so an equal that comes later is never better. */
    add(base: number, firstOrdinal: number, scores: Float64Array): void {
      for (let index = 0; index < scores.length; index++) {
        if (scores[index]! <= bar) continue;
        kept.push({ base, ordinal: firstOrdinal + index, score: scores[index]! });
        if (kept.length === 2 * limit) cut();
      }
    },
    sorted(): Candidate[] {
      cut();
      return kept;
    },
  };
}
