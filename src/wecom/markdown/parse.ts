/** The parse tree of Markdown as GitHub writes it: WeCom shows most of that. */
import type { Nodes, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { isCostly } from './cost.ts';

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
