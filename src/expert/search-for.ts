import { analyseQuery } from '../retrieval/analyse-query.ts';
import { normalise } from '../retrieval/tokenise.ts';
import { questionPhrases } from '../retrieval/words.ts';
import type { Found, Question, Search } from './expert.ts';

/** A longer question stands for itself. */
const maxFollowUpChars = 20;
/** Of the question before, so much is searched again. */
const maxContextChars = 200;

export interface Searched {
  /** The question as it was searched for. */
  searched: string;
  found: Found;
}

/**
 * Searches for the question; for one that hangs on what it quotes, or else on the last one (儿童呢？), for both. Finds at most `limit`
 * passages; `threshold` is the support from which on a question stands for itself.
 */
export async function searchFor(
  { text, history, quoted = '' }: Question,
  search: Search,
  { threshold, limit }: { threshold: number; limit: number },
): Promise<Searched> {
  const own = { searched: text, found: await search(text, limit) };
  const last = quoted === '' ? history.findLast(({ speaker }) => speaker === 'user')?.content : quoted;
  // Without words nothing hangs on anything: a picture or a file was sent.
  if (last === undefined || text === '' || [...text].length > maxFollowUpChars) return own;
  if (own.found.support >= threshold && !isElliptical(text)) return own;
  const searched = `${[...last].slice(0, maxContextChars).join('')} ${text}`;
  const both = { searched, found: await search(searched, limit) };
  // What is asked for now must be in what is found: else the last question would be answered again.
  return both.found.support >= threshold && isAbout(both.found, text) ? both : own;
}

/** 儿童呢？ or 那周末呢？: no more than what is asked about now. */
function isElliptical(text: string): boolean {
  const words = text.replace(/[\s\p{P}]+$/u, '');
  const asks = questionPhrases.some((phrase) => phrase !== '呢' && words.includes(phrase));
  return words.endsWith('呢') && words.length <= 6 && !asks;
}

/** Whether the best passage has most of what the question has beyond question words. */
function isAbout(found: Found, text: string): boolean {
  const terms = analyseQuery(text).filter(({ mass }) => mass > 0);
  const [best] = found.passages;
  if (terms.length === 0 || best === undefined) return best !== undefined;
  const content = normalise(`${best.source.title}\n${best.heading}\n${best.text}`);
  const share = terms.reduce((sum, { token, mass }) => sum + (content.includes(token) ? mass : 0), 0);
  return share >= 0.5 * terms.reduce((sum, { mass }) => sum + mass, 0);
}
