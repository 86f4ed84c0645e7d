import { type Block, Unreadable } from '../block.ts';
import { checkBlocks, type TextLimits, tooMuchText } from '../check-blocks.ts';
import { decodeText } from './decode-text.ts';
import { findHeading } from './find-heading.ts';
import { isNoise } from './is-noise.ts';
import { findWrapWidth, goesOn, joinParts } from './join-lines.ts';
import { judgeText } from './text-quality.ts';
import { readTextTable } from './text-tables.ts';

/** Zero-width, bidirectional, soft-hyphen and tag characters, and every control that is not white space. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|(?![\t-\r\u0085])\p{Cc}/gu;
/** A shorter text says too little of its quality. */
const JUDGED_CHARS = 50;
/** Lower than for text layers of PDFs: lists of codes and numbers are text, too. */
const MIN_TEXT_QUALITY = 0.25;
const MAX_TITLE_CHARS = 40;

/**
 * The text of a plain text file, in order: a block for each line, or for each paragraph where lines are broken by hand;
 * headings and tables as far as their form leaves no doubt. There are no pages.
 * @throws Unreadable when there is no text, or too much, or it is no text
 */
export function readText(bytes: Uint8Array, limits: TextLimits): Block[] {
  // No encoding takes more than four bytes for a character.
  if (bytes.length > limits.maxChars * 4 + 4) throw tooMuchText(limits);
  const text = decodeText(bytes);
  if (isNoise(text)) throw new Unreadable('damaged', 'what it holds is not text');
  const blocks = checkBlocks(readLines(splitLines(text)), limits);
  if (text.length >= JUDGED_CHARS && judgeText(text) < MIN_TEXT_QUALITY) {
    throw new Unreadable('noText', 'its characters make no words');
  }
  return blocks;
}

/** Its lines, without what is not seen; white space inside them is kept, for it makes columns. */
function splitLines(text: string): string[] {
  const lines = text.toWellFormed().split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
  return lines.map((line) => line.replace(INVISIBLE, '').trimEnd());
}

function readLines(lines: string[]): Block[] {
  const blocks: Block[] = [];
  const width = findWrapWidth(lines);
  for (let at = 0; at < lines.length; ) {
    const line = tidy(lines[at]!);
    const table = line === '' ? undefined : readTextTable(lines, at);
    const heading = table
      ? undefined
      : (readUnderlined(lines, at) ?? findHeading(line) ?? readTitle(lines, at, blocks));
    if (table) blocks.push(...table.blocks);
    if (heading !== undefined) blocks.push({ kind: 'heading', text: heading });
    if (table || heading !== undefined || !/[\p{L}\p{N}]/u.test(line)) {
      at += table?.lines ?? 1;
      continue;
    }
    let text = line;
    for (; width !== undefined && goesOn(lines[at]!, lines[at + 1] ?? '', width); at += 1) {
      if (findHeading(tidy(lines[at + 1]!)) !== undefined) break;
      text = joinParts(text, tidy(lines[at + 1]!));
    }
    blocks.push({ kind: 'text', text });
    at += 1;
  }
  return blocks;
}

/** A line with a row of = or - under it, as Markdown and letters have it; the row itself is no text. */
function readUnderlined(lines: string[], at: number): string | undefined {
  const line = tidy(lines[at]!);
  const isShort = line.length > 0 && line.length <= MAX_TITLE_CHARS && /[\p{L}\p{N}]/u.test(line);
  return isShort && /^(?:={3,}|-{3,})$/.test(lines[at + 1] ?? '') ? line : undefined;
}

/** The first line, where it stands alone and is no sentence. */
function readTitle(lines: string[], at: number, blocks: Block[]): string | undefined {
  const line = tidy(lines[at]!);
  const isTitle = blocks.length === 0 && line.length > 1 && line.length <= MAX_TITLE_CHARS;
  const standsAlone = lines[at + 1]?.trim() === '' && lines.slice(at + 2, at + 4).some((next) => next.trim() !== '');
  return isTitle && standsAlone && !/[。！？；，,!?;：:|]|\.$/.test(line) ? line : undefined;
}

function tidy(line: string): string {
  return line.replace(/[\s\u2800]+/gu, ' ').trim();
}
