import type { Binding, Session } from '../db/session.ts';
import type { Found, FoundPassage } from '../expert/expert.ts';
import { analyseQuery, type QueryTerm } from './analyse-query.ts';
import { type Candidate, entryBytes, maxContribution, rarityOf, scoreBlocks, type TermBlock } from './score.ts';

/** At most so many terms are read, the rarest: a question that is an essay would read most of the index. */
const maxTerms = 64;
/** Past so many passages it is worth asking first how common each term is. */
const ordinaryPassages = 10_000;
/** Of larger bases at most so many entries are read, of the rarest terms first. */
const maxEntries = 40_000;
/** So many of the best passages are looked at for ones that may be shown. */
const maxCandidates = 1000;

export interface SearchOptions {
  /** The bases that are searched, as one corpus. */
  baseNos: readonly number[];
  query: string;
  /** How many passages to return at most. */
  limit: number;
  signal?: AbortSignal;
}

/**
 * Finds the passages that say most about the query, in documents that are learned and not hidden. The score is BM25
 * over all bases together; equal scores are in the order of base and ordinal, so that every engine gives the same.
 */
export async function searchPassages(
  session: Session,
  { baseNos, query, limit, signal }: SearchOptions,
): Promise<Found> {
  const terms = analyseQuery(query);
  if (terms.length === 0 || baseNos.length === 0 || limit < 1) return nothing;
  const bases = await readBases(session, baseNos);
  const passages = bases.reduce((sum, base) => sum + base.passages, 0);
  const tokens = bases.reduce((sum, base) => sum + base.tokens, 0);
  if (passages === 0) return nothing;
  signal?.throwIfAborted();

  const read = await chooseTerms(session, bases, terms, passages);
  const blocks = await readBlocks(session, bases, read.chosen);
  signal?.throwIfAborted();
  const rarities = raritiesOf(blocks, read.chosen, passages);
  const weights = read.chosen.map(({ weight }, at) => weight * rarities[at]!);
  let found: FoundPassage[] = [];
  for (const bound of [limit + 20, maxCandidates]) {
    const candidates = scoreBlocks(blocks, { weights, averageLength: tokens / passages, limit: bound });
    found = await readVisible(session, bases, candidates, { limit, signal });
    // Where many are hidden, more of the candidates are kept and looked at.
    if (found.length === limit || candidates.length < bound) break;
  }
  const best = found[0]?.score ?? 0;
  const absent = read.absent.reduce((sum, { mass }) => sum + mass * rarityOf(passages, 0), 0);
  const mass = read.chosen.reduce((sum, term, at) => sum + term.mass * rarities[at]!, absent);
  return { passages: found, support: supportOf(best, mass, passages) };
}

const nothing: Found = { passages: [], support: 0 };

/**
 * How far the best passage supports an answer: its score as a share of what the query could score, set against the
 * share that the best passage of such a base may have by chance. That one grows with the number of passages, about
 * with its logarithm (measured with 20 to 56,000): among many, one that is about something else shares more words with
 * any question. At 0.5 the two are equal; so one threshold serves bases of every size.
 */
function supportOf(score: number, mass: number, passages: number): number {
  if (score === 0) return 0;
  const share = mass === 0 ? 0 : Math.min(1, score / (mass * maxContribution));
  const chance = Math.min(0.5, Math.max(0.1, 0.06 * Math.log(passages)));
  return share / (share + chance);
}

interface Base {
  base_no: number;
  generation: number;
  passages: number;
  tokens: number;
}

/** By the primary key of index_base. */
async function readBases(session: Session, baseNos: readonly number[]): Promise<Base[]> {
  const rows = await session.all<Base>(
    `select base_no, generation, passages, tokens from index_base where base_no in (${marks(baseNos)})`,
    baseNos,
  );
  return rows.filter(({ passages }) => passages > 0).sort((x, y) => x.base_no - y.base_no);
}

/**
 * All terms of an ordinary question to ordinary bases. Of a long question, or in large bases, the rarest terms that
 * occur, within what may be read; `absent` are those that don't occur. The common ones that are left out would add
 * little to a score but most of the reading.
 */
async function chooseTerms(
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

/** One statement over all bases. */
async function readBlocks(session: Session, bases: readonly Base[], terms: readonly QueryTerm[]): Promise<TermBlock[]> {
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

function raritiesOf(blocks: readonly TermBlock[], terms: readonly QueryTerm[], passages: number): number[] {
  const entries = terms.map(() => 0);
  for (const { term, data } of blocks) entries[term]! += Math.floor(data.length / entryBytes);
  return entries.map((found) => rarityOf(passages, found));
}

/** The best of the candidates that may be shown, in pages: however many are hidden, the next ones move up. */
async function readVisible(
  session: Session,
  bases: readonly Base[],
  candidates: readonly Candidate[],
  { limit, signal }: { limit: number; signal: AbortSignal | undefined },
): Promise<FoundPassage[]> {
  const found: FoundPassage[] = [];
  for (let from = 0, size = limit + 4; from < candidates.length && found.length < limit; from += size, size = 100) {
    signal?.throwIfAborted();
    found.push(...(await readPage(session, bases, candidates.slice(from, from + size))));
  }
  return found.slice(0, limit);
}

interface PassageRow {
  base_no: number;
  ordinal: number;
  heading: string;
  text: string;
  document_id: string;
  title: string;
  url: string;
}

/** By the primary keys of passage and document. State 5: learned. */
async function readPage(session: Session, bases: readonly Base[], page: readonly Candidate[]): Promise<FoundPassage[]> {
  const parts = bases
    .map(({ base_no }, at) => ({ base_no, ordinals: page.filter(({ base }) => base === at).map((c) => c.ordinal) }))
    .filter(({ ordinals }) => ordinals.length > 0);
  const where = parts.map(({ ordinals }) => `(p.base_no = ? and p.ordinal in (${marks(ordinals)}))`).join(' or ');
  const rows = await session.all<PassageRow>(
    `select p.base_no, p.ordinal, p.heading, p.text, d.document_id, d.title, d.url
      from passage p join document d on d.document_id = p.document_id
      where (${where}) and d.state = 5 and d.hidden = 0`,
    parts.flatMap(({ base_no, ordinals }) => [base_no, ...ordinals]),
  );
  const rowOf = new Map(rows.map((row) => [`${row.base_no}:${row.ordinal}`, row]));
  return page.flatMap(({ base, ordinal, score }) => {
    const row = rowOf.get(`${bases[base]!.base_no}:${ordinal}`);
    if (row === undefined) return [];
    const source = { documentId: row.document_id, title: row.title, url: row.url };
    return [{ source, heading: row.heading, text: row.text, score }];
  });
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
