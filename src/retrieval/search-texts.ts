import { analyseQuery } from './analyse-query.ts';
import { passageScore, rarityOf } from './score.ts';
import { supportOf } from './search.ts';
import { tokenise } from './tokenise.ts';

/**
 * Searches texts that are in no index, few and short, as `searchPassages` does those that are: the places of those that
 * say most about the query with their scores, best first, and how far the best supports an answer.
 */
export function searchTexts(
  texts: readonly string[],
  query: string,
  limit: number,
): { found: { at: number; score: number }[]; support: number } {
  const terms = analyseQuery(query);
  const counts = texts.map((text) => countTokens(tokenise(text)));
  const average = counts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length);
  const rarities = terms.map(({ token }) => {
    const holding = counts.filter(({ counts: own }) => own.has(token)).length;
    return rarityOf(texts.length, holding);
  });
  const found = counts
    .map(({ counts: own, length }, at) => {
      const score = terms.reduce((sum, { token, weight }, term) => {
        const frequency = own.get(token) ?? 0;
        return sum + weight * rarities[term]! * passageScore(frequency, length, average);
      }, 0);
      return { at, score };
    })
    .filter(({ score }) => score > 0)
    .sort((x, y) => y.score - x.score || x.at - y.at)
    .slice(0, limit);
  const mass = terms.reduce((sum, term, at) => sum + term.mass * rarities[at]!, 0);
  return { found, support: supportOf(found[0]?.score ?? 0, mass, texts.length) };
}

function countTokens(tokens: readonly string[]): { counts: Map<string, number>; length: number } {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return { counts, length: tokens.length };
}
