import { isTable, type Layout } from './layout.ts';
import type { Fragment } from './lines.ts';

/** What most of a document's text looks like, and where it stands. */
export interface Look {
  bodySize: number;
  bodyFont: string;
  /** Edges of the text that runs over the whole width. */
  left: number;
  right: number;
}

/** A longer "heading" is text in a large font. */
const MAX_HEADING_CHARS = 80;
const ITEM =
  /^(?:[•·●○■□▪▶◆◇※➢✓√*–—-]\s?|[\d０-９]{1,3}[.、．)）](?!\d)|[（(][一二三四五六七八九十\d]{1,3}[）)]|[一二三四五六七八九十]{1,3}、|[①-⑳]|第[一二三四五六七八九十百千零〇\d]{1,6}[条章节編编]|[a-zA-Z][.)]\s)/;
/** Names of parts of a text: 第三章, 2.1, 一、, Chapter 2, Appendix. */
const NUMBERED =
  /^(?:第[一二三四五六七八九十百千零〇\d]{1,6}[章节篇编部卷]|\d{1,2}(?:\.\d{1,2}){0,3}[.、．]?\s?[^\d\s.,，%]|[一二三四五六七八九十]{1,3}、|附录|附件|Chapter \d|Section \d|Appendix )/;
const TEXT_END = /[。！？，；：,.;!?]$/;

/** Where a list item or an article of a rule begins, a line before it never goes on. */
export function startsItem(text: string): boolean {
  return ITEM.test(text);
}

/** A line of a table of contents. */
export function isContents(text: string): boolean {
  return /…\s?\d{1,4}$/.test(text);
}

export function readLook(layouts: Layout[]): Look {
  const sizes = new Map<number, number>();
  const fonts = new Map<string, number>();
  const lefts = new Map<number, number>();
  const rights: number[] = [];
  const widths = new Map<number, number>();
  for (const { zones, width } of layouts) {
    add(widths, width, 1);
    for (const zone of zones) {
      for (const line of zone.boxes) {
        if (isTable(line)) continue;
        add(sizes, Math.round(line.size * 2) / 2, line.text.length);
        add(fonts, line.font, line.text.length);
        if (zone.isColumn) continue;
        add(lefts, Math.round(line.x), line.text.length);
        if (line.text.length > 10) rights.push(line.right);
      }
    }
  }
  rights.sort((a, b) => a - b);
  const left = most(lefts) ?? 0;
  // Short lines alone don't show where the text's edge is; it is then about as far from the paper's as on the left.
  const least = 0.85 * ((most(widths) ?? 0) - left);
  return {
    bodySize: most(sizes) ?? 10,
    bodyFont: most(fonts) ?? '',
    left,
    right: Math.max(least, rights[Math.floor(rights.length * 0.95)] ?? 0),
  };
}

function add<K>(counts: Map<K, number>, key: K, amount: number): void {
  counts.set(key, (counts.get(key) ?? 0) + amount);
}

function most<K>(counts: Map<K, number>): K | undefined {
  let best: [K, number] | undefined;
  for (const entry of counts) if (!best || entry[1] > best[1]) best = entry;
  return best?.[0];
}

interface Surroundings {
  look: Look;
  above: Fragment | undefined;
  below: Fragment | undefined;
  column: { left: number; right: number };
}

/** A short line in a larger font than the text, or in another one and set apart, or with the number of a part. */
export function isHeadingLine(line: Fragment, { look, above, below, column }: Surroundings): boolean {
  const { text } = line;
  const chars = text.length / (/[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}]/u.test(text) ? 1 : 2);
  if (chars > MAX_HEADING_CHARS || !/\p{L}/u.test(text) || isContents(text)) return false;
  if (line.size >= 1.15 * look.bodySize) return true;
  const isShort = chars <= 30 && column.right - line.right > 2 * line.size && !TEXT_END.test(text);
  if (!isShort || !below || line.size < 0.95 * look.bodySize) return false;
  const isApart = !above || line.y - above.y > 1.35 * Math.min(below.y - line.y, 3 * line.size);
  const isOther = line.font !== look.bodyFont && below.font !== line.font && above?.font !== line.font;
  return isOther ? NUMBERED.test(text) || isApart : NUMBERED.test(text) && isApart && !startsItem(below.text);
}
