/** The parse tree of Markdown as GitHub writes it: WeCom shows most of that. */
import type { Nodes, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

/** What costs the parser more than its length is not parsed: containers in each other, delimiters of one paragraph. */
const maxDepth = 20;
const maxDelimiters = 1000;
const maxUnderlines = 200;
const maxSigns = 12_000;

/** The longest text that is parsed, in UTF-16 units: more than is ever sent. */
const maxLength = 65_536;

const options = {
  extensions: [gfm({ singleTilde: false })],
  // Without what looks for addresses in the finished tree: WeCom does that, and the nodes would lose their places.
  mdastExtensions: gfmFromMarkdown().map(({ transforms, ...rest }) => rest),
};

/** Parses a text whose lines end with `\n`. Undefined: it would cost too much, or is nested too deeply. */
export function parse(text: string): Root | undefined {
  if (text.length > maxLength || isCostly(text)) return undefined;
  try {
    return fromMarkdown(text, options);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the parser goes down by calling itself
    throw error;
  }
}

/** One more container at the start of a line: a quote, an item, a footnote. */
const container = /[ \t]*(?:>|[-+*](?=\s|$)|\d{1,9}[.)](?=\s|$)|\[\^[^[\]\n]{1,999}\]:)/y;

function isCostly(text: string): boolean {
  let delimiters = 0;
  let underlines = 0;
  if (text.replace(/[^[\]<`~*_|!\\]/g, '').length > maxSigns) return true;
  for (const line of text.split('\n')) {
    if (/^[ \t>]*(?:-+|=+)[ \t]*$/.test(line) && ++underlines > maxUnderlines) return true;
    if (depthOf(line) > maxDepth) return true;
    if (/^[ \t]*$|^[-+*] /.test(line)) delimiters = 0; // another paragraph
    delimiters += countDelimiters(line);
    if (delimiters > maxDelimiters) return true;
  }
  return false;
}

function depthOf(line: string): number {
  container.lastIndex = 0;
  let depth = 0;
  while (depth <= maxDepth && container.test(line)) depth++;
  return depth;
}

/** Runs of `*`, `_` and `~`, and each `]`. */
function countDelimiters(line: string): number {
  let count = 0;
  let before = '';
  for (const char of line) {
    if (char === ']' || ((char === '*' || char === '_' || char === '~') && char !== before)) count++;
    before = char;
  }
  return count;
}

/** Where a node stands in its source. */
export function rangeOf(node: Nodes): { start: number; end: number } {
  return { start: node.position!.start.offset!, end: node.position!.end.offset! };
}

export function sourceOf(node: Nodes, source: string): string {
  const { start, end } = rangeOf(node);
  return source.slice(start, end);
}

/** All nodes of a tree with what they stand in, outermost first. */
export function* walk(
  node: Nodes,
  parents: readonly Nodes[] = [],
): Generator<{ node: Nodes; parents: readonly Nodes[] }> {
  yield { node, parents };
  if (!('children' in node)) return;
  const within = [...parents, node];
  for (const child of node.children) yield* walk(child, within);
}
