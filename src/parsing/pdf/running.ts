import type { Box } from './columns.ts';

interface Text extends Box {
  text: string;
}

export interface RunningPage<T extends Text> {
  number: number;
  height: number;
  texts: T[];
}

/** From this many pages on, what stands at the same place on each is not part of the text. */
const MIN_PAGES = 3;
/** The share of the page's height, at its top and at its bottom, where headers and footers stand. */
const MARGIN = 0.12;
const MAX_CHARS = 80;
const ROMAN = /^[ivxlc]{1,7}$/i;
const PAGE_NUMBER = /^[\s#\-–—·.|/()第页頁共]*(?:page|p\.?|of)?[\s#\-–—·.|/()第页頁共of]*$/i;

interface Place<T> {
  text: T;
  page: number;
  numbers: number[];
}

/**
 * The headers, footers and page numbers: short texts in the page's margins that return at the same place on at least
 * three pages, the same but for numbers that count with the pages. A page's only text is never one.
 */
export function findRunning<T extends Text>(pages: RunningPage<T>[]): Set<T> {
  const groups = new Map<string, Place<T>[]>();
  for (const page of pages) {
    for (const text of page.texts) {
      if (!isInMargin(page, text)) continue;
      const { form, numbers } = readNumbers(text.text);
      const key = `${Math.round(text.bottom / 4)} ${form}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key)!.push({ text, page: page.number, numbers });
    }
  }
  const running = new Set<T>();
  for (const [key, group] of groups) {
    const places = PAGE_NUMBER.test(key.slice(key.indexOf(' ') + 1)) ? group : keepCounting(group);
    if (new Set(places.map((place) => place.page)).size < MIN_PAGES) continue;
    for (const place of places) running.add(place.text);
  }
  for (const page of pages) {
    for (const text of page.texts) if (isInMargin(page, text) && isItsNumber(text.text, page.number)) running.add(text);
    const others = page.texts.filter((text) => !running.has(text)).sort((a, b) => a.top - b.top);
    const apart = measureGap(others);
    for (const text of page.texts) {
      const isNumber = PAGE_NUMBER.test(readNumbers(text.text).form);
      if (running.has(text) && !isNumber && isPart(text, others, apart)) running.delete(text);
    }
  }
  return running;
}

/** What the lines of a page have between them, where nothing sets them apart. */
function measureGap(texts: Text[]): number {
  const gaps = texts.slice(1).map((text, at) => text.top - texts[at]!.bottom);
  const open = gaps.filter((gap) => gap > 0).sort((a, b) => a - b);
  return open[open.length >> 2] ?? 0;
}

/** Whether a line is as near to the page's text, and as large, as if it were its first or last; or is all there is. */
function isPart(text: Text, others: Text[], gap: number): boolean {
  const [first, last] = [others[0], others.at(-1)];
  if (!first || !last) return true;
  const next = text.top < first.top ? first : last;
  const distance = Math.max(next.top - text.bottom, text.top - next.bottom);
  return distance < Math.max(0.8 * text.size, 1.25 * gap) && Math.abs(next.size - text.size) < 0.06 * text.size;
}

function isInMargin(page: RunningPage<Text>, text: Text): boolean {
  return (text.bottom < MARGIN * page.height || text.top > (1 - MARGIN) * page.height) && text.text.length <= MAX_CHARS;
}

/** The page's own number and nothing else, which needs no other pages to be known. */
function isItsNumber(text: string, page: number): boolean {
  const { form, numbers } = readNumbers(text);
  return numbers[0] === page && PAGE_NUMBER.test(form);
}

function readNumbers(text: string): { form: string; numbers: number[] } {
  const numbers: number[] = [];
  if (ROMAN.test(text)) return { form: '#', numbers };
  const form = text.replace(/\d{1,9}/g, (digits) => {
    numbers.push(Number(digits));
    return '#';
  });
  return { form, numbers };
}

/** Those whose numbers stay the same or count with the pages; a number that does neither, as a table's, is text. */
function keepCounting<T>(places: Place<T>[]): Place<T>[] {
  let kept = places;
  for (const at of places[0]!.numbers.keys()) {
    const same = keepMost(kept, (place) => place.numbers[at]!);
    const counting = keepMost(kept, (place) => place.numbers[at]! - place.page);
    kept = same.length > counting.length ? same : counting;
  }
  return kept;
}

function keepMost<T>(places: Place<T>[], read: (place: Place<T>) => number): Place<T>[] {
  const groups = Map.groupBy(places, read);
  return [...groups.values()].reduce((most, group) => (group.length > most.length ? group : most), []);
}
