import type { Moderate } from './moderation.ts';
import type { WordList } from './word-list.ts';

/** Says what is not to be shown, or asked, or learned. Its methods throw a ModerationFailure, or the signal's reason. */
export interface Guard {
  /** Undefined where the text is fine, else why it is not: `word list` or `moderation (violence)`. */
  check(text: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * For the texts of a file, each by itself: the place of the first that the word list flags, or else of the first that
   * the endpoint does, and why; undefined where all are fine.
   */
  checkAll(texts: readonly string[], signal: AbortSignal): Promise<{ index: number; reason: string } | undefined>;
}

/** So many are handed to the endpoint before it is looked whether one is flagged. */
const textsAtOnce = 32;

/** Makes a guard of what there is; undefined where there is nothing. */
export function createGuard({
  words,
  moderate,
}: {
  words?: WordList | undefined;
  moderate?: Moderate | undefined;
}): Guard | undefined {
  if (words === undefined && moderate === undefined) return undefined;
  return {
    async check(text, signal) {
      if (await words?.findWordInTurns([text], signal)) return wordReason;
      const names = (await moderate?.([text], signal))?.[0];
      return names && moderationReason(names);
    },
    async checkAll(texts, signal) {
      const found = await words?.findWordInTurns(texts, signal);
      if (found !== undefined) return { index: found.index, reason: wordReason };
      if (moderate === undefined) return undefined;
      for (let from = 0; from < texts.length; from += textsAtOnce) {
        const names = await moderate(texts.slice(from, from + textsAtOnce), signal);
        const at = names.findIndex((each) => each !== undefined);
        if (at !== -1) return { index: from + at, reason: moderationReason(names[at]!) };
      }
      return undefined;
    },
  };
}

const wordReason = 'word list';

function moderationReason(names: string): string {
  return `moderation (${names})`;
}
