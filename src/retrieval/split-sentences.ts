const cjkEnds = '。！？；…｡';
const latinEnds = '.!?';
const closers = '”’」』）】》〉〕｝］)]}»';
/** After one of these the quotation before it was only part of a sentence: “好！”，他说。 */
const continuers = '，、：,:;';
const abbreviations = new Set('mr mrs ms dr prof st vs cf approx'.split(' '));
const numberAbbreviations = new Set('no nos fig vol ch sec p pp art tel ext'.split(' '));

/**
 * The sentences of a text, trimmed and none empty; put together they lose nothing but white space.
 * A newline always ends one, as do 。！？；… and, before white space or the end of the text, the Latin . ! and ?
 */
export function splitSentences(text: string): string[] {
  return cutSentences(text)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}

/** The text cut after each sentence, with the white space between two at the start of the second. */
export function cutSentences(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoting = false;
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    let end = at + 1;
    if (char === '"') isQuoting = !isQuoting;
    let isEnd = char === '\n' || char === '\r';
    if (cjkEnds.includes(char) || latinEnds.includes(char)) {
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
  return cjkEnds.includes(char) || latinEnds.includes(char) || closers.includes(char);
}

/** Whether the end marks and closers from `at` to `end` end the sentence that began at `start`. */
function endsSentence(text: string, start: number, at: number, end: number): boolean {
  for (let mark = at; mark < end; mark += 1) {
    if (cjkEnds.includes(text.charAt(mark))) return end === text.length || !continuers.includes(text.charAt(end));
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
    /^(?:[a-z]\.)+[a-z]$/.test(word) || abbreviations.has(word) || (isBeforeNumber && numberAbbreviations.has(word))
  );
}

function isBlank(text: string, at: number): boolean {
  return at >= text.length || /\s/.test(text.charAt(at));
}
