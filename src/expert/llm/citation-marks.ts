/** [1], 【2】, [1, 3], [^1] or [资料 1]. Numbers of four digits are years: 国发[2024]5 号. */
export const marks =
  /[[【]\s{0,2}(?:\^|资料|来源|[Ss]ource)?\s{0,2}(\d{1,3}(?:\s{0,2}[,，、]\s{0,2}\d{1,3}){0,15})\s{0,2}[\]】]/g;
/** What may still become a mark. */
const openMark = /[[【]\s{0,2}(?:\^|资?料?|来?源?|[Ss]?o?u?r?c?e?)?[\d\s,，、]{0,80}$/;
const longestMarkChars = 100;
const maxDropped = 20;

/** A model's text without its citation marks. */
export interface CitedText {
  text: string;
  /** The sources that it cites, by number from 1, in the order of their first use. */
  cited: number[];
  /** The marks that point at no source: `citation 9 of 3`. */
  dropped: string[];
}

/** Reads the marks in a text that was written from so many sources, and takes them out. */
export function readCitations(text: string, sources: number): CitedText {
  const cited = new Set<number>();
  const dropped = new Set<string>();
  for (const [, numbers] of text.matchAll(marks)) {
    for (const number of numbers!.split(/[,，、]/).map(Number)) {
      if (number >= 1 && number <= sources) cited.add(number);
      else if (dropped.size < maxDropped) dropped.add(`citation ${number} of ${sources}`);
    }
  }
  return { text: withoutMarks(text), cited: [...cited], dropped: [...dropped] };
}

/** The text so far without marks, and without the beginning of one at its end. */
export function hideMarks(text: string): string {
  const whole = withoutMarks(text);
  const tail = whole.slice(-longestMarkChars);
  return (whole.slice(0, whole.length - tail.length) + tail.replace(openMark, '')).trimEnd();
}

/** A mark goes with the blank before it: "at ten [1]." becomes "at ten." */
function withoutMarks(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (const mark of text.matchAll(marks)) {
    // Of marks in a row, the last finds the blank before the first.
    if (mark.index > from) parts.push(text.slice(from, mark.index));
    from = mark.index + mark[0].length;
    const before = parts.at(-1) ?? '';
    if (/[ \t]/.test(before.slice(-1)) && /^[\s.,;:!?。，；：！？]?$/.test(text.charAt(from)))
      parts[parts.length - 1] = before.slice(0, -1);
  }
  return (parts.join('') + text.slice(from)).trim();
}
