/** Tables as WeCom shows them: pipes at both ends, a row of at least three dashes each, as many cells in all rows. */
import type { Nodes, Table } from 'mdast';
import type { Edit } from './edits.ts';
import { rangeOf, sourceOf } from './parse.ts';

/** Rewrites what of a table isn't so. In a list or a quote it stays where it is; else it has a line of its own around. */
export function rewriteTable(node: Table, parent: Nodes, source: string): Edit[] {
  const columns = node.children[0]!.children.length;
  const isOutside = parent.type === 'root';
  const edits: Edit[] = [];
  const { start, end } = rangeOf(node);
  if (
    isOutside &&
    /[^\n]\n$/.test(
      source
        .slice(0, start)
        .slice(-64)
        .replace(/[ \t]+$/, ''),
    )
  ) {
    edits.push({ start, end: start, text: '\n' });
  }
  const after = isOutside ? findText(node, source) : -1;
  const rows = after === -1 ? node.children : node.children.slice(0, after);
  if (after !== -1) {
    const { start } = rangeOf(node.children[after]!);
    edits.push({ start, end: start, text: '\n' });
  }
  const most = (2 * (end - start) + 400) / 4;
  let missing = 0;
  for (const row of rows) {
    const text = sourceOf(row, source);
    const cells = splitRow(text, columns);
    missing += Math.max(0, columns - cells.length);
    if (missing > most) return []; // far more holes than table
    const isEven = cells.length === columns && splitAtPipes(text).length === columns && hasPipes(text);
    if (!isEven) edits.push({ ...rangeOf(row), text: toRow(fill(cells, columns)) });
  }
  return [...edits, ...rewriteDelimiters(node, columns, source)];
}

/** The first of the last rows that have no pipe at all: text that follows without an empty line; -1: none. */
function findText({ children }: Table, source: string): number {
  const first = children.findLastIndex((row) => sourceOf(row, source).includes('|')) + 1;
  return first > 0 && first < children.length ? first : -1;
}

/** The row of dashes is no node: it is the line between the first row and what follows. */
function rewriteDelimiters(node: Table, columns: number, source: string): Edit[] {
  const from = rangeOf(node.children[0]!).end;
  const lineStart = source.indexOf('\n', from) + 1;
  if (lineStart === 0) return [];
  const [line] = /^[^\n]*/.exec(source.slice(lineStart, rangeOf(node).end))!;
  const [prefix] = /^[ \t>]*/.exec(line)!;
  const text = line.slice(prefix.length).trimEnd();
  const cells = splitAtPipes(text);
  if (hasPipes(text) && cells.every((cell) => /^:?-{3,}:?$/.test(cell))) return [];
  const signs = { left: ':---', right: '---:', center: ':---:' };
  const row = Array.from({ length: columns }, (_, at) => {
    const align = node.align?.[at];
    return align ? signs[align] : '---';
  });
  const start = lineStart + prefix.length;
  return [{ start, end: start + text.length, text: toRow(row) }];
}

const toRow = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

const hasPipes = (row: string) => /^\|/.test(row.trim()) && endsWithPipe(row.trim());

/** Whether a row ends with a pipe that ends its last cell. */
function endsWithPipe(row: string): boolean {
  return row.length > 1 && row.endsWith('|') && !/(?:^|[^\\])(?:\\\\)*\\\|$/.test(row.slice(-64));
}

function fill(cells: readonly string[], columns: number): string[] {
  const even = cells.slice(0, columns);
  // What is too much belongs to the last cell: it was a pipe that should have been escaped.
  if (cells.length > columns) even[columns - 1] = cells.slice(columns - 1).join(' \\| ');
  return [...even, ...Array.from({ length: columns - even.length }, () => '')];
}

/** The cells of a row. Where there are too many, pipes within code end none. */
function splitRow(row: string, columns: number): string[] {
  const cells = splitAtPipes(row);
  if (cells.length <= columns) return cells;
  const apart = splitAtPipes(escapeInCode(row));
  return apart.length <= columns ? apart : cells;
}

/** Splits as parsers do: at each pipe without a backslash, wherever it stands. */
export function splitAtPipes(row: string): string[] {
  const cells: string[] = [];
  const text = row.trim();
  let cell = '';
  for (let at = text.startsWith('|') ? 1 : 0; at < text.length; at++) {
    if (text[at] === '|') {
      cells.push(cell.trim());
      cell = '';
    } else if (text[at] === '\\') cell += text[at]! + (text[++at] ?? '');
    else cell += text[at];
  }
  return endsWithPipe(text) ? cells : [...cells, cell.trim()];
}

/** Escapes the pipes within inline code. */
function escapeInCode(row: string): string {
  let result = '';
  let at = 0;
  for (const { index, 0: ticks } of row.matchAll(/`+/g)) {
    if (index < at) continue;
    const close = findTicks(row, ticks.length, index + ticks.length);
    if (close === -1) break;
    const code = row.slice(index, close + ticks.length);
    result += row.slice(at, index) + code.replace(/\\?\|/g, '\\|');
    at = close + ticks.length;
  }
  return result + row.slice(at);
}

/** Where the next run of so many backticks begins. */
function findTicks(row: string, length: number, from: number): number {
  for (const { index, 0: ticks } of row.slice(from).matchAll(/`+/g)) {
    if (ticks.length === length) return from + index;
  }
  return -1;
}
