import { setImmediate } from 'node:timers/promises';
import { type Block, Unreadable } from '../block.ts';
import { judgeText, MIN_QUALITY } from '../text/text-quality.ts';
import { writeBlocks } from './blocks.ts';
import { isFragment, isTable, type Layout, layOutPage } from './layout.ts';
import { readLook } from './look.ts';
import { type OpenPdf, openPdf } from './open.ts';
import { findRunning } from './running.ts';
import { dropUnknown } from './text.ts';

/** After so many pages the fonts read so far are forgotten: some programs write a new one for each page. */
const PAGES_PER_MEMORY = 500;
/** With less of its text readable, what is left of a document says nothing about it. */
const MIN_READABLE = 0.1;

/**
 * The text of a PDF as blocks in reading order, each with the page that it begins on. The bytes are taken over.
 * Runs long and takes memory for hostile files: call it in a thread that can be stopped.
 * @throws {Unreadable} damaged or encrypted, larger than `limits`, or without text that reads like language.
 */
export async function readPdf(
  bytes: Uint8Array<ArrayBuffer>,
  limits: { maxChars: number; maxPages: number },
): Promise<Block[]> {
  const pdf = await openPdf(bytes);
  try {
    if (pdf.pageCount < 1) throw new Unreadable('damaged', 'the PDF is damaged: it has no pages');
    if (pdf.pageCount > limits.maxPages)
      throw new Unreadable('damaged', `the PDF has more than ${limits.maxPages} pages`);
    const layouts = keepReadable(await layOutPages(pdf, limits.maxChars));
    dropRunning(layouts);
    return writeBlocks(layouts, readLook(layouts), limits.maxChars)
      .map((block) => ({ ...block, text: dropUnknown(block.text) }))
      .filter((block) => block.text !== '');
  } finally {
    pdf.close();
  }
}

async function layOutPages(pdf: OpenPdf, maxChars: number): Promise<Layout[]> {
  const layouts: Layout[] = [];
  let chars = 0;
  const count = (added: number): void => {
    chars += added;
    if (chars > maxChars) throw new Unreadable('damaged', `more than ${maxChars} characters of text`);
  };
  for (let number = 1; number <= pdf.pageCount; number += 1) {
    const page = await pdf.getPage(number);
    layouts.push(await layOutPage(page, number, count).catch((error: unknown) => refusePage(error, number)));
    page.cleanup();
    if (number % PAGES_PER_MEMORY === 0) await pdf.forget();
    await setImmediate();
  }
  return layouts;
}

/** A page that cannot be read would be missing from what is learned. */
function refusePage(cause: unknown, number: number): never {
  if (cause instanceof Unreadable) throw cause;
  throw new Unreadable('damaged', `the PDF is damaged: page ${number} cannot be read`, { cause });
}

/** The pages whose text reads like language. */
function keepReadable(layouts: Layout[]): Layout[] {
  const kept: Layout[] = [];
  let [total, left] = [0, 0];
  for (const layout of layouts) {
    const text = readText(layout);
    const chars = text.length + layout.broken;
    total += chars;
    // Controls were left out of the text, and are noise like any other.
    if (chars === 0 || judgeText(text) - 4 * (layout.broken / chars) < MIN_QUALITY) continue;
    kept.push(layout);
    left += text.length;
  }
  if (total === 0) {
    throw new Unreadable('noText', `no text: ${layouts.length} pages of pictures; a scan needs OCR first`);
  }
  if (left < MIN_READABLE * total) {
    throw new Unreadable('noText', 'the text layer is unreadable: its characters make no words; it needs OCR first');
  }
  return kept;
}

function readText({ zones }: Layout): string {
  const texts = zones.flatMap((zone) =>
    zone.boxes.flatMap((box) => (isTable(box) ? box.rows.flat().map((cell) => cell.text) : [box.text])),
  );
  return texts.join('\n');
}

function dropRunning(layouts: Layout[]): void {
  const running = findRunning(
    layouts.map(({ number, height, zones }) => ({
      number,
      height,
      texts: zones.flatMap((zone) => zone.boxes.filter(isFragment)),
    })),
  );
  for (const { zones } of layouts) {
    for (const zone of zones) zone.boxes = zone.boxes.filter((box) => isTable(box) || !running.has(box));
  }
}
