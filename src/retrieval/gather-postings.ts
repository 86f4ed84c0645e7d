import { blockOrdinals, encodeRow, isShared, packPosting, rowOf, tagOf, termOf } from './postings.ts';
import { tokenise } from './tokenise.ts';

/** Above every number of a row. */
const maxRowNumber = 2 ** 21;

/** Postings on their way to their rows. */
export interface Postings {
  /** Adds a passage's postings; returns its length in tokens. */
  add(ordinal: number, text: string, version: number): number;
  /** How many there are. */
  size(): number;
  /** Takes them out, as rows in the order of the primary key. */
  take(): { row: number; block: number; data: Buffer }[];
}

export function gatherPostings(): Postings {
  /** By block and row. */
  let rows = new Map<number, number[]>();
  let size = 0;
  return {
    add(ordinal, text, version) {
      const tokens = tokenise(text, version);
      const frequencies = new Map<number, number>();
      // By term, not by token: of two tokens with the same number the passage would count twice.
      for (const token of tokens) {
        const term = termOf(token);
        frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
      }
      const blockKey = Math.floor(ordinal / blockOrdinals) * maxRowNumber;
      for (const [term, frequency] of frequencies) {
        const row = rowOf(term);
        const posting = packPosting(ordinal, frequency, tokens.length);
        let numbers = rows.get(blockKey + row);
        if (numbers === undefined) {
          numbers = [];
          rows.set(blockKey + row, numbers);
        }
        if (isShared(row)) numbers.push(tagOf(term), posting);
        else numbers.push(posting);
      }
      size += frequencies.size;
      return tokens.length;
    },
    size: () => size,
    take() {
      const taken = [...rows].map(([key, numbers]) => {
        return { row: key % maxRowNumber, block: Math.floor(key / maxRowNumber), data: encodeRow(numbers) };
      });
      rows = new Map();
      size = 0;
      return taken.sort((x, y) => x.row - y.row || x.block - y.block);
    },
  };
}
