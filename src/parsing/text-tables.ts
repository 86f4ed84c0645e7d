import type { Block } from './block.ts';
import { writeTable } from './write-table.ts';

const MIN_TAB_ROWS = 3;
/** The lines between the rows of a table drawn with characters. */
const RULE = /^[\s|+:=─━│┃┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬═║-]{3,}$/u;

/**
 * The table that begins at a line, as blocks, and how many lines it takes; undefined: none begins there. Known are
 * tables drawn with `|` (Markdown, databases) and lines with the same number of tabs.
 */
export function readTextTable(lines: readonly string[], from: number): { blocks: Block[]; lines: number } | undefined {
  return readDrawn(lines, from) ?? readTabbed(lines, from);
}

function readDrawn(lines: readonly string[], from: number): { blocks: Block[]; lines: number } | undefined {
  const rows: string[][] = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at]!.trim();
    const cells = splitDrawn(line);
    if (cells) rows.push(cells);
    else if (!(RULE.test(line) && /[|+┌├└╔╠╚]/.test(line))) break;
  }
  const columns = rows[0]?.length ?? 0;
  if (rows.length < 2 || columns < 2 || rows.some((row) => row.length !== columns)) return undefined;
  return { blocks: toBlocks(rows), lines: at - from };
}

/** The cells of a line such as `| a | b |`; undefined for any other line, and for the rule under a header. */
function splitDrawn(line: string): string[] | undefined {
  const bar = /^[|│┃║]/.exec(line)?.[0];
  if (!bar || !line.endsWith(bar) || line.length < 3 || RULE.test(line)) return undefined;
  return line
    .slice(1, -1)
    .split(bar)
    .map((cell) => cell.trim());
}

function readTabbed(lines: readonly string[], from: number): { blocks: Block[]; lines: number } | undefined {
  const columns = lines[from]!.split('\t').length;
  if (columns < 2) return undefined;
  const rows: string[][] = [];
  for (let at = from; at < lines.length; at += 1) {
    const cells = lines[at]!.split('\t').map((cell) => cell.trim());
    // Lines that begin with a tab are indented, and tabs in a row only move the text.
    if (cells.length !== columns || cells[0] === '') break;
    rows.push(cells);
  }
  const isEmptyColumn = rows[0]?.some((cell) => cell === '');
  if (isEmptyColumn || rows.length < (columns > 2 ? MIN_TAB_ROWS - 1 : MIN_TAB_ROWS)) return undefined;
  return { blocks: toBlocks(rows), lines: rows.length };
}

function toBlocks(rows: string[][]): Block[] {
  return writeTable(rows.map((row) => row.map((text) => ({ paragraphs: [text] }))));
}
