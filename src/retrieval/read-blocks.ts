/** Reading the index: which terms, in which bases, and their blocks. */
import type { Binding, Session } from '../db/session.ts';
import type { QueryTerm } from './analyse-query.ts';
import { entryBytes, type TermBlock } from './score.ts';

/** At most so many terms are read, the rarest: a question that is an essay would read most of the index. */
const maxTerms = 64;
/** Past so many passages it is worth asking first how common each term is. */
const ordinaryPassages = 10_000;
/** Of larger bases at most so many entries are read, of the rarest terms first. */
const maxEntries = 40_000;

/** A base as it is searched. */
export interface Base {
  base_no: number;
  generation: number;
  tokenizer_version: number;
  passages: number;
  tokens: number;
}

/** The bases that hold passages, in ascending order. By the primary key of index_base. */
export async function readBases(session: Session, baseNos: readonly number[]): Promise<Base[]> {
  const rows = await session.all<Base>(
    `select base_no, generation, tokenizer_version, passages, tokens from index_base where base_no in (${marks(baseNos)})`,
    baseNos,
  );
  return rows.filter(({ passages }) => passages > 0).sort((x, y) => x.base_no - y.base_no);
}

/**
 * All terms of an ordinary question to ordinary bases. Of a long question, or in large bases, the rarest terms that
 * occur, within what may be read; `absent` are those that don't occur. The common ones that are left out would add
 * little to a score but most of the reading.
 */
export async function chooseTerms(
  session: Session,
  bases: readonly Base[],
  terms: QueryTerm[],
  passages: number,
): Promise<{ chosen: QueryTerm[]; absent: QueryTerm[] }> {
  if (terms.length <= maxTerms && passages <= ordinaryPassages) return { chosen: terms, absent: [] };
  const { sql, bindings } = inBlocks(bases, terms);
  const rows = await session.all<{ term: number; bytes: number | string }>(
    `select term, sum(length(data)) bytes from index_block where ${sql} group by term`,
    bindings,
  );
  const entries = new Map(rows.map(({ term, bytes }) => [term, Number(bytes) / entryBytes]));
  const present = terms.filter(({ term }) => entries.has(term));
  present.sort((x, y) => entries.get(x.term)! - entries.get(y.term)! || x.term - y.term);
  let left = maxEntries;
  const chosen = present.slice(0, maxTerms).filter(({ term }, at) => {
    left -= entries.get(term)!;
    return at === 0 || left >= 0;
  });
  return { chosen, absent: terms.filter(({ term }) => !entries.has(term)) };
}

/** The blocks of the terms, in one statement over all bases. */
export async function readBlocks(
  session: Session,
  bases: readonly Base[],
  terms: readonly QueryTerm[],
): Promise<TermBlock[]> {
  if (terms.length === 0) return [];
  const { sql, bindings } = inBlocks(bases, terms);
  const rows = await session.all<{ base_no: number; term: number; block: number; data: Uint8Array }>(
    `select base_no, term, block, data from index_block where ${sql}`,
    bindings,
  );
  const placeOfBase = new Map(bases.map(({ base_no }, at) => [base_no, at]));
  const placeOfTerm = new Map(terms.map(({ term }, at) => [term, at]));
  return rows.map(({ base_no, term, block, data }) => {
    return { base: placeOfBase.get(base_no)!, term: placeOfTerm.get(term)!, block, data };
  });
}

/**
 * The blocks of terms in bases, by the primary key of index_block. Generations are constants here rather than joined:
 * MySQL would take a join to read a base's whole index. A generation is deleted only long after another replaced it.
 */
function inBlocks(bases: readonly Base[], terms: readonly QueryTerm[]): { sql: string; bindings: Binding[] } {
  const generations = [...new Set(bases.map(({ generation }) => generation))];
  const numbers = terms.map(({ term }) => term);
  const parts = generations.map((generation) => {
    const baseNos = bases.filter((base) => base.generation === generation).map(({ base_no }) => base_no);
    return {
      sql: `(base_no in (${marks(baseNos)}) and generation = ? and term in (${marks(numbers)}))`,
      bindings: [...baseNos, generation, ...numbers],
    };
  });
  return { sql: `(${parts.map(({ sql }) => sql).join(' or ')})`, bindings: parts.flatMap(({ bindings }) => bindings) };
}

/** Placeholders for a list of values. */
export function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
