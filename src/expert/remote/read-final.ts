import type { Final } from '../../../gen/expert/v1/expert_pb.ts';
import { tidy } from '../tidy.ts';
import { RemoteFailure } from './failure.ts';

/** An engine's answer, of which every part holds to the contract. */
export interface RemoteAnswer {
  /** Empty when refused, and then only. */
  text: string;
  /** The passages that it cites, by number from 1, in the order of their first use. */
  cited: number[];
  refused: boolean;
  /** The numbers that point at no passage: `citation 9 of 3`. */
  dropped: string[];
  /** As the engine counted them, where it did. */
  tokens: { prompt: number; completion: number } | undefined;
  /** Whether it says that it has looked at the pictures. */
  sawPictures: boolean;
  /** What it says that answered. */
  model: string | undefined;
}

const maxTextChars = 20_000;
const maxModelChars = 200;
const maxDropped = 20;
/** No answer takes more: beyond this the engine counts something else. */
const maxTokens = 10_000_000;

/** What a draft or a final may show. Throws a RemoteFailure when it is too long. */
export function readText(text: string): string {
  if (isLonger(text, maxTextChars)) throw new RemoteFailure('too long', { isEngines: false });
  return tidy(text).toWellFormed();
}

/** Reads the final of an engine that was given so many passages. Throws a RemoteFailure when it cannot be shown. */
export function readFinal(final: Final, passages: number): RemoteAnswer {
  const { refused, promptTokens: prompt, completionTokens: completion } = final;
  const text = refused ? '' : readText(final.text);
  if (text === '' && !refused) throw new RemoteFailure('empty answer', { isEngines: false });
  const cited = new Set<number>();
  const dropped = new Set<string>();
  for (const number of refused ? [] : final.cited) {
    if (number >= 1 && number <= passages) cited.add(number);
    else if (dropped.size < maxDropped) dropped.add(`citation ${number} of ${passages}`);
  }
  const isCounted = prompt + completion > 0 && prompt <= maxTokens && completion <= maxTokens;
  const model = tidy(final.model.slice(0, maxModelChars)).replaceAll('\n', ' ').toWellFormed();
  return {
    ...{ text, cited: [...cited], refused, dropped: [...dropped] },
    sawPictures: final.sawPictures,
    tokens: isCounted ? { prompt, completion } : undefined,
    model: model === '' ? undefined : model,
  };
}

/** Counts characters, not UTF-16 units, without going through a text that is far too long. */
function isLonger(text: string, maxChars: number): boolean {
  if (text.length <= maxChars) return false;
  return text.length > 2 * maxChars || [...text].length > maxChars;
}
