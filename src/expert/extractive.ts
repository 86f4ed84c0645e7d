import { cite } from './cite.ts';
import type { Answer, Expert, Found } from './expert.ts';
import { quote } from './quote.ts';
import { searchWithFiles } from './search-files.ts';
import { searchFor } from './search-for.ts';

/**
 * From what support on it answers. Measured over 1,958 passages of CMRC 2018, it answers 97.6 % of the questions that
 * can be answered and refuses 94.8 % of XQuAD's, which can't; over 65 passages, all and 94 %.
 */
export const extractiveThreshold = 0.5;

export interface ExtractiveOptions {
  /** Below this support it refuses. */
  threshold: number;
  /** About how long an answer may be, in Chinese characters. */
  maxAnswerChars?: number;
}

/** So many of the found passages are quoted from at most. */
const maxPassages = 5;

/** The built-in expert: it answers in the words of what was found, and of nothing else. */
export function createExtractiveExpert(options: ExtractiveOptions): Expert {
  const { maxAnswerChars = 120 } = options;
  return {
    name: 'extractive',
    async *answer(question, search, signal) {
      const threshold = question.threshold ?? options.threshold;
      const both = searchWithFiles(search, question.attachments);
      const { searched, found } = await searchFor(question, both, { threshold, limit: maxPassages });
      signal.throwIfAborted();
      yield { type: 'final', answer: answerFrom(searched, found, threshold, maxAnswerChars) };
    },
  };
}

function answerFrom(searched: string, found: Found, threshold: number, room: number): Answer {
  const refused = found.passages.length === 0 || found.support < threshold;
  const { text, used } = refused ? { text: '', used: [] } : quote(searched, found.passages, room);
  return {
    text,
    citations: cite(used.map((at) => found.passages[at]!)),
    refused: text === '',
    trace: {
      expert: 'extractive',
      searched,
      support: found.support,
      threshold,
      passages: found.passages.map((passage, at) => ({ ...passage, cited: used.includes(at) })),
    },
  };
}
