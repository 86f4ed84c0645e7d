import { splitSentences } from '../retrieval/split-sentences.ts';
import { tokenise } from '../retrieval/tokenise.ts';
import type { FoundPassage } from './expert.ts';

/** What is quoted whole or not at all: a sentence, a row of a table, an item of a list. */
export interface Piece {
  text: string;
  /** The line of the passage that it is from: pieces of one line follow one another in the source. */
  line: number;
  /** How much room it takes, in Chinese characters. */
  width: number;
  tokens: ReadonlySet<string>;
  /** Of the lines that stand above it and say what it is about. */
  context: ReadonlySet<string>;
  /** It announces what follows (带这些证件:), and says little without. */
  announces: boolean;
}

/** A longer sentence has lost its full stops; it is cut at commas. */
const maxPieceChars = 200;
const maxLabelChars = 40;

/** Cuts a passage into pieces. Its headings are no pieces: they are shown by nobody's answer, but tell what is below. */
export function cutPieces({ heading, text }: Pick<FoundPassage, 'heading' | 'text'>): Piece[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const pieces: Piece[] = [];
  let label = heading;
  let intro = '';
  lines.forEach((line, at) => {
    if (at < lines.length - 1 && isLabel(line)) {
      label = line;
      intro = '';
      return;
    }
    const context = new Set(tokenise(`${label}\n${intro}`));
    for (const part of isRow(line) ? cutLong(line, /(?<=；)/) : splitSentences(line).flatMap((s) => cutLong(s))) {
      const announces = /[:：]$/.test(part) || (isItem(line) && isShort(line) && /[\p{L}\p{N}]$/u.test(line));
      pieces.push({ text: part, line: at, width: widthOf(part), tokens: new Set(tokenise(part)), context, announces });
    }
    if (/[:：]$/.test(line)) intro = line;
  });
  return pieces;
}

/** Chinese characters are about twice as wide as letters, and say more. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character > '\u2e7f' ? 1 : 0.5;
  return width;
}

/** A row as tables are read out: 票种：成人票；窗口价：168 元. */
function isRow(line: string): boolean {
  const cells = line.split('；');
  return cells.length > 1 && cells.every((cell) => /^[^：]{1,30}：/.test(cell));
}

function isItem(line: string): boolean {
  return /^(?:·|\d{1,3}\.)/.test(line);
}

function isShort(line: string): boolean {
  return line.length <= maxLabelChars;
}

/** A heading, or a question that is answered below. */
function isLabel(line: string): boolean {
  if (isRow(line) || isItem(line)) return false;
  if (/[?？]$/.test(line)) return line.length <= 1.5 * maxLabelChars;
  return isShort(line) && !/[。！!；;，,、）)”…]$/.test(line) && !/[:：]/.test(line);
}

/** Cuts what is too long after `marks`, and what has none anywhere. */
function cutLong(text: string, marks = /(?<=[，,、；;：\s])/): string[] {
  if (text.length <= maxPieceChars) return [text];
  const parts: string[] = [];
  let part = '';
  for (const clause of text.split(marks)) {
    if (part !== '' && part.length + clause.length > maxPieceChars) {
      parts.push(part);
      part = '';
    }
    part += clause;
    for (; part.length > maxPieceChars; part = part.slice(maxPieceChars)) parts.push(part.slice(0, maxPieceChars));
  }
  return [...parts, part].map((each) => each.trim()).filter((each) => each !== '');
}
