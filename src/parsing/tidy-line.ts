/** A title or a name as one line of at most `maxChars` characters, without what can't be seen. */
export function tidyLine(text: string, maxChars: number): string {
  const line = text
    .toWellFormed()
    .replace(/[\s\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/g, ' ')
    .trim();
  return [...line.slice(0, 2 * maxChars)].slice(0, maxChars).join('');
}
