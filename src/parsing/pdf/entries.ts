import { readAligned } from './aligned.ts';
import type { Zone } from './columns.ts';
import type { Table } from './grid.ts';
import { type Element, isFragment, isTable } from './layout.ts';
import { type Fragment, groupRows } from './lines.ts';
import { cleanLine } from './text.ts';

/** A line of text, or a table, where it stands in its column. */
export type Entry = { line: Fragment } | { table: Table };

/** A footnote's mark. */
const NOTE_MARK = /^(?:[\d⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}|[*†‡§※①-⑳]|\[\d{1,3}\]|注[：:\d])/;
/** Footnotes are smaller than the text by at least so much. */
const NOTE_SHARE = 0.93;

/** The entries of a zone from the top: tables known by their lines, tables known by their columns, and lines. */
export function listEntries(zone: Zone<Element>): Entry[] {
  const entries: Entry[] = [];
  const tables = zone.boxes.filter(isTable);
  const rows = groupRows(zone.boxes.filter(isFragment));
  for (let at = 0; at < rows.length; ) {
    const top = rows[at]![0]!.top;
    while (tables.length > 0 && tables[0]!.top <= top) entries.push({ table: tables.shift()! });
    const below = tables[0]?.top ?? Infinity;
    const aligned = readAligned(rows, at);
    if (aligned && aligned.table.bottom <= below + 1) {
      entries.push({ table: aligned.table });
      at = aligned.end;
    } else {
      entries.push({ line: joinFragments(rows[at]!) });
      at += 1;
    }
  }
  for (const table of tables) entries.push({ table });
  return entries;
}

function joinFragments(row: Fragment[]): Fragment {
  if (row.length === 1) return row[0]!;
  const main = row.reduce((most, fragment) => (fragment.text.length > most.text.length ? fragment : most));
  const text = cleanLine(row.map((fragment) => fragment.text).join(' '));
  const right = row.reduce((edge, fragment) => Math.max(edge, fragment.right), 0);
  return { ...main, text, x: row[0]!.x, right, isSpread: true };
}

/** Cuts the footnotes off a column's end: small lines below all others, the first of which begins with a mark. */
export function cutNotes(entries: Entry[], bodySize: number): { body: Entry[]; notes: Fragment[] } {
  const small: Fragment[] = [];
  let first = entries.length;
  for (let at = entries.length - 1; at >= 0; at -= 1) {
    const entry = entries[at]!;
    if (!('line' in entry) || entry.line.size > NOTE_SHARE * bodySize) break;
    if (small.length > 0 && small[0]!.top - entry.line.bottom > 2 * entry.line.size) break;
    small.unshift(entry.line);
    if (NOTE_MARK.test(entry.line.text)) first = at;
  }
  const notes = small.slice(small.length - (entries.length - first));
  return { body: entries.slice(0, first), notes };
}
