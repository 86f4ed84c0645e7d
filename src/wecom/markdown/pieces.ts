/** Cuts Markdown where it reads on: between blocks, else between items or lines; code is fenced anew, a table has its head again. */
import { fenceOf } from './close-draft.ts';
import { parse, walk } from './parse.ts';

/** Lines that a cut must not part without more ado. */
interface Region {
  first: number;
  last: number;
  /** What comes before its lines again behind a cut. */
  reopen: readonly string[];
  /** What ends it before a cut; empty: nothing needs to. */
  close: string;
  /** How far its lines stand to the right within an item; behind a cut there is no such item. */
  indent: number;
  /** How many of its lines must stay together at its head and at its end. */
  head: number;
  foot: number;
}

/** Where to cut: before this line. */
interface Cut {
  line: number;
  bytes: number;
  /** 3: between blocks, 2: outside of regions, 1: within one. */
  worth: number;
}

/**
 * Takes a first piece of at most so many bytes (at least 1,024), and gives the rest as a text of its own. Both together
 * say all of it; the rest is empty where it fits.
 */
export function takePiece(text: string, maxBytes: number): { piece: string; rest: string } {
  if (Buffer.byteLength(text) <= maxBytes) return { piece: text, rest: '' };
  const lines = text.split('\n');
  const { regions, blocks } = findRegions(text, lines, maxBytes);
  const cut = findCut(lines, regions, blocks, maxBytes);
  if (cut === undefined) return cutLine(lines, regions, maxBytes);
  const region = regions.find(({ first, last }) => cut.line > first && cut.line <= last);
  const piece = [...lines.slice(0, cut.line), ...(region?.close ? [region.close] : [])].join('\n').trimEnd();
  const following = lines.slice(cut.line);
  if (region === undefined)
    return { piece, rest: dedent(following, indentOf(following[0]!), 0).join('\n').replace(/^\n+/, '') };
  return {
    piece,
    rest: [...region.reopen, ...dedent(following, region.indent, region.last - cut.line + 1)].join('\n'),
  };
}

/** What lies behind the first piece need not be parsed. */
function findRegions(whole: string, lines: readonly string[], maxBytes: number) {
  const text = whole.slice(0, maxBytes + 1024);
  const root = parse(text);
  const regions: Region[] = [];
  if (root === undefined) return { regions, blocks: new Set<number>() };
  for (const { node } of walk(root)) {
    if (node.type !== 'code' && node.type !== 'table') continue;
    const [first, last] = [node.position!.start.line - 1, node.position!.end.line - 1];
    const region =
      node.type === 'table' ? { close: '', ...tableAt(lines, first) } : codeAt(fenceOf(node, text), lines, first);
    // A head that takes most of a piece can't be repeated.
    if (region && Buffer.byteLength(region.reopen.join('\n')) < maxBytes / 4) regions.push({ first, last, ...region });
  }
  return { regions, blocks: new Set(root.children.map((node) => node.position!.start.line - 1)) };
}

function tableAt(lines: readonly string[], first: number) {
  const indent = indentOf(lines[first + 1] ?? '');
  return { reopen: dedent(lines.slice(first, first + 2).map(withoutMarker), indent, 2), indent, head: 3, foot: 1 };
}

function codeAt(fence: ReturnType<typeof fenceOf>, lines: readonly string[], first: number) {
  if (fence === undefined) return undefined;
  const indent = indentOf(fence.prefix);
  const opening = lines[first]!.slice(lines[first]!.indexOf(fence.sign));
  const reopen = [fence.prefix.slice(indent) + opening];
  return { reopen, close: fence.prefix + fence.sign, indent, head: 2, foot: fence.isClosed ? 2 : 1 };
}

const indentOf = (line: string) => /^ */.exec(line)![0].length;

/** The first line of an item as one of the others. */
const withoutMarker = (line: string) =>
  line.replace(/^[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]+(?=\|)/, (marker) => ' '.repeat(marker.length));

/** Moves lines to the left, at least so many, and those after them that stand as far to the right: they would be code. */
function dedent(lines: readonly string[], indent: number, atLeast: number): string[] {
  const end = lines.findIndex((line, at) => at >= atLeast && line.trim() !== '' && indentOf(line) < indent);
  return lines.map((line, at) => (end === -1 || at < end ? line.slice(Math.min(indent, indentOf(line))) : line));
}

/** The best place: near the end, rather between blocks than within one. */
function findCut(
  lines: readonly string[],
  regions: readonly Region[],
  blocks: ReadonlySet<number>,
  maxBytes: number,
): Cut | undefined {
  const last: (Cut | undefined)[] = [];
  let bytes = 0;
  let at = 0;
  for (const [line, text] of lines.entries()) {
    while (at < regions.length && regions[at]!.last < line) at++; // they stand one behind the other
    const region = regions[at] !== undefined && line > regions[at]!.first ? regions[at] : undefined;
    const closing = region ? Buffer.byteLength(region.close) + 1 : 0;
    if (bytes + closing > maxBytes + 1) break; // the line's own end is left out
    const worth = region ? 1 : blocks.has(line) ? 3 : 2;
    const isInside = region && (line - region.first < region.head || region.last - line + 1 < region.foot);
    if (line > 0 && !isInside) last[worth] = { line, bytes, worth };
    bytes += Buffer.byteLength(text) + 1;
  }
  const cuts = last.filter((cut) => cut !== undefined);
  const good = cuts.toSorted((a, b) => b.worth - a.worth).find((cut) => cut.bytes >= maxBytes / 2);
  return good ?? cuts.toSorted((a, b) => b.bytes - a.bytes).find((cut) => cut.bytes >= maxBytes / 4);
}

/** Cuts within a line that is too long. Within code both parts are fenced; a row of a table is cut as a text. */
function cutLine(lines: readonly string[], regions: readonly Region[], maxBytes: number) {
  let bytes = 0;
  const line = lines.findIndex((text) => {
    bytes += Buffer.byteLength(text) + 1;
    return bytes > maxBytes;
  });
  const region = regions.find((each) => each.close !== '' && line > each.first && line < each.last);
  const budget = maxBytes - (region ? Buffer.byteLength(region.close) + 1 : 0);
  const { head, tail } = cutText(lines.join('\n'), budget);
  if (region === undefined) return { piece: head.trimEnd(), rest: tail.replace(/^\n+/, '') };
  return { piece: `${head}\n${region.close}`, rest: [...region.reopen, tail].join('\n') };
}

/** Cuts behind a sentence, where one ends late enough, else behind a character. */
function cutText(text: string, maxBytes: number): { head: string; tail: string } {
  const bytes = Buffer.from(text);
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--; // within a character
  const whole = bytes.toString('utf8', 0, end);
  const sentence = Math.max(...[...'。！？；\n'].map((sign) => whole.lastIndexOf(sign)));
  const head = sentence > whole.length / 2 ? whole.slice(0, sentence + 1) : whole;
  return { head, tail: text.slice(head.length) };
}
