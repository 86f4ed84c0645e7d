/** What WeCom lacks within a paragraph, as edits of the source. */
import type { Html, Image, Nodes, Parents, Text } from 'mdast';
import type { Edit } from './edits.ts';
import { addressIn, attributeOf, isAddress, readTag, type Tag } from './html.ts';
import { rangeOf, sourceOf } from './parse.ts';

const has = (parents: readonly Nodes[], ...types: Nodes['type'][]) => parents.some(({ type }) => types.includes(type));

/** Struck out text: in brackets, as what is said beside the rest. */
export function rewriteDeleted(node: Nodes, parents: readonly Nodes[], source: string): Edit[] {
  const { start, end } = rangeOf(node);
  const isChinese = /[\u2e80-\uffef]/.test(source.slice(start, end));
  // In bold or italics a bracket would take the end of that for something else.
  const [open, close] = has(parents, 'strong', 'emphasis') ? ['', ''] : isChinese ? ['（', '）'] : ['(', ')'];
  return [
    { start, end: start + 2, text: open },
    { start: end - 2, end, text: close },
  ];
}

/** Brackets with a backslash: WeCom takes them for a formula. */
export function rewriteBrackets(node: Text, parents: readonly Nodes[], source: string): Edit[] {
  const { start } = rangeOf(node);
  const text = sourceOf(node, source);
  const places = [...text.matchAll(/\\(.)/gs)].filter(([, char]) => char === '[' || char === ']');
  if (places.length === 0) return [];
  const bare = text.replace(/\\([[\]])/g, '$1');
  // As they are they would make a link, a note or a task of what was none.
  const isWide = has(parents, 'link', 'linkReference') || /\][([:]|\[\^|^\[[ xX]\]/.test(bare);
  const [open, close] = isWide ? ['［', '］'] : ['[', ']'];
  return places.map(({ index, 1: char }) => ({
    start: start + index,
    end: start + index + 2,
    text: char === '[' ? open : close,
  }));
}

/** WeCom shows pictures of https addresses; others are a link, or what stands for them. */
export function rewriteImage(node: Image): Edit[] {
  const { start, end } = rangeOf(node);
  if (/^https:/i.test(node.url)) return [];
  const alt = node.alt ?? '';
  if (!isAddress(node.url)) return [{ start, end, text: alt }];
  return alt === '' ? [{ start, end, text: node.url }] : [{ start, end: start + 1, text: '' }];
}

/** One tag or comment. */
export function rewriteHtml(node: Html, parents: readonly Nodes[], source: string): Edit[] {
  const { start, end } = rangeOf(node);
  if (node.value.startsWith('<!--')) return [{ start, end, text: '' }];
  const tag = readTag(node.value);
  if (tag === undefined) return [];
  const parent = parents.at(-1) as Parents;
  const isAlone = parent.type === 'paragraph' && !has(parents, 'footnoteDefinition');
  const newline = isAlone && source[end] !== '\n' ? '\n' : isAlone ? '' : ' ';
  if (tag.name === 'br') return [{ start, end, text: newline }];
  if (tag.name === 'li') return [{ start, end, text: tag.isEnd || !isAlone ? ' ' : '\n- ' }];
  if (tag.name === 'img') {
    const address = addressIn(tag, 'src');
    const alt = (attributeOf(tag.attributes, 'alt') ?? '').replace(/[[\]]/g, '');
    return [{ start, end, text: address?.startsWith('https:') ? `![${alt}](${address})` : alt }];
  }
  return tag.name === 'a' ? rewriteAnchor(node, parent, parents) : [{ start, end, text: '' }];
}

/** A link, where both of its ends are there and it isn't within another. */
function rewriteAnchor(node: Html, parent: Parents, parents: readonly Nodes[]): Edit[] {
  const { start, end } = rangeOf(node);
  const at = (parent.children as Nodes[]).indexOf(node);
  const { isEnd } = readTag(node.value)!;
  const other = nextAnchor(parent, at, isEnd ? -1 : 1);
  const opening = isEnd ? other : readTag(node.value);
  const isPair = other !== undefined && other.isEnd !== isEnd;
  const address = isPair && !has(parents, 'link') ? addressIn(opening!, 'href') : undefined;
  if (address === undefined) return [{ start, end, text: '' }];
  return [{ start, end, text: isEnd ? `](${address})` : '[' }];
}

/** The next anchor beside a node, before or behind it. */
function nextAnchor({ children }: Parents, from: number, step: 1 | -1): Tag | undefined {
  for (let at = from + step; at >= 0 && at < children.length; at += step) {
    const each = children[at]!;
    const tag = each.type === 'html' ? readTag(each.value) : undefined;
    if (tag?.name === 'a') return tag;
  }
  return undefined;
}
