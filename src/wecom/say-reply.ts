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

/** What is said of what came with a question is the bot's own already. */
const fixedNames: Partial<Record<FixedReason, TextName>> = {
  still_learning: 'stillLearning',
  voice_unsupported: 'voiceUnsupported',
  failed: 'failed',
  blocked: 'blocked',
};

/** What a bot says of an answer: rendered for WeCom, all that isn't the expert's in the bot's own words. */
export function sayReply(
  { config, texts }: Pick<Context, 'config' | 'texts'>,
  bot: Pick<Integration, 'language' | 'texts'>,
  { text, citations, refused, fixedText }: ReplyText,
): Answer {
  const name = fixedText !== undefined ? fixedNames[fixedText] : refused ? 'refusal' : undefined;
  if (name !== undefined) return { body: textOf(bot, name, config), isCut: false, tail: '' };
  const end = labelEnd(texts.label);
  const isLabelled = text.endsWith(end);
  const { head, tail } = cutToBytes(isLabelled ? text.slice(0, -end.length) : text, maxBodyBytes);
  const quotation = formatQuotation(citations, standardTexts(bot.language));
  const sources = quotation === '' ? '' : `${textOf(bot, 'sources')}\n${defuseThink(quotation)}`;
  const label = isLabelled ? textOf(bot, 'label', config) : '';
  return {
    body: renderMarkdown(head),
    isCut: tail !== '',
    tail: [label, sources].filter((part) => part !== '').join('\n\n'),
  };
}
