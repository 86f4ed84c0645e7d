/** How an answer is shared out: what the bubble shows, what follows it, and what is said where nobody fetches the bubble. */
import { cutToBytes, maxContentBytes } from './content.ts';
import { takePiece } from './markdown/index.ts';

export interface Answer {
  /** As WeCom shows it. */
  body: string;
  /** Whether there was more of it, which no way can take. */
  isCut: boolean;
  /** What stands at the end, whatever is left out before it: the label and the sources. */
  tail: string;
}

/** What is said of a text that isn't whole. */
export interface Notes {
  /** More follows. */
  continued: string;
  /** No more follows. */
  shortened: string;
}

export interface Layout {
  bubble: string;
  /** What follows the bubble, as one message; empty: nothing does. */
  rest: string;
  /** In place of the bubble: one message that says what it can. */
  alone: string;
}

/** Lays out an answer; `canFollow`: a message may follow the bubble. Each of the texts fits into one content of WeCom. */
export function layOut(answer: Answer, notes: Notes, canFollow: boolean): Layout {
  const alone = shorten(answer, notes);
  const isWhole = !answer.isCut && Buffer.byteLength(join(answer.body, answer.tail)) <= maxContentBytes;
  if (isWhole || !canFollow) return { bubble: alone, rest: '', alone };
  const first = takePiece(answer.body, roomBeside(notes.continued));
  const bubble = fit(join(first.piece, notes.continued));
  return { bubble, rest: shorten({ ...answer, body: first.rest }, notes), alone };
}

/** All of an answer in as many messages as it takes, where any number may follow the bubble, which is the first. */
export function layOutPieces({ body, isCut, tail }: Answer, notes: Notes): string[] {
  const end = join(isCut ? notes.shortened : '', tail);
  const pieces: string[] = [];
  for (let left = body; ; ) {
    const last = join(left, end);
    if (left === '' || Buffer.byteLength(last) <= maxContentBytes) return [...pieces, fit(last)];
    const { piece, rest } = takePiece(left, roomBeside(notes.continued));
    pieces.push(fit(join(piece, notes.continued)));
    left = rest;
  }
}

/** All of an answer, or as much as fits with its end, and says so. */
function shorten({ body, isCut, tail }: Answer, { shortened }: Notes): string {
  const whole = join(body, tail);
  if (!isCut && Buffer.byteLength(whole) <= maxContentBytes) return whole;
  const end = join(shortened, tail);
  return fit(join(takePiece(body, roomBeside(end)).piece, end));
}

const join = (...parts: string[]) => parts.filter((part) => part !== '').join('\n\n');

const roomBeside = (end: string) => Math.max(1024, maxContentBytes - Buffer.byteLength(end) - 2);

/** Texts of operators may be long. */
const fit = (text: string) => cutToBytes(text, maxContentBytes).head;
