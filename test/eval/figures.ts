/** What became of one question. */
export interface Outcome {
  /** At which place the gold context was found, from 1; undefined: not among the first ten. */
  rank: number | undefined;
  support: number;
  refused: boolean;
  /** Whether the reply holds a gold answer, white space aside. */
  hasGold: boolean;
  /** Characters of the reply. */
  length: number;
  /** Whether it cites the gold context, and whether it cites another. */
  citesGold: boolean;
  citesOther: boolean;
}

export interface Figures {
  questions: number;
  recallAt1: number;
  recallAt5: number;
  recallAt10: number;
  mrr: number;
  /** Of all questions, those that were answered. */
  answered: number;
  /** Of the answered, those whose reply holds the gold answer, or that cite the gold context. */
  goldInReply: number;
  goldCited: number;
  meanLength: number;
}

export function summarise(outcomes: readonly Outcome[]): Figures {
  const answered = outcomes.filter(({ refused }) => !refused);
  const within = (limit: number) => shareOf(outcomes, ({ rank }) => rank !== undefined && rank <= limit);
  return {
    questions: outcomes.length,
    recallAt1: within(1),
    recallAt5: within(5),
    recallAt10: within(10),
    mrr: mean(outcomes.map(({ rank }) => (rank === undefined ? 0 : 1 / rank))),
    answered: answered.length / outcomes.length,
    goldInReply: shareOf(answered, ({ hasGold }) => hasGold),
    goldCited: shareOf(answered, ({ citesGold }) => citesGold),
    meanLength: mean(answered.map(({ length }) => length)),
  };
}

/** How well support tells the answerable from the unanswerable: the chance that one of the former has more of it. */
export function auroc(answerable: readonly number[], unanswerable: readonly number[]): number {
  const sorted = [
    ...answerable.map((support) => ({ support, isAnswerable: true })),
    ...unanswerable.map((support) => ({ support, isAnswerable: false })),
  ].sort((x, y) => x.support - y.support);
  let ranks = 0;
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to < sorted.length && sorted[to]!.support === sorted[from]!.support) to++;
    const equals = sorted.slice(from, to).filter(({ isAnswerable }) => isAnswerable).length;
    ranks += equals * ((from + 1 + to) / 2); // equal ones share the mean of their ranks
    from = to;
  }
  const n = answerable.length;
  return (ranks - (n * (n + 1)) / 2) / (n * unanswerable.length);
}

/** The threshold that keeps this share of the answerable, and what it refuses of the unanswerable. */
export function refusalAt(kept: number, answerable: readonly number[], unanswerable: readonly number[]) {
  const threshold = answerable.toSorted((x, y) => x - y)[Math.floor((1 - kept) * answerable.length)] ?? 0;
  return { threshold, refused: shareOf(unanswerable, (support) => support < threshold) };
}

export function shareOf<T>(list: readonly T[], holds: (item: T) => boolean): number {
  return list.length === 0 ? 0 : list.filter(holds).length / list.length;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
