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
    const cut = findCut(rest, maxBytes);
    segments.push(rest.slice(0, cut).trim());
    rest = rest.slice(cut).trim();
  }
  if (rest !== '') segments.push(rest);
  return segments;
}

/** ASCII signs end a sentence only before white space or another script: there are also addresses, numbers and times. */
const sentenceEnds = /[。！？；…\n]+["'”’」』）)]*|[!?;]["'”’」』）)]*(?![!-~])|\.["'”’)]*(?=\s)/g;
const pauses = /[\s，、：]|[,:](?![!-~])/g;

/** Where the first segment of a text that is too long ends. */
function findCut(text: string, maxBytes: number): number {
  // A UTF-16 unit is at least a byte, so more than this can't fit.
  const window = text.slice(0, maxBytes + 1);
  const ends = endsWithin(window, maxBytes);
  return lastMatch(window, sentenceEnds, ends) ?? lastMatch(window, pauses, ends) ?? ends.at(-1)!;
}

/** The ends of the characters that fit, as people see them; of code points, where the first one is too large. */
function endsWithin(window: string, maxBytes: number): number[] {
  const graphemes = Array.from(new Intl.Segmenter().segment(window), ({ segment }) => segment);
  const ends = endsOf(graphemes, maxBytes);
  return ends.length > 0 ? ends : endsOf(Array.from(window), maxBytes);
}

function endsOf(parts: readonly string[], maxBytes: number): number[] {
  const ends: number[] = [];
  let bytes = 0;
  for (const part of parts) {
    bytes += Buffer.byteLength(part);
    if (bytes > maxBytes) break;
    ends.push((ends.at(-1) ?? 0) + part.length);
  }
  return ends;
}

/** Where the last match ends, in the second half of what fits: earlier cuts would make segments needlessly short. */
function lastMatch(window: string, pattern: RegExp, ends: readonly number[]): number | undefined {
  const allowed = new Set(ends.filter((end) => end >= ends.at(-1)! / 2));
  return Array.from(window.matchAll(pattern), (match) => match.index + match[0].length)
    .filter((end) => allowed.has(end))
    .at(-1);
}
