/**
 * Answers as WeCom shows them. A parser tells what is markup; what WeCom knows stays as it was written, to the byte, and
 * so does what only looks like markup. What WeCom lacks is replaced where it stands.
 */
import type { Root } from 'mdast';
import { applyEdits, type Edit } from './edits.ts';
import { parse, walk } from './parse.ts';
import {
  rewriteDefinition,
  rewriteFootnote,
  rewriteHeading,
  rewriteHtmlBlock,
  rewriteReference,
  rewriteTask,
} from './rewrite-blocks.ts';
import { rewriteBrackets, rewriteDeleted, rewriteHtml, rewriteImage } from './rewrite-inline.ts';
import { rewriteTable } from './tables.ts';
import { defuseThink } from './think.ts';

/** What a replacement has made may be markup again. Each round of a long text is dear, and it takes two or three. */
const maxRoundsOf = (text: string) => (text.length > 8192 ? 5 : 8);

/** What is added to a text in one round, in UTF-16 units: a long address may be referred to thousands of times. */
const maxAdded = 65_536;

/** Renders an answer. A text that is too long or too deep to be parsed stays as it is, but for `<think>`. */
export function renderMarkdown(text: string): string {
  const plain = defuseThink(text.replace(/\r\n?/g, '\n'));
  let rendered = plain;
  const maxRounds = maxRoundsOf(plain);
  for (let round = 0; round < maxRounds; round++) {
    const root = parse(rendered);
    if (root === undefined) return plain;
    const edits = editsOf(root, rendered);
    if (lengthOf(edits) > maxAdded) return plain;
    const next = defuseThink(applyEdits(rendered, edits));
    if (next === rendered) return rendered.trim() === '' ? plain : rendered; // an empty bubble would wait for ever
    rendered = next;
  }
  return plain;
}

const lengthOf = (edits: readonly Edit[]) => edits.reduce((sum, { text }) => sum + text.length, 0);

/** Tables are made even when all within them is done. */
function editsOf(root: Root, source: string): Edit[] {
  const edits = rewrite(root, source);
  if (edits.length > 0) return edits;
  return [...walk(root)].flatMap(({ node, parents }) =>
    node.type === 'table' ? rewriteTable(node, parents.at(-1)!, source) : [],
  );
}

function rewrite(root: Root, source: string): Edit[] {
  const nodes = [...walk(root)];
  const addresses = new Map<string, string>();
  for (const { node } of nodes) {
    if (node.type === 'definition' && !addresses.has(node.identifier)) addresses.set(node.identifier, node.url);
  }
  return nodes.flatMap(({ node, parents }): Edit[] => {
    const parent = parents.at(-1)!;
    switch (node.type) {
      case 'heading':
        return rewriteHeading(node, parent, source);
      case 'listItem':
        return rewriteTask(node, source);
      case 'definition':
        return rewriteDefinition(node, source);
      case 'linkReference':
      case 'imageReference':
        return rewriteReference(node, addresses, source);
      case 'footnoteDefinition':
      case 'footnoteReference':
        return rewriteFootnote(node, parent, source);
      case 'delete':
        return rewriteDeleted(node, parents, source);
      case 'image':
        return rewriteImage(node);
      case 'text':
        return rewriteBrackets(node, parents, source);
      case 'html':
        return isBlock(parent) ? rewriteHtmlBlock(node, parent, source) : rewriteHtml(node, parents, source);
      default:
        return [];
    }
  });
}

const isBlock = ({ type }: { type: string }) => ['root', 'blockquote', 'listItem', 'footnoteDefinition'].includes(type);
