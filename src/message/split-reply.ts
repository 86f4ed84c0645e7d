/** A segment of an answer holds at most so many bytes of UTF-8 on the WeChat side. */
export const maxSegmentBytes = 2048;

/**
 * Splits a text into segments within `maxBytes` of UTF-8, at the last sentence end that fits, else at the last white
 * space or comma, else between two characters as people see them. Nothing but white space at a cut is lost.
 */
export function splitReply(text: string, maxBytes = maxSegmentBytes): string[] {
  const segments: string[] = [];
  let rest = text.trim();
  while (Buffer.byteLength(rest) > maxBytes) {
    const head = headWithin(rest, maxBytes);
    const cut = lastCut(head, /[。！？!?；;…\n]["'”’」』）)]*/g) ?? lastCut(head, /[\s，,、：:]/g) ?? head.length;
    segments.push(rest.slice(0, cut).trim());
    rest = rest.slice(cut).trim();
  }
  if (rest !== '') segments.push(rest);
  return segments.filter((segment) => segment !== '');
}

/** The longest beginning within the limit that ends between two graphemes (or, for a giant one, code points). */
function headWithin(text: string, maxBytes: number): string {
  // A byte is at least a third of a UTF-16 unit here, so this bounds what is looked at.
  const window = text.slice(0, maxBytes + 1);
  const byGrapheme = longest(
    Array.from(new Intl.Segmenter().segment(window), ({ segment }) => segment),
    maxBytes,
  );
  return byGrapheme === '' ? longest(Array.from(window), maxBytes) : byGrapheme;
}

function longest(parts: string[], maxBytes: number): string {
  let bytes = 0;
  let taken = '';
  for (const part of parts) {
    bytes += Buffer.byteLength(part);
    if (bytes > maxBytes) break;
    taken += part;
  }
  return taken;
}

/** Where the last match in the second half ends: earlier cuts would make segments needlessly short. */
function lastCut(head: string, pattern: RegExp): number | undefined {
  let cut: number | undefined;
  for (const match of head.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (end >= head.length / 2) cut = end;
  }
  return cut;
}
