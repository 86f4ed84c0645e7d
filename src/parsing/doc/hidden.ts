import { eachProperty, type Formatting } from './formatting.ts';
import type { DocText } from './text.ts';

const IS_DELETED = 0x0800;
const IS_HIDDEN = 0x083c;

/** Which characters are not seen in the document: 1 for text that is hidden, or deleted with changes being tracked. */
export function findHidden({ text, pieces }: DocText, runs: readonly Formatting[]): Uint8Array {
  const hidden = new Uint8Array(text.length);
  const spans = joinSpans(runs.filter(isUnseen));
  for (const { start, end, fileStart, charBytes } of pieces) {
    const fileEnd = fileStart + (end - start) * charBytes;
    for (let at = firstBehind(spans, fileStart); (spans[at]?.fileStart ?? fileEnd) < fileEnd; at += 1) {
      const from = Math.max(0, Math.ceil((spans[at]!.fileStart - fileStart) / charBytes));
      const to = Math.min(end - start, Math.ceil((spans[at]!.fileEnd - fileStart) / charBytes));
      hidden.fill(1, start + from, start + to);
    }
  }
  return hidden;
}

function isUnseen({ properties }: Formatting): boolean {
  let is = false;
  eachProperty(properties, (code, at) => {
    if (code === IS_DELETED || code === IS_HIDDEN) is ||= (properties.getUint8(at) & 1) === 1;
  });
  return is;
}

/** Spans by their start, none overlapping another: so a piece is marked in time linear in its length. */
function joinSpans(spans: readonly Formatting[]): { fileStart: number; fileEnd: number }[] {
  const joined: { fileStart: number; fileEnd: number }[] = [];
  for (const { fileStart, fileEnd } of spans) {
    const last = joined.at(-1);
    if (last && fileStart <= last.fileEnd) last.fileEnd = Math.max(last.fileEnd, fileEnd);
    else if (fileEnd > fileStart) joined.push({ fileStart, fileEnd });
  }
  return joined;
}

/** The first span that ends behind a position. */
function firstBehind(spans: readonly { fileEnd: number }[], position: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.fileEnd <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
