/** BM25 over blocks of postings, in one pass, without the database: the same on every engine. */
import { blockOrdinals, frequencies, impactOf, impacts, lengths, ordinalOf } from './postings.ts';

/** A term of the question in one block of one base. */
export interface TermBlock {
  /** Which base, by its place in the ascending list of the searched ones. */
  base: number;
  block: number;
  /** Which term, by its place in the list of weights. */
  term: number;
  postings: Uint32Array;
}

/** A passage that may be an answer. */
export interface Candidate {
  base: number;
  ordinal: number;
  score: number;
}

const k1 = 1.2;
const b = 0.75;
/** What a term can contribute at most, as a multiple of its rarity. */
export const maxContribution = k1 + 1;

/** How rare a term is that `found` of `passages` hold. */
export function rarityOf(passages: number, found: number): number {
  const holding = Math.min(found, passages);
  return Math.log(1 + (passages - holding + 0.5) / (holding + 0.5));
}

/** What a term that stands so often in a text contributes to its score, as a multiple of its rarity. */
export function passageScore(frequency: number, length: number, averageLength: number): number {
  const norm = k1 * (1 - b + (b * length) / Math.max(1, averageLength));
  return (maxContribution * frequency) / (frequency + norm);
}

/**
 * The best `limit` passages, best first; equal scores by base and ordinal. The sums are formed in the order of the
 * terms, so that they are the same to the last bit wherever the blocks come from.
 */
export function scoreBlocks(
  blocks: TermBlock[],
  { weights, averageLength, limit }: { weights: readonly number[]; averageLength: number; limit: number },
): Candidate[] {
  const shares = sharesOf(averageLength);
  const top = createTop(limit);
  const scores = new Float64Array(blockOrdinals);
  const ordered = [...blocks].sort((x, y) => x.base - y.base || x.block - y.block || x.term - y.term);
  for (let at = 0; at < ordered.length; ) {
    const { base, block } = ordered[at]!;
    scores.fill(0);
    for (; ordered[at]?.base === base && ordered[at]?.block === block; at++) {
      const { postings, term } = ordered[at]!;
      addPostings(scores, postings, weights[term]!, shares);
    }
    top.add(base, block * blockOrdinals, scores);
  }
  return top.sorted();
}

function addPostings(scores: Float64Array, postings: Uint32Array, weight: number, shares: Float64Array): void {
  for (let at = 0; at < postings.length; at++) {
    const posting = postings[at]!;
    scores[ordinalOf(posting)]! += weight * shares[impactOf(posting)]!;
  }
}

/** What each impact contributes, as a multiple of the term's rarity. */
function sharesOf(averageLength: number): Float64Array {
  const shares = new Float64Array(impacts);
  const norms = lengths.map((tokens) => k1 * (1 - b + (b * tokens) / Math.max(1, averageLength)));
  for (let impact = 0; impact < impacts; impact++) {
    const frequency = frequencies[Math.floor(impact / lengths.length)]!;
    shares[impact] = (maxContribution * frequency) / (frequency + norms[impact % lengths.length]!);
  }
  return shares;
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
