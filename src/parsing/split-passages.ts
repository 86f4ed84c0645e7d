import { cutSentences } from '../retrieval/split-sentences.ts';
import type { Block } from './block.ts';

/** A stretch of a document that is found and quoted as one. */
export interface Passage {
  /** The nearest above the passage's first text, else the first inside it, else ''; at most 100 code points. */
  heading: string;
  text: string;
  /** The page that it stands on, from 1, where the document has pages. */
  page?: number;
}

interface Packer {
  target: number;
  max: number;
  passages: Passage[];
  /** The passage being filled, and its length in code points. */
  draft: Passage;
  length: number;
  /** The page of the block that is being added; a passage has one page. */
  page: number | undefined;
  heading: string;
  /** Headings that wait for the text they stand above, so that no passage ends with one. */
  waiting: string[];
  /** What they take up, each with its newline. */
  waitingLength: number;
}

const DEFAULT_TARGET_CHARS = 400;
const DEFAULT_MAX_CHARS = 600;
const MAX_HEADING_CHARS = 100;

/**
 * Packs blocks, in order and losing nothing but white space, into passages of about `targetChars` (400 by default) and
 * never more than `maxChars` (600 by default), both in code points. Blocks are joined by newlines. A heading opens a
 * new passage once the current one has a third of the target, and a page always does; rows in succession stay together
 * where they fit.
 */
export function splitPassages(blocks: Block[], options: { targetChars?: number; maxChars?: number } = {}): Passage[] {
  const max = atLeastOne(options.maxChars, DEFAULT_MAX_CHARS);
  const target = Math.min(atLeastOne(options.targetChars, DEFAULT_TARGET_CHARS), max);
  const packer: Packer = {
    ...{ target, max, passages: [], draft: { heading: '', text: '' }, length: 0 },
    ...{ page: undefined, heading: '', waiting: [], waitingLength: 0 },
  };
  for (const block of joinRows(blocks, max)) {
    if (block.page !== packer.page) closePassage(packer);
    packer.page = block.page;
    if (block.kind === 'heading') addHeading(packer, block.text);
    else addText(packer, block.text);
  }
  releaseHeadings(packer);
  closePassage(packer);
  return packer.passages;
}

function atLeastOne(value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= 1 ? Math.floor(value) : otherwise;
}

/** The blocks trimmed, without empty ones, and each run of rows that fits into one passage made one block. */
function joinRows(blocks: Block[], max: number): Block[] {
  const joined: Block[] = [];
  let run: Block[] = [];
  const endRun = (): void => {
    const text = run.map((row) => row.text).join('\n');
    const isTooLong = run.length > 1 && countChars(text) > max;
    for (const row of isTooLong ? run : run.slice(0, 1)) joined.push(isTooLong ? row : { ...row, text });
    run = [];
  };
  for (const block of blocks) {
    const trimmed = { ...block, text: block.text.trim() };
    if (trimmed.text === '') continue;
    if (block.kind !== 'row' || block.page !== run[0]?.page) endRun();
    (block.kind === 'row' ? run : joined).push(trimmed);
  }
  endRun();
  return joined;
}

function addHeading(packer: Packer, text: string): void {
  if (packer.length >= packer.target / 3) closePassage(packer);
  // Headings may take half of a passage, so that there is always room for text under them.
  const length = countChars(text) + 1;
  if (packer.waitingLength + length > packer.max / 2) releaseHeadings(packer);
  packer.heading = text.slice(0, advance(text, 0, MAX_HEADING_CHARS));
  packer.waiting.push(text);
  packer.waitingLength += length;
  if (length > packer.max / 2) releaseHeadings(packer);
}

/** Headings with no text under them, or too long to be any, become text. */
function releaseHeadings(packer: Packer): void {
  const text = packer.waiting.join('\n');
  packer.waiting = [];
  packer.waitingLength = 0;
  if (text !== '') addText(packer, text);
}

function addText(packer: Packer, text: string): void {
  const room = packer.max - packer.waitingLength;
  if (countChars(text) <= room) addPiece(packer, text);
  else for (const piece of cutText(text, packer.target, room)) addPiece(packer, piece);
}

function addPiece(packer: Packer, text: string): void {
  const added = packer.waitingLength + countChars(text);
  if (packer.length > 0 && !isWorthAdding(packer.length + 1, added, packer.target, packer.max)) closePassage(packer);
  const { draft, waiting } = packer;
  packer.length += added + (packer.length > 0 ? 1 : 0);
  draft.text += (draft.text === '' ? '' : '\n') + [...waiting, text].join('\n');
  draft.heading ||= packer.heading;
  if (packer.page !== undefined) draft.page = packer.page;
  packer.waiting = [];
  packer.waitingLength = 0;
}

function closePassage(packer: Packer): void {
  if (packer.length > 0) packer.passages.push(packer.draft);
  packer.draft = { heading: '', text: '' };
  packer.length = 0;
}

/** Past the target, only what leaves the passage no further from it than it was. */
function isWorthAdding(length: number, added: number, target: number, max: number): boolean {
  const total = length + added;
  return total <= max && (total <= target || total - target <= target - length);
}

/** Cuts a long text at sentence ends into pieces of about `target`; a sentence longer than `room` is cut anywhere. */
function cutText(text: string, target: number, room: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let length = 0;
  for (const segment of cutSentences(text).flatMap((whole) => slices(whole, room))) {
    const added = countChars(segment);
    if (length > 0 && !isWorthAdding(length, added, target, room)) {
      pieces.push(piece.trim());
      piece = '';
      length = 0;
    }
    piece += segment;
    length += added;
  }
  return [...pieces, piece.trim()].filter((part) => part !== '');
}

function slices(text: string, size: number): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const to = advance(text, from, size);
    parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}

/** The index `count` code points after `from`, or the end of the text. */
function advance(text: string, from: number, count: number): number {
  let index = from;
  for (let left = count; left > 0 && index < text.length; left -= 1) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}

function countChars(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
