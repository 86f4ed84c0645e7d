/** Numbers as headings count: 一, 十二, 〇, 12. */
const COUNT = '[一二三四五六七八九十百千零〇两\\d]{1,7}';
const MAX_HEADING_CHARS = 40;
/** What a heading of these forms is not: a sentence, a part of one, or a line of a table of contents. */
const SENTENCE = /[。！？；，!?;,]|[.：:]$|\.{3}|…|·{3}|\t/;

const FORMS: readonly { form: RegExp; maxChars: number }[] = [
  { form: new RegExp(`^第${COUNT}[章节節编編篇卷部](?:分)?(?:[\\s　:：、]|$|(?=\\p{sc=Han}))`, 'u'), maxChars: 40 },
  { form: new RegExp(`^第${COUNT}[条條款](?:[\\s　:：、]|$|(?=[【（(]))`, 'u'), maxChars: 20 },
  { form: /^[一二三四五六七八九十]{1,3}、\s?\S/u, maxChars: 25 },
  { form: /^\d{1,2}(?:\.\d{1,2}){1,3}\.?\s{1,4}[\p{L}“"《]\S/u, maxChars: 40 },
  { form: /^(?:chapter|section|part|article|appendix)\s{1,3}(?:\d{1,3}|[ivxlc]{1,6}|[a-z])\b/i, maxChars: 60 },
  { form: /^附(?:录|錄|件)\s?[一二三四五六七八九十\dA-Z]{1,3}(?:[\s　:：]|$)/u, maxChars: 40 },
  { form: /^【[^【】]{1,24}】$/u, maxChars: 26 },
];

/**
 * The heading that a line is; undefined for any other line. Only forms that headings alone have: Markdown's, chapters
 * and articles by number, short lines counted with 一、 or 1.2, and a line in 【】. The line is tidied already.
 */
export function findHeading(line: string): string | undefined {
  const markdown = /^#{1,6}\s+(\S.{0,198})$/u.exec(line)?.[1];
  if (markdown) return markdown.replace(/\s?#{1,6}$/, '');
  if (line.length > 2 * MAX_HEADING_CHARS || SENTENCE.test(line)) return undefined;
  return FORMS.some(({ form, maxChars }) => line.length <= maxChars && form.test(line)) ? line : undefined;
}
