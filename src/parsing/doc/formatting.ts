import { type DocFile, ranges, readPositions, tableRange } from './file.ts';

/** What is said of a stretch of the file: a paragraph's style and properties, or a run's properties. */
export interface Formatting {
  fileStart: number;
  fileEnd: number;
  /** The paragraph's style; 0 for runs. */
  style: number;
  properties: DataView;
}

const PAGE_BYTES = 512;
const PAGE_NUMBER = 0x3fffff;
const PARAGRAPH_ENTRY_BYTES = 13;

/** The formatting of all paragraphs or of all runs, by file position. Each page of it is read once. */
export function readFormatting(file: DocFile, kind: 'paragraphs' | 'runs'): Formatting[] {
  const range = tableRange(file, kind === 'paragraphs' ? ranges.paragraphPages : ranges.characterPages);
  const positions = readPositions(range, 4);
  const pages = new Set<number>();
  for (let index = 0; index < positions.length - 1; index += 1) {
    pages.add(range.getUint32((positions.length + index) * 4, true) & PAGE_NUMBER);
  }
  const found: Formatting[] = [];
  for (const number of pages) {
    const start = number * PAGE_BYTES;
    if (start + PAGE_BYTES > file.text.byteLength) continue;
    const page = new DataView(file.text.buffer, file.text.byteOffset + start, PAGE_BYTES);
    found.push(...(kind === 'paragraphs' ? readParagraphPage(page) : readRunPage(page)));
  }
  return found.sort((a, b) => a.fileStart - b.fileStart);
}

function* readParagraphPage(page: DataView): Generator<Formatting> {
  const count = page.getUint8(PAGE_BYTES - 1);
  if (count * (4 + PARAGRAPH_ENTRY_BYTES) + 4 >= PAGE_BYTES) return;
  for (let index = 0; index < count; index += 1) {
    const at = page.getUint8((count + 1) * 4 + index * PARAGRAPH_ENTRY_BYTES) * 2;
    const words = page.getUint8(at);
    const start = words === 0 ? at + 2 : at + 1;
    const size = words === 0 ? page.getUint8(Math.min(at + 1, PAGE_BYTES - 1)) * 2 : words * 2 - 1;
    if (at === 0 || size < 2 || start + size > PAGE_BYTES) continue;
    const style = page.getUint16(start, true);
    yield { ...readSpan(page, index), style, properties: cut(page, start + 2, size - 2) };
  }
}

function* readRunPage(page: DataView): Generator<Formatting> {
  const count = page.getUint8(PAGE_BYTES - 1);
  if (count * 5 + 4 >= PAGE_BYTES) return;
  for (let index = 0; index < count; index += 1) {
    const at = page.getUint8((count + 1) * 4 + index) * 2;
    const size = page.getUint8(at);
    if (at === 0 || at + 1 + size > PAGE_BYTES) continue;
    yield { ...readSpan(page, index), style: 0, properties: cut(page, at + 1, size) };
  }
}

function readSpan(page: DataView, index: number): { fileStart: number; fileEnd: number } {
  return { fileStart: page.getUint32(index * 4, true), fileEnd: page.getUint32(index * 4 + 4, true) };
}

function cut(page: DataView, start: number, size: number): DataView {
  return new DataView(page.buffer, page.byteOffset + start, size);
}

/** Visits the properties in a list of them: a code and where its value begins. Stops where the list is damaged. */
export function eachProperty(list: DataView, visit: (code: number, at: number, size: number) => void): void {
  for (let at = 0; at + 3 <= list.byteLength; ) {
    const code = list.getUint16(at, true);
    const size = sizeOf(list, code, at + 2);
    if (at + 2 + size > list.byteLength) return;
    visit(code, at + 2, size);
    at += 2 + size;
  }
}

export const TABLE_DEFINITION = 0xd608;

/** How many bytes the value of a property takes, which its code says, but for those of any length. */
function sizeOf(list: DataView, code: number, at: number): number {
  const fixed = [1, 1, 2, 4, 2, 2, undefined, 3][code >> 13];
  if (fixed !== undefined) return fixed;
  if (code === TABLE_DEFINITION) return at + 2 <= list.byteLength ? list.getUint16(at, true) + 1 : 2;
  return list.getUint8(at) + 1;
}

/** The formatting at a place of the file. */
export function findFormatting(sorted: readonly Formatting[], position: number): Formatting | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.fileStart <= position) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low - 1];
  return found && position < found.fileEnd ? found : undefined;
}
