import type { Block } from './clean-html.ts';

/** A stretch of an article that is found and quoted as one. */
export interface Passage {
  /** The nearest above the passage's first text, else the first inside it, else ''; at most 100 code points. */
  heading: string;
  text: string;
}

interface Packer {
  target: number;
  max: number;
  passages: Passage[];
  /** The passage being filled, and its length in code points. */
  draft: Passage;
  length: number;
  heading: string;
  /** Headings that wait for the text they stand above, so that no passage ends with one. */
  waiting: string[];
  /** What they take up, each with its newline. */
  waitingLength: number;
}

const DEFAULT_TARGET_CHARS = 400;
const DEFAULT_MAX_CHARS = 600;
const MAX_HEADING_CHARS = 100;

const CJK_ENDS = '。！？；…｡';
const LATIN_ENDS = '.!?';
const CLOSERS = '”’」』）】》〉〕｝］)]}»';
/** After one of these the quotation before it was only part of a sentence: “好！”，他说。 */
const CONTINUERS = '，、：,:;';
const ABBREVIATIONS = new Set('mr mrs ms dr prof st vs cf approx'.split(' '));
const ABBREVIATIONS_OF_NUMBERS = new Set('no nos fig vol ch sec p pp art tel ext'.split(' '));

/**
 * The sentences of a text, trimmed and none empty; put together they lose nothing but white space.
 * A newline always ends one, as do 。！？；… and, before white space or the end of the text, the Latin . ! and ?
 */
export function splitSentences(text: string): string[] {
  return segments(text)
    .map((segment) => segment.trim())
    .filter((sentence) => sentence !== '');
}

/**
 * Packs blocks, in order and losing nothing but white space, into passages of about `targetChars` (400 by default) and
 * never more than `maxChars` (600 by default), both in code points. Blocks are joined by newlines. A heading opens a
 * new passage once the current one has a third of the target; rows in succession stay together where they fit.
 */
export function splitPassages(blocks: Block[], options: { targetChars?: number; maxChars?: number } = {}): Passage[] {
  const max = atLeastOne(options.maxChars, DEFAULT_MAX_CHARS);
  const target = Math.min(atLeastOne(options.targetChars, DEFAULT_TARGET_CHARS), max);
  const draft = { heading: '', text: '' };
  const packer: Packer = { target, max, passages: [], draft, length: 0, heading: '', waiting: [], waitingLength: 0 };
  for (const block of joinRows(blocks, max)) {
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
  let run: string[] = [];
  const endRun = (): void => {
    const text = run.join('\n');
    const texts = run.length > 1 && countChars(text) > max ? run : [text];
    for (const row of texts) if (row !== '') joined.push({ kind: 'row', text: row });
    run = [];
  };
  for (const block of blocks) {
    const text = block.text.trim();
    if (block.kind === 'row' && text !== '') run.push(text);
    if (block.kind === 'row' || text === '') continue;
    endRun();
    joined.push({ kind: block.kind, text });
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
  for (const segment of segments(text).flatMap((whole) => slices(whole, room))) {
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

/** The text cut after each sentence, with the white space between two at the start of the second. */
function segments(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoting = false;
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    let end = at + 1;
    if (char === '"') isQuoting = !isQuoting;
    let isEnd = char === '\n' || char === '\r';
    if (CJK_ENDS.includes(char) || LATIN_ENDS.includes(char)) {
      for (; isEndOrCloser(text, end, isQuoting); end += 1) if (text[end] === '"') isQuoting = false;
      isEnd = endsSentence(text, start, at, end);
    }
    if (isEnd) {
      parts.push(text.slice(start, end));
      start = end;
      // A quotation mark nobody closed, or an inch sign, must not turn round all that follow.
      if (char === '\n') isQuoting = false;
    }
    at = end;
  }
  return [...parts, text.slice(start)];
}

function isEndOrCloser(text: string, at: number, isQuoting: boolean): boolean {
  const char = text.charAt(at);
  if (char === '') return false;
  if (char === '"') return isQuoting;
  if (char === "'") return isBlank(text, at + 1);
  return CJK_ENDS.includes(char) || LATIN_ENDS.includes(char) || CLOSERS.includes(char);
}

/** Whether the end marks and closers from `at` to `end` end the sentence that began at `start`. */
function endsSentence(text: string, start: number, at: number, end: number): boolean {
  for (let mark = at; mark < end; mark += 1) {
    if (CJK_ENDS.includes(text.charAt(mark))) return end === text.length || !CONTINUERS.includes(text.charAt(end));
  }
  const isLoneStop = end === at + 1 && text[at] === '.';
  return isBlank(text, end) && !(isLoneStop && isPartOfWord(text, start, at));
}

/** Whether the full stop at `at` belongs to an abbreviation or to the number of a list item, as in "1. 内容". */
function isPartOfWord(text: string, start: number, at: number): boolean {
  const before = text.slice(Math.max(start, at - 12), at);
  if (at - start < 12 && /^\s*\d{1,3}$/.test(before)) return true;
  const word = /(?:^|[^A-Za-z.])([A-Za-z][A-Za-z.]*)$/.exec(before)?.[1]?.toLowerCase() ?? '';
  const isBeforeNumber = /^\s\d/.test(text.slice(at + 1, at + 3));
  return (
    /^(?:[a-z]\.)+[a-z]$/.test(word) ||
    ABBREVIATIONS.has(word) ||
    (isBeforeNumber && ABBREVIATIONS_OF_NUMBERS.has(word))
  );
}

function isBlank(text: string, at: number): boolean {
  return at >= text.length || /\s/.test(text.charAt(at));
}
