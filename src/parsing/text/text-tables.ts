import type { Block } from '../block.ts';
import { writeTable } from '../write-table.ts';

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

/** Each table ends where it stops being one, so no line is looked at more than twice. */
function readDrawn(lines: readonly string[], from: number): { blocks: Block[]; lines: number } | undefined {
  const rows: string[][] = [];
  let at = from;
  let wasRule = false;
  for (; at < lines.length; at += 1) {
    const line = lines[at]!.trim();
    const cells = splitDrawn(line);
    const isRule = !cells && RULE.test(line) && /[|+┌├└╔╠╚]/.test(line);
    if (cells ? cells.length < 2 || cells.length !== (rows[0] ?? cells).length : !isRule || wasRule) break;
    if (cells) rows.push(cells);
    wasRule = isRule;
  }
  return rows.length < 2 ? undefined : { blocks: toBlocks(rows), lines: at - from };
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
  const rows: string[][] = [];
  for (let at = from; at < lines.length; at += 1) {
    const cells = lines[at]!.split('\t').map((cell) => cell.trim());
    // Lines that begin with a tab are indented, and tabs in a row only move the text.
    if (cells.length < 2 || cells[0] === '' || cells.length !== (rows[0] ?? cells).length) break;
    if (rows.length === 0 && cells.includes('')) break;
    rows.push(cells);
  }
  const enough = (rows[0]?.length ?? 0) > 2 ? MIN_TAB_ROWS - 1 : MIN_TAB_ROWS;
  return rows.length < enough ? undefined : { blocks: toBlocks(rows), lines: rows.length };
}

function toBlocks(rows: string[][]): Block[] {
  return writeTable(rows.map((row) => row.map((text) => ({ paragraphs: [text] }))));
}
