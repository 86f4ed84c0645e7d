/** What costs the parser more than its length is found before it is parsed; the limits are far above what is written to be read. */

/** Containers in each other, by which the parser goes down; delimiters of one paragraph; lines below headings. */
const maxDepth = 20;
const maxDelimiters = 1000;
const manyBrackets = 20;
const maxUnderlines = 200;
const maxSigns = 8000;

/** Lines that aren't empty: each may be a block. These and the containers that they begin with. Lines that are empty. */
const maxLines = 2000;
const maxLinesAndContainers = 3000;
const maxEmptyLines = 4000;

/** Containers that begin within or behind others: the parser moves all that follows for each. */
const maxNested = 400;

/** Lines that go on with what a container holds without its mark: the parser tries to close it before each. */
const maxLazy = 800;

/** One more container at the start of a line: a quote, an item, a footnote. */
const container = /[ \t]*(?:>|[-+*](?=\s|$)|\d{1,9}[.)](?=\s|$)|\[\^[^[\]\n]{1,999}\]:)/y;

/** Whether a text of 64 KiB may take the parser more than some 100 ms. */
export function isCostly(text: string): boolean {
  if (text.replace(/[^[\]<`~*_|!&\\]+/g, '').length > maxSigns) return true;
  let [lines, emptyLines, containers, nested, lazy] = [0, 0, 0, 0, 0];
  let [underlines, delimiters, open, depthBefore, quotesBefore] = [0, 0, 0, 0, 0];
  for (const line of text.split('\n')) {
    const isEmpty = /^[ \t]*$/.test(line);
    const { depth, quotes, inner } = countContainers(line);
    if (isEmpty) {
      emptyLines++;
      depthBefore = 0;
    } else lines++;
    containers += depth > 0 ? depth : levelsOf(line);
    if (depth < depthBefore) lazy++;
    depthBefore = Math.max(depth, depthBefore);
    nested += inner + (quotes === quotesBefore ? 0 : 1);
    quotesBefore = quotes;
    if (/^[ \t>]*(?:-+|=+)[ \t]*$/.test(line)) underlines++;
    if (isEmpty || /^[-+*] /.test(line)) [delimiters, open] = [0, 0]; // another paragraph
    const counted = countDelimiters(line, open);
    open = counted.open;
    delimiters += counted.count;
    if (depth > maxDepth || delimiters > maxDelimiters || underlines > maxUnderlines) return true;
    if (lines > maxLines || emptyLines > maxEmptyLines || lines + containers > maxLinesAndContainers) return true;
    if (nested > maxNested || lazy > maxLazy) return true;
  }
  return false;
}

/** The containers that a line begins with or may stand in; the quotes among them, and the items not at its very start. */
function countContainers(line: string): { depth: number; quotes: number; inner: number } {
  const counts = { depth: 0, quotes: 0, inner: 0 };
  container.lastIndex = 0;
  while (counts.depth <= maxDepth) {
    const isInner = container.lastIndex > 0 || line[0] === ' ' || line[0] === '\t';
    if (!container.test(line)) break;
    counts.depth++;
    if (line[container.lastIndex - 1] === '>') counts.quotes++;
    else if (isInner) counts.inner++;
  }
  if (counts.depth > 0) counts.depth += levelsOf(line);
  return counts;
}

/** How many containers a line is indented by, about. */
function levelsOf(line: string): number {
  const [indent] = /^[ \t]*/.exec(line)!;
  return Math.floor(indent.replaceAll('\t', '    ').length / 4);
}

/** Runs of `*`, `_` and `~`, and each `]`: four times where it stands in many brackets. `open`: brackets open before. */
function countDelimiters(line: string, open: number): { count: number; open: number } {
  const counts = { count: 0, open };
  let before = '';
  for (const char of line) {
    if (char === '[') counts.open++;
    else if (char === ']') {
      counts.count += counts.open > manyBrackets ? 4 : 1;
      counts.open = Math.max(0, counts.open - 1);
    } else if ((char === '*' || char === '_' || char === '~') && char !== before) counts.count++;
    before = char;
  }
  return counts;
}
