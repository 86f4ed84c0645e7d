/** A text is wrapped by hand at some width in this range, counted in columns: a Chinese character takes two. */
const MIN_WIDTH = 40;
const MAX_WIDTH = 130;
const MIN_LINES = 4;
/** A line this near to the width is full; English words leave more room than Chinese characters. */
const FULL = 0.8;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
const SENTENCE_END = /[。！？!?.；;：:]["”』」）)]?$/;
/** What begins a line of its own. */
const BEGINS =
  /^(?:\s{2,}|[\t　]|[-*+•·●○■□◆▪➢√]\s?|[（(]?(?:\d{1,3}|[一二三四五六七八九十]{1,3}|[a-zA-Z])[)）.、．]|第[一二三四五六七八九十百\d]{1,5}[章节条]|[①-⑳]|>|#{1,6}\s)/;

/** The width at which the lines of a text are broken by hand; undefined where each line is a paragraph. */
export function findWrapWidth(lines: readonly string[]): number | undefined {
  const widths = lines.map(measure).filter((width) => width > 0);
  if (widths.length < MIN_LINES) return undefined;
  const sorted = widths.toSorted((a, b) => a - b);
  // One long line, such as a link, does not say how the others are broken.
  const width = sorted[Math.floor((sorted.length - 1) * 0.97)]!;
  if (width < MIN_WIDTH || width > MAX_WIDTH) return undefined;
  const long = lines.filter((line) => measure(line) >= width / 2);
  const full = long.filter((line) => measure(line) >= width * FULL);
  const ended = full.filter((line) => SENTENCE_END.test(line.trimEnd()));
  return full.length * 10 >= long.length * 7 && ended.length * 3 < full.length ? width : undefined;
}

/** Whether a line goes on in the next one. */
export function goesOn(line: string, next: string, width: number): boolean {
  return next.trim() !== '' && !BEGINS.test(next) && measure(line) >= width * FULL;
}

/** Two parts of a line, with a space between them where the script has spaces. */
export function joinParts(first: string, second: string): string {
  const isCjk = WIDE.test(first.slice(-1)) || WIDE.test(second.slice(0, 1));
  return isCjk || (/\p{L}-$/u.test(first) && /^\p{Ll}/u.test(second)) ? first + second : `${first} ${second}`;
}

function measure(line: string): number {
  let width = 0;
  for (let at = 0; at < line.length; at += 1) width += WIDE.test(line[at]!) ? 2 : 1;
  return width;
}
