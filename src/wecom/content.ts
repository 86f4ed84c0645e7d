/** WeCom takes so many bytes of UTF-8 in one content. */
export const maxContentBytes = 20_480;

/** Cuts a text where it has at most so many bytes: behind a line where one ends late enough, else behind a character. */
export function cutToBytes(text: string, maxBytes: number): { head: string; tail: string } {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return { head: text, tail: '' };
  let end = maxBytes;
  while ((bytes[end]! & 0xc0) === 0x80) end--; // within a character
  const whole = bytes.toString('utf8', 0, end);
  const lineEnd = whole.lastIndexOf('\n');
  const head = lineEnd > whole.length / 2 ? whole.slice(0, lineEnd) : whole;
  return { head, tail: text.slice(head.length).replace(/^\n+/, '') };
}
