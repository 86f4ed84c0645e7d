/** Characters written without spaces between them, with their punctuation. */
const CJK = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Bopomofo}\\u3001-\\u303f\\uff01-\\uff60\\uffe0-\\uffe6';
const CJK_PUNCTUATION =
  '\\u3001-\\u3004\\u3008-\\u301f\\u30fb\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65';
const CJK_END = new RegExp(`[${CJK}]$`, 'u');
const CJK_START = new RegExp(`^[${CJK}]`, 'u');
const SPACED_PAIR = new RegExp(`(?<=[${CJK}]) (?=[${CJK}])`, 'gu');
const CLOSE_PAIR = new RegExp(`(?<=[${CJK}])(?=[${CJK}])`, 'gu');
const SPACE_BY_PUNCTUATION = new RegExp(`(?<=[${CJK_PUNCTUATION}]) | (?=[${CJK_PUNCTUATION}])`, 'gu');

/** Zero-width, bidirectional and tag characters, and every control that is not white space. Not the soft hyphen. */
const INVISIBLE = /(?!\u00ad)\p{Default_Ignorable_Code_Point}|(?![\t-\r\u0085])\p{Cc}/gu;
const CONTROL = /(?![\t-\r\u0085])\p{Cc}/gu;
const UNKNOWN = /[\p{Co}\p{Cn}\ufffd]/gu;
const WHITE_SPACE = /[\s\u0085\u2800]+/gu;
/** Ligatures, Kangxi radicals and compatibility ideographs: the forms of ordinary characters that fonts hand out. */
const COMPATIBLE = /[\u2f00-\u2fd5\uf900-\ufaff\ufb00-\ufb06\u2e9f\u2ef3]/gu;
const REDRAWN = /[\u2e80-\u2ef2\ufe10-\ufe19\ufe30-\ufe44\u22ef]/gu;
/** What the symbol fonts of office programs put in front of list items. */
const SYMBOL_BULLET = /[\uf06c-\uf06f\uf071\uf075\uf076\uf09f\uf0a7\uf0a8\uf0b7\uf0d8\uf0e0\uf0fc\uf0fe]/gu;
const LEADERS = /([.·•．…‥_])\1{3,}|(?: ?[.·…]){4,}/gu;

/** Radicals, and the punctuation of vertical lines, with the ordinary characters that are drawn alike. */
const redrawn = new Map(
  Array.from(
    '⺁厂⺄乙⺈勹⺊卜⺋㔾⺌小⺍小⺎兀⺏尣⺒巳⺓幺⺔彑⺗忄⺙攵⺛旡⺜日⺝月⺟母⺠民⺡氵⺢氺⺣灬⺩王⺪疋⺬示⺭礻⺯糹⺰纟⺱罓⺲罒⺵羋⺶羊⺷羊⺹耂⺺聿⺼月⺾艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇角⻈讠⻉贝⻊足⻋车⻌辶⻍辶⻎辶⻏阝⻐钅⻑長⻒镸⻓长⻔门⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻬齐⻭歯⻮齿⻯竜⻰龙⻲亀︐，︑、︒。︓：︔；︕！︖？︗〖︘〗︙…︰：︱—︵（︶）︷｛︸｝︹〔︺〕︻【︼】︽《︾》︿〈﹀〉﹁「﹂」﹃『﹄』⋯…'.matchAll(
      /(.)(.)/gu,
    ),
    ([, radical, ordinary]) => [radical!, ordinary!],
  ),
);

/** One run of a PDF's text with its characters made ordinary and its white space single; '' for nothing to read. */
export function cleanRun(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(WHITE_SPACE, ' ')
    .replace(COMPATIBLE, (char) => char.normalize('NFKC'))
    .replace(REDRAWN, (char) => redrawn.get(char) ?? char)
    .replace(SYMBOL_BULLET, '•')
    .trim();
}

/** How many characters of a run are controls: what a font gives out that has no map of its characters. */
export function countControls(text: string): number {
  return text.match(CONTROL)?.length ?? 0;
}

/** What a font's own characters, or those that nothing is known of, leave of a text. */
export function dropUnknown(text: string): string {
  return text.replace(UNKNOWN, '').replace(WHITE_SPACE, ' ').trim();
}

/** A finished line: spaces that only come from spread-out ideographs go, as do the dots that lead to a page number. */
export function cleanLine(text: string): string {
  const line = text.replace(WHITE_SPACE, ' ').replace(SPACE_BY_PUNCTUATION, '').replace(LEADERS, '…').trim();
  const spaced = line.match(SPACED_PAIR)?.length ?? 0;
  if (spaced === 0) return line;
  const close = line.match(CLOSE_PAIR)?.length ?? 0;
  return spaced > 1.5 * close ? line.replace(SPACED_PAIR, '') : line;
}

/** What stands between two runs of one line, `gap` of the font's size apart. */
export function joinRuns(before: string, after: string, gap: number): string {
  if (before === '') return after;
  const isCjk = CJK_END.test(before) && CJK_START.test(after);
  return gap > (isCjk ? 0.8 : 0.12) ? `${before} ${after}` : before + after;
}

/** Two lines of one paragraph as one text. */
export function joinLines(before: string, after: string): string {
  if (before.endsWith('\u00ad')) return before.slice(0, -1) + after;
  if (/\p{L}[-\u2010]$/u.test(before) && /^\p{Ll}/u.test(after)) return before.slice(0, -1) + after;
  if (/[/\u2014-]$/u.test(before)) return before + after;
  return CJK_END.test(before) && CJK_START.test(after) ? before + after : `${before} ${after}`;
}
