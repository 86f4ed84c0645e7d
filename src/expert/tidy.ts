/** A text as an answer may show it: without control characters, or more than one blank line at a time. */
export function tidy(text: string): string {
  return text
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
