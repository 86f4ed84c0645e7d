import { randomBytes } from 'node:crypto';
import type { AttachedImage, FoundPassage, Question, Turn } from '../expert.ts';
import { estimateTokens } from './estimate-tokens.ts';
import { type Frame, frameFor } from './frame.ts';
import { quoteData } from './quote-data.ts';

const maxTitleChars = 200;
const maxTextChars = 2000;
const maxQuestionChars = 4000;
const maxQuotedChars = 2000;
const maxInstructionChars = 20_000;

/** What a model is asked. */
export interface Prompt {
  system: string;
  user: string;
  /** What it looks at beside the texts. */
  pictures: readonly AttachedImage[];
  /** About how many tokens it is. */
  tokens: number;
}

/** A picture takes about so many tokens of common models. */
const tokensOfPicture = 1500;

/** What is read to a model: passages of documents and files, then pictures, numbered as one. */
export interface Sources {
  passages: FoundPassage[];
  pictures: readonly AttachedImage[];
  /** Of the files among them, so many characters are left out. */
  leftOutChars: number;
}

/**
 * Writes the prompt: our rules and the assistant's instructions for the system; the turns before, as many of the last
 * ones as `historyTokens` allows, the sources, numbered from 1, and the question as data. Data stands between tags with
 * a key of this one prompt, and holds no angle bracket: no planted text can end its block or open another.
 */
export function writePrompt(
  question: Question,
  { passages, pictures, leftOutChars }: Sources,
  historyTokens: number,
): Prompt {
  const { text, quoted = '' } = question;
  const frame = frameFor(
    [text, quoted, ...passages.slice(0, 1).map((each) => each.text)].find((each) => each !== '') ?? '',
  );
  const key = randomBytes(12).toString('hex');
  const instructions = question.instructions.slice(0, maxInstructionChars).toWellFormed().trim();
  const system = [frame.rules(key), ...(instructions === '' ? [] : [`${frame.instructions}\n${instructions}`])];
  const turns = lastTurns(question.history, historyTokens).map(
    ({ speaker, content }) => `<turn-${key} speaker="${speaker}">\n${content}\n</turn-${key}>`,
  );
  const block = (name: string, content: string, maxChars: number) =>
    `<${name}-${key}>\n${quoteData(content, maxChars)}\n</${name}-${key}>`;
  const user = [
    ...(turns.length === 0 ? [] : [frame.history, ...turns]),
    frame.sources,
    ...passages.map((passage, at) => writeSource(frame, passage, { key, number: at + 1 })),
    ...pictures.map((_, at) => {
      return `<source-${key} number="${passages.length + at + 1}">\n${frame.picture(at + 1)}\n</source-${key}>`;
    }),
    ...(leftOutChars === 0 ? [] : [frame.leftOut(leftOutChars)]),
    ...(quoted === '' ? [] : [frame.quoted, block('quote', quoted, maxQuotedChars)]),
    ...(text === '' ? [frame.noWords] : [frame.question, block('question', text, maxQuestionChars)]),
    frame.reminder(key),
  ];
  const prompt = { system: system.join('\n\n'), user: user.join('\n'), pictures };
  const tokens = estimateTokens(prompt.system) + estimateTokens(prompt.user) + tokensOfPicture * pictures.length;
  return { ...prompt, tokens };
}

function writeSource(
  frame: Frame,
  { source, page, heading, text }: FoundPassage,
  { key, number }: { key: string; number: number },
): string {
  const title = quoteData(source.title, maxTitleChars, { isOneLine: true });
  const under = quoteData(heading, maxTitleChars, { isOneLine: true });
  const place = [...(page === undefined ? [] : [frame.page(page)]), ...(under === '' ? [] : [under])];
  const lines = [
    ...(title === '' ? [] : [frame.title + title]),
    ...(place.length === 0 ? [] : [frame.place + place.join(' · ')]),
    quoteData(text, maxTextChars),
  ];
  return `<source-${key} number="${number}">\n${lines.join('\n')}\n</source-${key}>`;
}

/** The last turns that fit, as data, oldest first. */
function lastTurns(history: readonly Turn[], historyTokens: number): Turn[] {
  const turns: Turn[] = [];
  let left = historyTokens;
  for (const { speaker, content } of history.toReversed()) {
    const quoted = quoteData(content, 4 * historyTokens + 1);
    left -= estimateTokens(quoted);
    if (left < 0) break;
    turns.unshift({ speaker, content: quoted });
  }
  return turns;
}
