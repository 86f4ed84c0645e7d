import { marks } from './citation-marks.ts';

/** What shows nothing, or turns the direction of what does: orders can be hidden in it from those who read the text. */
const unseen = /[\0-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
/** [2024] is near a citation; [INST] and the like are control tokens to some models. */
const likeMark = /[[【](?=[\d\s,，、^]{1,80}[\]】]|\/?[A-Z_]{2,40}\])/g;

/**
 * A text that others wrote, as a model may be given it: at most so many characters, without characters that nobody
 * sees, and without what a model takes for structure (tags, control tokens such as <|im_end|>, citation marks). It
 * reads the same: brackets become those of full width.
 */
export function quoteData(text: string, maxChars: number, { isOneLine = false } = {}): string {
  const quoted = text
    .slice(0, maxChars)
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(unseen, '')
    .replaceAll('<', '＜')
    .replaceAll('>', '＞');
  // Blanks first: fewer of them may make a mark.
  return (isOneLine ? quoted.replace(/\s{1,1000}/g, ' ') : quoted)
    .replace(likeMark, '［')
    .replace(marks, (mark) => `［${mark.slice(1)}`)
    .trim();
}
