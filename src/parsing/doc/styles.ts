import { type DocFile, ranges, tableRange } from './file.ts';

/** What a style of the document makes of its paragraphs. */
export type StyleKind = { heading: number } | 'contents' | undefined;

/** Numbers of the styles that Word brings along. */
const HEADING_1 = 1;
const HEADING_9 = 9;
const CONTENTS_1 = 19;
const CONTENTS_9 = 27;
const TITLE = 62;
const MAX_CHAIN = 20;

/** The meaning of each style, by its place in the document's list of styles; a style has that of the one it is made from. */
export function readDocStyles(file: DocFile): StyleKind[] {
  const range = tableRange(file, ranges.styles);
  if (range.byteLength < 4) return Array.from({ length: HEADING_9 + 1 }, (_, place) => kindOf(place));
  const count = range.getUint16(2, true);
  const styles: { builtIn: number; base: number }[] = [];
  for (let at = 2 + range.getUint16(0, true); styles.length < count && at + 2 <= range.byteLength; ) {
    const size = range.getUint16(at, true);
    const isUsed = size >= 4 && at + 6 <= range.byteLength;
    styles.push({
      builtIn: isUsed ? range.getUint16(at + 2, true) & 0xfff : 0xfff,
      base: isUsed ? range.getUint16(at + 4, true) >> 4 : 0xfff,
    });
    at += 2 + size + (size % 2);
  }
  return styles.map((style) => {
    let from: { builtIn: number; base: number } | undefined = style;
    for (let hops = 0; from && hops < MAX_CHAIN; hops += 1) {
      const kind = kindOf(from.builtIn);
      if (kind) return kind;
      from = styles[from.base];
    }
    return undefined;
  });
}

function kindOf(builtIn: number): StyleKind {
  if (builtIn >= HEADING_1 && builtIn <= HEADING_9) return { heading: builtIn };
  if (builtIn === TITLE) return { heading: 1 };
  return builtIn >= CONTENTS_1 && builtIn <= CONTENTS_9 ? 'contents' : undefined;
}
