import { termOf } from './postings.ts';
import { normalise, tokenise, tokenizerVersion } from './tokenise.ts';
import { functionWords, lightWords, questionPhrases, synonyms } from './words.ts';

/** A token that a question is searched by. */
export interface QueryTerm {
  token: string;
  /** Its number in the index. */
  term: number;
  /** What finding it is worth, times its rarity. */
  weight: number;
  /** What missing it says against a text, times its rarity. */
  mass: number;
}

/** WeChat's messages have at most 2,048 bytes; what is longer is searched by its beginning. */
const maxQueryChars = 2000;
const maxQueryTerms = 512;

/** Of a pair of characters that belong to two words (票开 in 门票开放), and of a light word. */
const lightMass = 0.3;
const synonymWeight = 0.6;

const phrases = new RegExp([...questionPhrases].sort((a, b) => b.length - a.length).join('|'), 'g');
const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });

/**
 * The terms of a question without what only makes it a question. The words that Intl.Segmenter finds decide on weights
 * alone: with another version of its dictionary an index stays valid.
 */
export function analyseQuery(query: string, version = tokenizerVersion): QueryTerm[] {
  const text = normalise(query.slice(0, maxQueryChars), version);
  const masses = new Map<string, number>();
  let kept = '';
  for (const { segment, isWordLike } of segmenter.segment(text.replace(phrases, ' '))) {
    if (!isWordLike || functionWords.has(segment)) {
      kept += ' ';
      continue;
    }
    kept += segment;
    const mass = lightWords.has(segment) ? lightMass : 1;
    for (const token of tokenise(segment, version)) masses.set(token, Math.max(mass, masses.get(token) ?? 0));
  }
  const tokens = new Set(tokenise(kept, version).slice(0, 2 * maxQueryTerms));
  const terms = [...tokens]
    .slice(0, maxQueryTerms)
    .map((token) => ({ token, term: termOf(token), weight: 1, mass: masses.get(token) ?? lightMass }));
  return [...terms, ...synonymTerms(text, tokens)];
}

/** The terms of a question to indexes that were built by these versions of the tokenizer, each once. */
export function analyseForVersions(query: string, versions: readonly number[]): QueryTerm[] {
  const terms = [...new Set(versions)].flatMap((version) => analyseQuery(query, version));
  return [...new Map(terms.toReversed().map((term) => [term.term, term])).values()].toReversed();
}

/** Terms for the other words of each group of which the question has one. */
function synonymTerms(text: string, tokens: ReadonlySet<string>): QueryTerm[] {
  const found = new Set<string>();
  for (const group of synonyms) {
    // A single character counts only where it is searched for itself.
    if (!group.some((word) => text.includes(word) && (word.length > 1 || tokens.has(word)))) continue;
    for (const word of group) if (!text.includes(word)) for (const token of tokensOf(word)) found.add(token);
  }
  return [...found]
    .filter((token) => !tokens.has(token))
    .map((token) => ({ token, term: termOf(token), weight: synonymWeight, mass: 0 }));
}

/** Of a longer word only the pairs: its single characters would find too much. */
function tokensOf(word: string): string[] {
  return word.length === 1 ? [word] : tokenise(word).filter((token) => token.length > 1);
}
