/** What a part says of itself: one line with the figures, and a row for docs/guarantees.md. */
import type { Tally } from './tally.ts';

export interface PartResult {
  /** Name of the part, with the database and what was done. */
  title: string;
  seed: number;
  tally?: Tally;
  /** Other figures in words. */
  notes: string[];
  /** Promises that were broken; empty: passed. */
  broken: string[];
}

export const tableHead = [
  '| part | seed | asked | distinct | arrivals | repeats | after a stall | unexplained | asked for | out of order | altered | dead | kills | other figures |',
  '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|',
].join('\n');

/** One line for people who watch. */
export function describeResult({ title, seed, tally, notes, broken }: PartResult): string {
  const figures = tally === undefined ? [] : [describeTally(tally)];
  const verdict = broken.length === 0 ? 'kept' : `BROKEN: ${broken.join('; ')}`;
  return [`${title} seed=${seed}`, ...figures, ...notes, verdict].join(' | ');
}

export function describeTally(tally: Tally): string {
  return `asked ${tally.asked}, distinct ${tally.distinct}, arrivals ${tally.arrivals}, duplicates ${tally.duplicates} (${tally.stalled} after a stall, ${tally.unexplained} unexplained), asked for ${tally.askedFor}, order violations ${tally.misordered}, altered ${tally.altered}, dead ${tally.dead}, kills ${tally.kills}+${tally.databaseKills}`;
}

/** A row of the table in docs/guarantees.md. */
export function toRow({ title, seed, tally, notes, broken }: PartResult): string {
  const figures =
    tally === undefined
      ? Array<string>(11).fill('')
      : [
          tally.asked,
          tally.distinct,
          tally.arrivals,
          tally.duplicates,
          tally.stalled,
          tally.unexplained,
          tally.askedFor,
          tally.misordered,
          tally.altered,
          tally.dead,
          tally.databaseKills > 0 ? `${tally.kills} + ${tally.databaseKills} of the database` : tally.kills,
        ];
  const other = [...notes, ...broken.map((words) => `**BROKEN: ${words}**`)].join('; ');
  return `| ${[title, seed, ...figures, other].join(' | ')} |`;
}
