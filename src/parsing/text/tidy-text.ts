/** Zero-width, bidirectional, soft-hyphen and tag characters, and every control that is not white space. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|(?![\t-\r\u0085])\p{Cc}/gu;

/** A text as one line, without what is not seen, and with single spaces; it may be empty. */
export function tidyText(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(/[\s\u0085\u2800]+/gu, ' ')
    .trim();
}
