import type { Context } from '../context.ts';
import { type FixedReason, labelEnd } from '../message/compose-answer.ts';
import { standardTexts } from '../message/fixed-texts.ts';
import { formatQuotation } from '../message/quotation.ts';
import type { ReplyText } from '../message/reply-channel.ts';
import { cutToBytes, maxContentBytes } from './content.ts';
import type { Integration } from './integration/store.ts';
import type { Answer } from './lay-out.ts';
import { defuseThink, renderMarkdown } from './markdown/index.ts';
import { type TextName, textOf } from './texts.ts';

/** More of an answer is never sent, however it is laid out; and no more is parsed. */
const maxBodyBytes = 3 * maxContentBytes;

/** What stands in place of an answer, and is said in the bot's own words. What else does is in them already. */
const fixedNames = {
  still_learning: 'stillLearning',
  voice_unsupported: 'voiceUnsupported',
  failed: 'failed',
  blocked: 'blocked',
} as const satisfies Partial<Record<FixedReason, TextName>>;

/** The texts that have a counterpart for all channels. */
type Common = (typeof fixedNames)[keyof typeof fixedNames] | 'refusal';

/** What may stand behind a label, in characters: it was said of what came with the question. */
const maxNoteCharacters = 4000;

/** What a bot says of an answer: rendered for WeCom, all that isn't the expert's in the bot's own words. */
export function sayReply(
  { config, texts }: Pick<Context, 'config' | 'texts'>,
  bot: Pick<Integration, 'language' | 'texts'>,
  { text, citations, refused, fixedText }: ReplyText,
): Answer {
  const names: Partial<Record<FixedReason, Common>> = fixedNames;
  const name = fixedText !== undefined ? names[fixedText] : refused ? 'refusal' : undefined;
  if (name !== undefined) {
    const note = text.startsWith(texts[name]) ? text.slice(texts[name].length) : '';
    return { body: textOf(bot, name, config) + note, isCut: false, tail: '' };
  }
  const { answer, isLabelled, note } = takeLabel(text, labelEnd(texts.label));
  const { head, tail } = cutToBytes(answer, maxBodyBytes);
  const quotation = formatQuotation(citations, standardTexts(bot.language));
  const sources = quotation === '' ? '' : `${textOf(bot, 'sources')}\n${defuseThink(quotation)}`;
  const label = isLabelled ? textOf(bot, 'label', config) : '';
  const end = [label, note, sources].filter((part) => part !== '').join('\n\n');
  const body = renderMarkdown(head);
  // What shows nothing is ignored by WeCom, and the bubble would think for ever.
  if (!/[^\s\p{Cf}]/u.test(body + end)) return { body: textOf(bot, 'failed', config), isCut: false, tail: '' };
  return { body, isCut: tail !== '', tail: end };
}

/** Takes an answer apart at its label, where it has one. */
function takeLabel(text: string, end: string): { answer: string; isLabelled: boolean; note: string } {
  const at = text.lastIndexOf(end);
  const note = text.slice(at + end.length);
  const isLabelled = at !== -1 && (note === '' || (note.startsWith('\n\n') && note.length <= maxNoteCharacters));
  return isLabelled
    ? { answer: text.slice(0, at), isLabelled, note: note.trim() }
    : { answer: text, isLabelled, note: '' };
}
