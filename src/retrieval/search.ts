import type { Session } from '../db/session.ts';
import type { Found, FoundPassage } from '../expert/expert.ts';
import { analyseForVersions, analyseQuery } from './analyse-query.ts';
import { type Base, marks, readBases, readPostings } from './read-blocks.ts';
import { type Candidate, maxContribution, rarityOf, scoreBlocks } from './score.ts';
import { tokenizerVersion } from './tokenise.ts';

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
  if (baseNos.length === 0 || limit < 1) return nothingFound();
  const reading = readBases(session, baseNos);
  const analysed = analyseQuery(query); // while the database answers
  const bases = await reading;
  const versions = bases.map(({ tokenizer_version: version }) => version);
  const isCurrent = versions.every((version) => version === tokenizerVersion);
  const terms = isCurrent ? analysed : analyseForVersions(query, versions);
  const passages = bases.reduce((sum, base) => sum + base.passages, 0);
  const tokens = bases.reduce((sum, base) => sum + base.tokens, 0);
  if (passages === 0 || terms.length === 0) return nothingFound();
  signal?.throwIfAborted();

  const { chosen, found: foundIn, blocks, absent } = await readPostings(session, bases, terms);
  signal?.throwIfAborted();
  const rarities = foundIn.map((count) => rarityOf(passages, count));
  const weights = chosen.map(({ weight }, at) => weight * rarities[at]!);
  let found: FoundPassage[] = [];
  for (const bound of [limit + 20, maxCandidates]) {
    const candidates = scoreBlocks(blocks, { weights, averageLength: tokens / passages, limit: bound });
    found = await readVisible(session, bases, candidates, { limit, signal });
    // Where many are hidden, more of the candidates are kept and looked at.
    if (found.length === limit || candidates.length < bound) break;
  }
  const best = found[0]?.score ?? 0;
  const absentMass = absent.reduce((sum, { mass }) => sum + mass * rarityOf(passages, 0), 0);
  const mass = chosen.reduce((sum, term, at) => sum + term.mass * rarities[at]!, absentMass);
  return { passages: found, support: supportOf(best, mass, passages) };
}

function nothingFound(): Found {
  return { passages: [], support: 0 };
}

/**
 * How far the best passage supports an answer: its score as a share of what the query could score, set against the
 * share that the best passage of such a base may have by chance. That one grows with the number of passages, about
 * with its logarithm (measured with 20 to 56,000): among many, one that is about something else shares more words with
 * any question. At 0.5 the two are equal; so one threshold serves bases of every size.
 */
export function supportOf(score: number, mass: number, passages: number): number {
  if (score === 0) return 0;
  const share = mass === 0 ? 0 : Math.min(1, score / (mass * maxContribution));
  const chance = Math.min(0.5, Math.max(0.1, 0.06 * Math.log(passages)));
  return share / (share + chance);
}

/** The best of the candidates that may be shown, in pages: however many are hidden, the next ones move up. */
async function readVisible(
  session: Session,
  bases: readonly Base[],
  candidates: readonly Candidate[],
  { limit, signal }: { limit: number; signal: AbortSignal | undefined },
): Promise<FoundPassage[]> {
  const found: FoundPassage[] = [];
  for (let from = 0, size = limit + 2; from < candidates.length && found.length < limit; from += size, size = 100) {
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
  page: number | null;
  document_id: string;
  title: string;
  url: string;
}

/**
 * By the primary keys of passage and document. What a document shows is the passages of its revision; while a file is
 * fetched or parsed anew (2, 3) that is what was learned before.
 */
async function readPage(session: Session, bases: readonly Base[], page: readonly Candidate[]): Promise<FoundPassage[]> {
  const parts = bases
    .map(({ base_no }, at) => ({ base_no, ordinals: page.filter(({ base }) => base === at).map((c) => c.ordinal) }))
    .filter(({ ordinals }) => ordinals.length > 0);
  const where = parts.map(({ ordinals }) => `(p.base_no = ? and p.ordinal in (${marks(ordinals)}))`).join(' or ');
  const rows = await session.all<PassageRow>(
    `select p.base_no, p.ordinal, p.heading, p.text, p.page, d.document_id, d.title, d.url
      from passage p join document d on d.document_id = p.document_id
      where (${where}) and p.revision = d.revision and d.state in (2, 3, 5) and d.hidden = 0 and d.withdrawn_by = 0`,
    parts.flatMap(({ base_no, ordinals }) => [base_no, ...ordinals]),
  );
  const rowOf = new Map(rows.map((row) => [`${row.base_no}:${row.ordinal}`, row]));
  return page.flatMap(({ base, ordinal, score }) => {
    const row = rowOf.get(`${bases[base]!.base_no}:${ordinal}`);
    if (row === undefined) return [];
    const source = { documentId: row.document_id, title: row.title, url: row.url };
    const page = row.page === null ? {} : { page: row.page };
    return [{ source, ...page, heading: row.heading, text: row.text, score }];
  });
}
