/** Reading the index: which terms, in which bases, and their postings. */
import type { Binding, Session } from '../db/session.ts';
import type { QueryTerm } from './analyse-query.ts';
import { blockOrdinals, countRow, decodePlain, decodeTagged, isShared, rowOf, sharedRows, tagOf } from './postings.ts';
import type { TermBlock } from './score.ts';

/** At most so many terms are searched by, the rarest of those that occur. */
const maxTerms = 64;
/** At most so many postings are scored, of the rarest terms first: common ones add little but most of the work. */
const maxPostings = 40_000;
/** A single character with a row of more bytes is in too many passages to tell them apart: in a twelfth of a large base. */
const maxPlainBytes = 2048;
/** So many rows are read at most, some 4 MB: of an essay to very large bases only every so many terms. */
const maxRows = 8000;

/** A base as it is searched. */
export interface Base {
  base_no: number;
  generation: number;
  tokenizer_version: number;
  passages: number;
  tokens: number;
  next_ordinal: number;
}

/** The bases that hold passages, in ascending order. By the primary key of index_base. */
export async function readBases(session: Session, baseNos: readonly number[]): Promise<Base[]> {
  const rows = await session.all<Base>(
    `select base_no, generation, tokenizer_version, passages, tokens, next_ordinal from index_base where base_no in (${marks(baseNos)})`,
    baseNos,
  );
  return rows.filter(({ passages }) => passages > 0).sort((x, y) => x.base_no - y.base_no);
}

/** What of a question the index holds. */
export interface Postings {
  /** The terms that are searched by, and in how many passages each is. */
  chosen: QueryTerm[];
  found: number[];
  /** By the place in `chosen`. */
  blocks: TermBlock[];
  /** Terms that don't occur. */
  absent: QueryTerm[];
}

/**
 * The postings of a question's terms, in one statement over all bases; in a second one where all that occurs of it are
 * characters that are common.
 */
export async function readPostings(session: Session, bases: readonly Base[], all: QueryTerm[]): Promise<Postings> {
  const terms = withinRows(all, bases);
  let { found, absent, common } = findTerms(terms, await readRows(session, bases, terms, maxPlainBytes));
  if (found.length === 0) ({ found } = findTerms(common, await readRows(session, bases, common, 2 ** 24)));
  let left = maxPostings;
  const chosen = found
    .sort((x, y) => x.count - y.count || x.term.term - y.term.term)
    .slice(0, maxTerms)
    .filter(({ count }, at) => {
      left -= count;
      return at === 0 || left >= 0;
    });
  const placeOf = new Map(bases.map(({ base_no }, at) => [base_no, at]));
  return {
    chosen: chosen.map(({ term }) => term),
    found: chosen.map(({ count }) => count),
    blocks: chosen.flatMap(({ parts }, term) =>
      parts.map(({ base_no, block, read }) => ({ base: placeOf.get(base_no)!, block, term, postings: read() })),
    ),
    absent,
  };
}

/** What was found of a term: in how many passages it is, and its postings in each block, decoded when they are read. */
interface FoundTerm {
  term: QueryTerm;
  count: number;
  parts: { base_no: number; block: number; read(): Uint32Array }[];
}

/** The terms that occur, those that don't, and those with more postings than were read. */
function findTerms(terms: readonly QueryTerm[], rows: readonly Row[]) {
  const rowsOf = Map.groupBy(rows, ({ number }) => number);
  const result = { found: [] as FoundTerm[], absent: [] as QueryTerm[], common: [] as QueryTerm[] };
  for (const term of terms) {
    const found = findTerm(term, rowsOf.get(rowOf(term.term)) ?? []);
    if (found === undefined) result.common.push(term);
    else if (found.count === 0) result.absent.push(term);
    else result.found.push(found);
  }
  return result;
}

/** A term in the rows that may hold it; undefined: it has more than was read. */
function findTerm(term: QueryTerm, rows: readonly Row[]): FoundTerm | undefined {
  const found: FoundTerm = { term, count: 0, parts: [] };
  const isTagged = isShared(rowOf(term.term));
  for (const { base_no, block, data } of rows) {
    if (data === null) return undefined;
    const postings = isTagged ? decodeTagged(data, tagOf(term.term)) : undefined;
    const count = postings?.length ?? countRow(data.length);
    if (count === 0) continue;
    found.count += count;
    found.parts.push({ base_no, block, read: () => postings ?? decodePlain(data) });
  }
  return found;
}

/** A term may have a row in every block. */
function withinRows(terms: QueryTerm[], bases: readonly Base[]): QueryTerm[] {
  const blocks = sum(bases.map((base) => Math.ceil(base.next_ordinal / blockOrdinals)));
  const every = Math.ceil((terms.length * blocks) / maxRows);
  return every <= 1 ? terms : terms.filter((_, at) => at % every === 0);
}

interface Row {
  base_no: number;
  number: number;
  block: number;
  /** Null: it has more than is worth reading. */
  data: Uint8Array | null;
}

/**
 * The rows of terms in bases, those of single characters up to `maxBytes`; by the primary key of index_block. Generations are constants here rather than joined:
 * MySQL would take a join to read a base's whole index. A generation is deleted only long after another replaced it.
 */
async function readRows(
  session: Session,
  bases: readonly Base[],
  terms: readonly QueryTerm[],
  maxBytes: number,
): Promise<Row[]> {
  if (terms.length === 0) return [];
  const numbers = [...new Set(terms.map(({ term }) => rowOf(term)))].sort((x, y) => x - y);
  const generations = [...new Set(bases.map(({ generation }) => generation))];
  const parts = generations.map((generation) => {
    const baseNos = bases.filter((base) => base.generation === generation).map(({ base_no }) => base_no);
    return {
      sql: `(base_no in (${marks(baseNos)}) and generation = ? and term in (${marks(numbers)}))`,
      bindings: [...baseNos, generation, ...numbers] as Binding[],
    };
  });
  return session.all<Row>(
    `select base_no, term number, block,
        case when term < ${sharedRows} or length(data) <= ${maxBytes} then data end data
      from index_block where ${parts.map(({ sql }) => sql).join(' or ')}`,
    parts.flatMap(({ bindings }) => bindings),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Placeholders for a list of values. */
export function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
