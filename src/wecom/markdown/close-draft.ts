/** Drafts end anywhere. What is open at the end is closed, or left out until there is more of it, so that it shows as what it will be. */
import type { Code, Nodes, Root } from 'mdast';
import { parse, rangeOf } from './parse.ts';

/** A line of signs alone: what it will be is not known yet. */
const onlySigns = /^(?:[-=*+#~`|:_ \t]+|\d{1,9}[.)]?)$/;

/** A last line of backticks within code: perhaps its end. */
const onlyTicks = /\n[ \t>]*(?:`+|~+)[ \t]*$/;

/** Closes a draft. May be empty, where it has nothing to show yet. */
export function closeDraft(text: string): string {
  const whole = text.replace(/\r\n?/g, '\n').trimEnd();
  const root = parse(whole);
  if (root === undefined) return whole;
  const fence = openFenceOf(root, whole);
  if (fence !== undefined) {
    const code = whole.replace(onlyTicks, '');
    // Without its last line it may be none: that was where it begins.
    return code === whole || openFence(code) !== undefined ? `${code}\n${fence}` : code.trimEnd();
  }
  if (lastOf(root).type === 'code') return whole;
  const bare = withWholeStars(withoutSigns(whole));
  return closeInline(bare, bare === whole ? root : parse(bare));
}

/** Leaves out a last line of signs alone. */
function withoutSigns(text: string): string {
  const start = text.lastIndexOf('\n') + 1;
  let at = start;
  while (at < text.length && ' \t>'.includes(text[at]!)) at++;
  return onlySigns.test(text.slice(at).trimEnd()) ? text.slice(0, start).trimEnd() : text;
}

/** Signs at the very end: the first half of what ends bold text is made whole, what only begins something is left out. */
function withWholeStars(text: string): string {
  const line = text.slice(text.lastIndexOf('\n') + 1);
  const isOpen = [...line.matchAll(/\*\*/g)].length % 2 === 1;
  if (isOpen && /[^*\s]\*$/.test(line)) return `${text}*`;
  if (isOpen && line.endsWith('**')) return text.slice(0, -2).trimEnd();
  const [, signs] = /\S\s([*_~`]{1,3})$/.exec(line) ?? [];
  return signs === undefined ? text : text.slice(0, -signs.length).trimEnd();
}

/** What closes the code that a text ends within; undefined: it ends within none. */
export function openFence(text: string): string | undefined {
  const root = parse(text);
  return root && openFenceOf(root, text);
}

function lastOf(root: Root): Nodes {
  let last: Nodes = root;
  while ('children' in last && last.children.length > 0) last = last.children.at(-1)!;
  return last;
}

function openFenceOf(root: Root, text: string): string | undefined {
  const last = lastOf(root);
  if (last.type !== 'code' || rangeOf(last).end < text.trimEnd().length) return undefined;
  const fence = fenceOf(last, text);
  return fence === undefined || fence.isClosed ? undefined : fence.prefix + fence.sign;
}

export interface Fence {
  /** Three backticks, or more, or tildes. */
  sign: string;
  /** What its lines begin with within a quote or an item. */
  prefix: string;
  isClosed: boolean;
}

/** How a block of code is fenced; undefined: it is indented. */
export function fenceOf(node: Code, source: string): Fence | undefined {
  const { start, end } = rangeOf(node);
  const text = source.slice(start, end);
  const [sign] = /^(?:`{3,}|~{3,})/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const prefix = source.slice(source.lastIndexOf('\n', start - 1) + 1, start).replace(/[^>\t]/g, ' ');
  const lastLine = text
    .slice(text.lastIndexOf('\n') + 1)
    .replace(/^[ \t>]*/, '')
    .trimEnd();
  const isClosed =
    text.includes('\n') && lastLine.length >= sign.length && lastLine === sign[0]!.repeat(lastLine.length);
  return { sign, prefix, isClosed };
}

/** Closes what is open in the last paragraph. The head of a table is left out until its second line is there. */
function closeInline(text: string, root: Root | undefined): string {
  const bare = root === undefined ? text : withoutTableHead(text, root);
  return bare === text ? closeWords(text, root) : closeWords(bare, parse(bare));
}

/** Leaves out the last lines that begin with a pipe, as far as they are paragraphs: all at once, for parsing is dear. */
function withoutTableHead(text: string, root: Root): string {
  let end = text.length;
  for (const node of root.children.toReversed()) {
    if (node.type !== 'paragraph') break;
    const { start } = rangeOf(node);
    while (end > start) {
      const line = text.lastIndexOf('\n', end - 1) + 1;
      if (text[line] !== '|') return text.slice(0, end);
      end = text.slice(0, line).trimEnd().length;
    }
  }
  return text.slice(0, end);
}

/** Closes inline code, or else bold, in the last paragraph. */
function closeWords(text: string, root: Root | undefined): string {
  let last: Nodes | undefined = root?.children.at(-1);
  while (last !== undefined && 'children' in last && last.type !== 'paragraph' && last.type !== 'heading') {
    last = last.children.at(-1);
  }
  if (last === undefined || !('children' in last)) return text;
  let open = '';
  for (const node of last.children) {
    if (node.type !== 'text') continue;
    const { start, end } = rangeOf(node);
    const plain = text.slice(start, end).replace(/\\./gs, '  ');
    const ticks = firstTicks(plain);
    if (ticks !== undefined) return text + ticks;
    for (const _ of plain.matchAll(/(?:^|[^*])\*\*(?=[^*\s])/g)) open = open === '' ? '**' : '';
  }
  return text + open;
}

/** The first backticks, where something follows them. */
function firstTicks(text: string): string | undefined {
  const first = /`+/.exec(text);
  return first !== null && first.index + first[0].length < text.length ? first[0] : undefined;
}
