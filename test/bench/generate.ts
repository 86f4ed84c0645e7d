/**
 * As many documents as are wanted, from little material. A generated passage is a row of real sentences in which most
 * of the words with a meaning are replaced: some by words of the document's topic, so that they recur in it, the others
 * by words of a vocabulary in which the n-th occurs about as often as 1/n. Behind the real words, the vocabulary goes on
 * with invented ones, made of the characters that real words are made of: so the number of terms grows with the corpus,
 * and common terms stay common, as in real text. Every document follows from the seed and its number alone.
 */
import type { FetchedItem } from '../../src/article/fetch.ts';
import { splitPassages } from '../../src/parsing/split-passages.ts';
import { cutSentences } from '../../src/retrieval/split-sentences.ts';
import { functionWords, lightWords } from '../../src/retrieval/words.ts';
import { createRandom, type Random } from '../support/random.ts';
import type { Material, Text } from './material.ts';

const seed = 20181122;
const passageChars = 190;
const passagesOfDocument = 5;

const inventedWords = 20_000;
/** The larger, the less the most frequent words stand out. */
const zipfOffset = 20;
const topicWords = 30;
const topicShare = 0.2;
const vocabularyShare = 0.12;

/** A document as it is learned, with its passages. */
export type BenchDocument = FetchedItem & { content: NonNullable<FetchedItem['content']> };

/** A sentence in parts; those that are replaced are marked. */
type Pattern = { word: string; isReplaced: boolean }[];

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });

/** Yields documents until they have so many passages: the real ones spread among the generated ones. */
export function* generateDocuments(material: Material, passages: number): Generator<BenchDocument> {
  const real = material.texts.map(splitReal);
  const realPassages = real.reduce((sum, { length }) => sum + length, 0);
  // Every so many documents one is real, as long as there are any.
  const every = Math.max(2, Math.floor((passages - realPassages) / passagesOfDocument / real.length) + 1);
  const patterns = patternsOf(material.texts);
  const vocabulary = vocabularyOf(patterns);
  for (let number = 0, left = passages; left > 0; number++) {
    const at = number / every;
    const isReal = Number.isInteger(at) && at < real.length;
    const title = isReal ? material.texts[at]!.title : '';
    const whole = isReal ? real[at]! : invent(createRandom(seed + number), patterns, vocabulary);
    const content = { title, url: '', passages: whole.slice(0, left).map((text) => ({ heading: '', text })) };
    left -= content.passages.length;
    if (content.passages.length > 0) yield { articleId: `bench-${number}`, msgidx: 1, content };
  }
}

function splitReal({ text }: Text): string[] {
  const blocks = text.split('\n').map((line) => ({ kind: 'text' as const, text: line }));
  return splitPassages(blocks, { targetChars: passageChars, maxChars: 2 * passageChars }).map(
    (passage) => passage.text,
  );
}

function patternsOf(texts: readonly Text[]): Pattern[] {
  return texts
    .flatMap(({ text }) => cutSentences(text))
    .filter((sentence) => sentence.length >= 8 && sentence.length <= passageChars)
    .map((sentence) =>
      [...segmenter.segment(sentence)].map(({ segment }) => ({ word: segment, isReplaced: isTelling(segment) })),
    );
}

function isTelling(word: string): boolean {
  return /^\p{Script=Han}+$/u.test(word) && !functionWords.has(word) && !lightWords.has(word);
}

/** Words by falling frequency: the real ones, then the invented ones. */
function vocabularyOf(patterns: readonly Pattern[]): string[] {
  const counts = new Map<string, number>();
  for (const pattern of patterns) {
    for (const { word, isReplaced } of pattern) if (isReplaced) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].sort(([x, n], [y, m]) => m - n || (x < y ? -1 : 1)).map(([word]) => word);
  const characters = [...words.join('')];
  const random = createRandom(seed);
  const invented = Array.from({ length: inventedWords }, () => {
    const length = random.chance(0.75) ? 2 : 3;
    return Array.from({ length }, () => random.pick(characters)).join('');
  });
  return [...words, ...invented];
}

/** The rank is spread as 1 / (rank + offset). */
function zipf(random: Random, words: readonly string[]): string {
  const share = random.below(2 ** 31) / 2 ** 31;
  const rank = Math.floor(zipfOffset * ((words.length / zipfOffset + 1) ** share - 1));
  return words[Math.min(rank, words.length - 1)]!;
}

function invent(random: Random, patterns: readonly Pattern[], vocabulary: readonly string[]): string[] {
  const topic = Array.from({ length: topicWords }, () => zipf(random, vocabulary));
  const fill = ({ word, isReplaced }: Pattern[number]) => {
    if (!isReplaced) return word;
    if (random.chance(topicShare)) return random.pick(topic);
    return random.chance(vocabularyShare / (1 - topicShare)) ? zipf(random, vocabulary) : word;
  };
  return Array.from({ length: passagesOfDocument }, () => {
    let text = '';
    while (text.length < passageChars - 20) text += random.pick(patterns).map(fill).join('');
    return text;
  });
}
