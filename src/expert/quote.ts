import { analyseQuery } from '../retrieval/analyse-query.ts';
import { normalise, tokenise } from '../retrieval/tokenise.ts';
import { answerKinds } from './answer-kinds.ts';
import { cutPieces, type Piece } from './cut-pieces.ts';
import type { FoundPassage } from './expert.ts';

/** What is quoted to answer a question. */
export interface Quote {
  text: string;
  /** The passages that it is taken from, by their place among those given; the most telling first. */
  used: number[];
}

/** How much of the question a piece covers where only what stands above it does: its heading, or the title. */
const contextDegree = 0.6;
const titleDegree = 0.8;
/** A worse passage must have the better piece. */
const passageExponent = 3;
/** What it is worth that a piece looks like the answer, for the first and for each further. */
const kindWorth = 0.25;
const furtherKindWorth = 0.1;
/** What it is worth to stand right before or after what is quoted, and to be what was announced. */
const beforeWorth = 0.05;
const afterWorth = 0.04;
const announcedWorth = 0.3;
/** Of a further piece that repeats what is covered already. */
const repeatedShare = 0.4;
/**
 * A further piece must be worth so much. One from another passage must add so much of the question, and one from
 * another document more: it brings another source, which has to support the answer as well.
 */
const leastWorth = 0.08;
const leastNews = 0.1;
const leastNewsOfOther = 0.2;

interface Placed extends Piece {
  passage: number;
  documentId: string;
  place: number;
  /** The passage's score in proportion to the best one's. */
  prior: number;
  /** How far the piece covers each term of the question, from 0 to 1. */
  degrees: number[];
  /** The same without the title, which all pieces of the passage share. */
  own: number[];
  /** How many of the kinds that the answer may be of it looks like, as a share. */
  kind: number;
}

/**
 * Picks from the passages, which are best first, what answers the question in about `room` Chinese characters: the
 * best run of whole sentences, or a row or an item, then what adds to it, in the order of the source.
 */
export function quote(question: string, passages: readonly FoundPassage[], room: number): Quote {
  const terms = analyseQuery(question);
  const kinds = answerKinds(normalise(question));
  const pieces = placePieces(passages, { tokens: terms.map(({ token }) => token), kinds });
  const worths = worthsOf(terms, pieces.flat());
  const chosen = bestRun(pieces, worths, room);
  for (;;) {
    const next = bestAddition(pieces, chosen, worths, room);
    if (next === undefined) break;
    chosen.push(next);
  }
  const used = [...new Set(chosen.map(({ passage }) => passage))];
  return {
    text: joinPieces(used.flatMap((passage) => chosen.filter((p) => p.passage === passage).sort(byPlace))),
    used,
  };
}

function placePieces(
  passages: readonly FoundPassage[],
  { tokens, kinds }: { tokens: readonly string[]; kinds: readonly RegExp[] },
): Placed[][] {
  return passages.map((found, passage) => {
    const prior = (found.score / passages[0]!.score) ** passageExponent;
    const title = new Set(tokenise(`${found.source.title}\n${found.heading}`));
    return cutPieces(found).map((piece, place) => {
      const own = tokens.map((token) => (piece.tokens.has(token) ? 1 : piece.context.has(token) ? contextDegree : 0));
      const degrees = tokens.map((token, at) => Math.max(own[at]!, title.has(token) ? titleDegree : 0));
      return {
        ...piece,
        passage,
        documentId: found.source.documentId,
        place,
        prior,
        degrees,
        own,
        kind: kindOf(piece.text, kinds),
      };
    });
  });
}

function kindOf(text: string, kinds: readonly RegExp[]): number {
  if (kinds.length === 0) return 0;
  const normalised = normalise(text);
  return kinds.filter((kind) => kind.test(normalised)).length / kinds.length;
}

/** What each term is worth, as shares of 1: the rarer among the pieces, the more. What none has is worth nothing. */
function worthsOf(terms: readonly { token: string; weight: number }[], pieces: readonly Placed[]): number[] {
  const worths = terms.map(({ token, weight }, term) => {
    const about = pieces.filter(({ own }) => own[term]! > 0).length;
    const single = token.length === 1 ? 0.8 : 1;
    return about === 0 ? 0 : weight * single * Math.log(1 + (pieces.length - about + 0.5) / (about + 0.5));
  });
  const sum = worths.reduce((total, worth) => total + worth, 0);
  return worths.map((worth) => (sum === 0 ? 0 : worth / sum));
}

/** The best run of pieces of one line (and of what it announces) that has room. */
function bestRun(pieces: Placed[][], worths: readonly number[], room: number): Placed[] {
  let best: { value: number; run: Placed[] } | undefined;
  for (const line of pieces) {
    for (let from = 0; from < line.length; from++) {
      const covered = worths.map(() => 0);
      let width = 0;
      let kind = 0;
      for (let to = from; to < line.length; to++) {
        const piece = line[to]!;
        const follows = to === from || piece.line === line[from]!.line || line[to - 1]!.announces;
        width += piece.width;
        if (!follows || (to > from && width > room)) break;
        cover(covered, piece);
        kind = Math.max(kind, piece.kind);
        const over = Math.max(0, width - room) / 1000;
        const value = piece.prior * shareOf(covered, worths) + kindWorth * kind - width / 10_000 - over;
        if (best === undefined || value > best.value) best = { value, run: line.slice(from, to + 1) };
      }
    }
  }
  return best?.run ?? [];
}

/** The piece that adds most to what is chosen, if any is worth its room. */
function bestAddition(
  pieces: Placed[][],
  chosen: readonly Placed[],
  worths: readonly number[],
  room: number,
): Placed | undefined {
  const left = room - chosen.reduce((sum, { width }) => sum + width, 0);
  const covered = worths.map(() => 0);
  for (const piece of chosen) cover(covered, piece);
  let best: { value: number; piece: Placed } | undefined;
  for (const piece of pieces.flat()) {
    if (piece.width > left || chosen.includes(piece) || /[?？]$/.test(piece.text)) continue;
    const news = piece.prior * newsOf(piece, covered, worths);
    if (news < leastNewsOf(piece, chosen)) continue;
    const repeated = piece.prior * repeatedShare * shareOf(piece.own, worths);
    const value = news + repeated + neighbourWorth(piece, chosen) + furtherKindWorth * piece.kind;
    if (value > (best?.value ?? leastWorth)) best = { value, piece };
  }
  return best?.piece;
}

function leastNewsOf(piece: Placed, chosen: readonly Placed[]): number {
  if (chosen.some(({ passage }) => passage === piece.passage)) return 0;
  return chosen.some(({ documentId }) => documentId === piece.documentId) ? leastNews : leastNewsOfOther;
}

function cover(covered: number[], { degrees }: Placed): void {
  for (let term = 0; term < covered.length; term++) covered[term] = Math.max(covered[term]!, degrees[term]!);
}

function shareOf(covered: readonly number[], worths: readonly number[]): number {
  return covered.reduce((sum, degree, term) => sum + degree * worths[term]!, 0);
}

function newsOf({ degrees }: Placed, covered: readonly number[], worths: readonly number[]): number {
  return degrees.reduce((sum, degree, term) => sum + Math.max(0, degree - covered[term]!) * worths[term]!, 0);
}

/** Of standing beside what is chosen; half of it across lines. */
function neighbourWorth(piece: Placed, chosen: readonly Placed[]): number {
  const at = (place: number) => chosen.find((other) => other.passage === piece.passage && other.place === place);
  const before = at(piece.place - 1);
  const after = at(piece.place + 1);
  if (before?.announces) return announcedWorth;
  const across = (other: Placed) => (other.line === piece.line ? 1 : 0.5);
  return Math.max(after ? beforeWorth * across(after) : 0, before ? afterWorth * across(before) : 0);
}

function byPlace(x: Placed, y: Placed): number {
  return x.place - y.place;
}

/** Sentences that follow one another stay together; what is from elsewhere begins a line. */
function joinPieces(pieces: readonly Placed[]): string {
  return pieces.reduce((text, piece, at) => {
    const last = pieces[at - 1];
    if (last === undefined) return piece.text;
    const follows = last.passage === piece.passage && last.line === piece.line && last.place + 1 === piece.place;
    if (!follows) return `${text}\n${piece.text}`;
    return `${text}${/[\x21-\x7e]$/.test(last.text) ? ' ' : ''}${piece.text}`;
  }, '');
}
