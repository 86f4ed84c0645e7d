/** What WeCom lacks of blocks and of what refers to them, as edits of the source. */
import type {
  Definition,
  FootnoteDefinition,
  FootnoteReference,
  Heading,
  Html,
  ImageReference,
  LinkReference,
  ListItem,
  Nodes,
} from 'mdast';
import type { Edit } from './edits.ts';
import { isAddress, textOfHtml } from './html.ts';
import { rangeOf, sourceOf } from './parse.ts';

/** WeCom has three levels. A line below a text is no heading to all: it becomes one by `#`, or a rule. */
export function rewriteHeading(node: Heading, parent: Nodes, source: string): Edit[] {
  const { start, end } = rangeOf(node);
  const text = source.slice(start, end);
  const [hashes] = /^#+/.exec(text) ?? [''];
  const lastLine = text.lastIndexOf('\n');
  const underline = text.slice(lastLine + 1).trim();
  if (lastLine === -1 || !/^(?:-+|=+)$/.test(underline)) {
    return hashes.length > 3 ? [{ start, end: start + hashes.length, text: '###' }] : [];
  }
  if (parent.type !== 'root') return [];
  if (underline.startsWith('-')) return [{ start: start + lastLine, end, text: '\n\n---' }];
  if (text.indexOf('\n') !== lastLine) return [];
  return [
    { start, end: start, text: '# ' },
    { start: start + lastLine, end, text: '' },
  ];
}

/** A box before the words. */
export function rewriteTask(node: ListItem, source: string): Edit[] {
  const [child] = node.children;
  if (typeof node.checked !== 'boolean' || child === undefined) return [];
  const { start } = rangeOf(node);
  const box = /\[[ \txX]\]/.exec(source.slice(start, rangeOf(child).start));
  if (box === null) return [];
  return [{ start: start + box.index, end: start + box.index + 3, text: node.checked ? '☑' : '☐' }];
}

/** A definition disappears in WeCom: a colon that is none keeps it a text. */
export function rewriteDefinition(node: Definition, source: string): Edit[] {
  const { start, end } = rangeOf(node);
  for (let at = start + 1; at < end; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === ']') return [{ start: at + 1, end: at + 2, text: '：' }];
  }
  return [];
}

/** What refers to a definition has its address itself, where it can. */
export function rewriteReference(
  node: LinkReference | ImageReference,
  addresses: ReadonlyMap<string, string>,
  source: string,
): Edit[] {
  const { start, end } = rangeOf(node);
  const address = addresses.get(node.identifier) ?? '';
  if (!isAddress(address)) return [];
  const text = source.slice(start, end);
  const at = node.referenceType === 'shortcut' ? end : start + text.lastIndexOf('[');
  return [{ start: at, end, text: `(${address})` }];
}

const raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function markOf(label: string): string {
  return /^\d{1,6}$/.test(label) ? label.replace(/\d/g, (digit) => raised[Number(digit)]!) : `(${label})`;
}

/** Notes: a raised number, or the name in brackets, where they are made and where they stand. */
export function rewriteFootnote(node: FootnoteReference | FootnoteDefinition, parent: Nodes, source: string): Edit[] {
  const { start, end } = rangeOf(node);
  const text = sourceOf(node, source);
  const label = text.slice(2, text.indexOf(']'));
  if (node.type === 'footnoteReference') return [{ start, end, text: markOf(label) }];
  const edits = [{ start, end: start + text.indexOf(']:') + 2, text: markOf(label) }];
  if (parent.type !== 'root') return edits;
  // What belongs to it is indented, and would be taken for code.
  for (const { index, 0: indent } of text.matchAll(/(?<=\n)(?: {1,4}|\t)/g)) {
    edits.push({ start: start + index, end: start + index + indent.length, text: '' });
  }
  return edits;
}

/** A block of HTML: what it holds. In a list or a quote it stays on its lines. */
export function rewriteHtmlBlock(node: Html, parent: Nodes, source: string): Edit[] {
  const { start, end } = rangeOf(node);
  const html = source.slice(start, end);
  const isOutside = parent.type === 'root';
  const text = textOfHtml(html, isOutside ? '\n' : ' ');
  if (text === html) return [];
  // The lines are moved to the left: an indented one would be taken for code.
  const bare = isOutside
    ? text
        .replace(/^[ \t]+/gm, '')
        .replace(/\n{3,}/g, '\n\n')
        .replace(/^\n+|\n+$/g, '')
    : text;
  return [{ start, end, text: bare }];
}
