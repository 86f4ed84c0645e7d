/** What stands between `start` and `end` of a source is to be replaced by `text`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Applies edits; of two that overlap, the one that begins first. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) continue;
    result += source.slice(at, start) + text;
    at = end;
  }
  return result + source.slice(at);
}
