/** What a message holds: the user's own words, what it quotes, and the links to pictures and files. */
import { maxAttachments, type NewAttachment } from '../../message/attachment/store.ts';
import type { Content, Inbound } from '../inbound.ts';
import type { TextName } from '../texts.ts';

/** Of what is quoted, so much is context of the question. */
const maxQuotedChars = 2000;

/** A mention that is an item of its own, as WeCom puts it before a picture in a group. */
const loneMention = /^\s*[@＠][^\s@＠]{1,64}\s*$/;

/** What a message says in the user's own words: of a voice message WeCom's transcript, of a mixed one its texts. */
export function wordsOf(message: Content & { chattype?: Inbound['chattype'] }): string {
  const { msgtype, text, voice, mixed, chattype } = message;
  if (msgtype === 'text') return text?.content ?? '';
  if (msgtype === 'voice') return voice?.content ?? '';
  if (msgtype !== 'mixed') return '';
  const texts = (mixed?.msg_item ?? []).map((item) => (item.msgtype === 'text' ? (item.text?.content ?? '') : ''));
  if (chattype === 'group' && loneMention.test(texts[0] ?? '')) texts[0] = '';
  return texts.filter((each) => each.trim() !== '').join('\n');
}

/** What a message quotes, in words; empty: nothing. It is nobody's command, and not the user's own. */
export function quotedWordsOf({ quote }: Pick<Inbound, 'quote'>): string {
  if (quote === undefined) return '';
  return wordsOf(quote).trim().slice(0, maxQuotedChars).toWellFormed();
}

/** The pictures and files of a message and of its quote, in their order. One more than are taken stands for the rest. */
export function attachmentsOf(message: Inbound): NewAttachment[] {
  const own = linksOf(message).map((link) => ({ ...link, origin: 'own' as const }));
  const quoted = message.quote === undefined ? [] : linksOf(message.quote);
  const all = [...own, ...quoted.map((link) => ({ ...link, origin: 'quote' as const }))];
  return all
    .slice(0, maxAttachments + 1)
    .map((each, at) => (at < maxAttachments ? each : { ...each, link: undefined, reason: tooMany }));
}

const tooMany = `more than ${maxAttachments} pictures and files in one message`;
const withoutLink = 'it came without a link';

function linksOf({ msgtype, image, file, mixed }: Content): Omit<NewAttachment, 'origin'>[] {
  const toLink = (kind: NewAttachment['kind'], media: Content['image']) =>
    media === undefined ? { kind, link: undefined, reason: withoutLink } : { kind, link: media };
  if (msgtype === 'image') return [toLink('image', image)];
  if (msgtype === 'file') return [toLink('file', file)];
  if (msgtype !== 'mixed') return [];
  return (mixed?.msg_item ?? []).filter((item) => item.msgtype === 'image').map((item) => toLink('image', item.image));
}

/** What is said to a message that holds neither words nor what could be looked at. */
export function refusalOf({ msgtype }: Pick<Inbound, 'msgtype'>): TextName {
  if (msgtype === 'video') return 'videoUnsupported';
  return ['text', 'voice', 'mixed'].includes(msgtype) ? 'noWords' : 'typeUnsupported';
}
