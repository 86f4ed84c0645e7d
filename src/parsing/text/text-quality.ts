import { commonHan } from './common-han.ts';

/** Below this, text is noise: test/parsing/text-quality.test.ts holds how often that is wrong. */
export const MIN_QUALITY = 0.5;

/** So much of a text, taken evenly from all of it, tells what it is. */
const MAX_CHARS = 24_000;
/** Weight of the guess that unseen text is good, in characters: a short heading says little. */
const PRIOR = 4;

const pairs = (list: string): ReadonlySet<string> => new Set(list.split(' '));
/** The pairs of letters that English and its neighbours are made of. */
const commonPairs = pairs(
  'th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ' +
    'ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie ' +
    'wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab ' +
    'gh ty op wo sa ay ex ke ui fr oo ag ey ap gr if bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga ' +
    'qu ue ls va hu ck ub um uo og pp ff au ht ob eo my ew av up je ij zi nh ao ki uk za sk ko zh gu xi ji ya ua xt ße ah br hr hn tz eh gt nz rd rt lt lo ab zu eb kt ef gr kl ru lu rb hl rk ms ez lg br bi ht eg oi aî lle ée ix où ños ñ eñ ja jo aj',
);
const commonHangul = new Set(
  '이다는의에을가고하지한은로를도사기어아리대시인자나서해과일부그있정으들라것수면보니전여상전스만주제을장원적구게여되국세조했때성우동아안선와신공유트위치였화요경소마방비등간회연무문생교학중',
);
const commonKana = new Set(
  'のにはをたがでてとしれさあいうるなかもこすらりくっまきよそけえだつどみめわおせんーアイウエオカクコサシスタッテトナニフマムメラリルレロンドグジプバ',
);

/** What each kind of letter adds up to: how many there are, and how many of them are the language's usual ones. */
interface Tally {
  count: number;
  common: number;
}

interface Counts {
  han: Tally;
  kana: Tally;
  hangul: Tally;
  latin: Tally;
  /** Letters of other scripts in use, such as Cyrillic. */
  other: number;
  digits: number;
  /** Punctuation as any text has it. */
  marks: number;
  /** Arrows, boxes, letters of dead scripts, signs of phonetics. */
  odd: number;
  /** Controls, private use, unassigned and replaced characters. */
  broken: number;
  /** Neighbouring letters of scripts that are never mixed in a word. */
  clashes: number;
  /** Letters equal to the two before them. */
  repeats: number;
  letters: number;
  most: number;
}

/** How much a text reads like language, from 0 (noise) to 1: Chinese, English, Japanese, Korean, tables, code, or a mix. */
export function judgeText(text: string): number {
  const counts = countText(takeSample(text));
  const { han, kana, hangul, latin, other, digits, marks, odd, broken, letters } = counts;
  const total = letters + digits + marks + odd + broken;
  if (total === 0) return 0;
  const good =
    rate(han, 0.15, 0.5) +
    rate(kana, 0.2, 0.6) +
    rate(hangul, 0.05, 0.35) +
    rate(latin, 0.4, 0.62, 5 * PRIOR) +
    0.8 * other;
  const usual = digits + Math.min(marks, 0.4 * (total + PRIOR));
  // Letters are what can be judged: numbers beside them make noise no better.
  const byLetters = letters >= 0.25 * total ? good / Math.max(1, letters) : 1;
  const byAll = (good + usual) / total;
  const spoiled =
    4 * (broken / total) + 3 * (counts.clashes / Math.max(20, letters)) + 2 * Math.max(0, odd / total - 0.1);
  const repeated = repetition(counts);
  return Math.max(0, Math.min(1, byLetters, byAll) * (1 - repeated) - spoiled);
}

function takeSample(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  const parts = 8;
  const step = Math.floor(text.length / parts);
  return Array.from({ length: parts }, (_, at) => text.slice(at * step, at * step + MAX_CHARS / parts)).join(' ');
}

/** The letters of one kind weighed by whether the usual ones are as frequent as `full`, or as rare as `none`. */
function rate({ count, common }: Tally, none: number, full: number, prior = PRIOR): number {
  const share = (common + prior * full) / (count + prior);
  return count * Math.max(0, Math.min(1, (share - none) / (full - none)));
}

/** One character over and over, as fonts without a map of their characters give. */
function repetition({ repeats, most, letters }: Counts): number {
  if (letters < 4) return 0;
  const share = most / letters;
  return Math.min(1, Math.max(2 * (repeats / letters), letters < 20 ? (share > 0.8 ? 1 : 0) : 4 * (share - 0.25)));
}

/** What replaced characters and untouched memory look like once they are read as GBK. */
const brokenPairs = pairs('锟斤 斤拷 烫烫 屯屯 锘锘');
const IS_BROKEN = /[\p{Cc}\p{Co}\p{Cn}\p{Cs}\ufffd]/u;
const IS_MARK =
  /[!-/:-@[-`{-~\u00a0-\u00bf×÷\u2010-\u203b\u2060-\u20bf\u2100-\u214f\u2150-\u218b\u2200-\u22ff\u2460-\u24ff\u25a0-\u25ff\u3000-\u303f\ufe30-\ufe4f\uff00-\uff65\uffe0-\uffee•✓√→←↑↓☆★☎☑☐]/u;
const IS_USED =
  /[\p{sc=Cyrl}\p{sc=Grek}\p{sc=Arab}\p{sc=Hebr}\p{sc=Thai}\p{sc=Deva}\p{sc=Taml}\p{sc=Beng}\p{sc=Mong}\p{sc=Tibt}\p{sc=Khmr}\p{sc=Laoo}\p{sc=Mymr}\p{sc=Geor}\p{sc=Armn}\p{sc=Bopo}]/u;

type Kind = 'han' | 'kana' | 'hangul' | 'latin' | 'other' | 'digit' | 'mark' | 'odd' | 'broken' | 'space';

function kindOf(char: string): Kind {
  const code = char.codePointAt(0)!;
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) return 'latin';
  if (code === 32 || (code >= 9 && code <= 13)) return 'space';
  if (code >= 48 && code <= 57) return 'digit';
  if ((code >= 0x4e00 && code <= 0x9fff) || code === 0x3007 || code === 0x3005) return 'han';
  if (code >= 0x3041 && code <= 0x30ff) return 'kana';
  if (code >= 0xac00 && code <= 0xd7a3) return 'hangul';
  if (IS_MARK.test(char)) return 'mark';
  if (IS_BROKEN.test(char)) return 'broken';
  if (/\p{sc=Latin}/u.test(char))
    return code >= 0xff00 || code < 0x250 || (code >= 0x1e00 && code < 0x1f00) ? 'latin' : 'odd';
  if (/\p{Mn}/u.test(char)) return 'mark';
  if (IS_USED.test(char)) return code >= 0x1f00 && code < 0x2000 ? 'odd' : 'other';
  return /\s/u.test(char) ? 'space' : 'odd';
}

/** Scripts that stand side by side in one language, or around one another's words. */
function isClash(before: Kind, after: Kind): boolean {
  if (before === after || before === 'mark' || after === 'mark') return false;
  const isEast = (kind: Kind) => kind === 'han' || kind === 'kana';
  if (isEast(before) && isEast(after)) return false;
  const plain = (kind: Kind) => isEast(kind) || kind === 'hangul';
  return !((plain(before) && after === 'latin') || (before === 'latin' && plain(after)));
}

const isLetter = (kind: Kind) =>
  kind === 'han' || kind === 'kana' || kind === 'hangul' || kind === 'latin' || kind === 'other';

function countText(text: string): Counts {
  const tally = (): Tally => ({ count: 0, common: 0 });
  const counts: Counts = {
    ...{ han: tally(), kana: tally(), hangul: tally(), latin: tally() },
    ...{ other: 0, digits: 0, marks: 0, odd: 0, broken: 0, clashes: 0, repeats: 0, letters: 0, most: 0 },
  };
  const seen = new Map<string, number>();
  let [last, run, before]: [string, number, Kind] = ['', 0, 'space'];
  for (const char of text) {
    const kind = kindOf(char);
    if (kind === 'digit') counts.digits += 1;
    else if (kind === 'mark') counts.marks += 1;
    else if (kind === 'odd' || kind === 'broken') counts[kind] += 1;
    if (isLetter(kind)) {
      run = char === last ? run + 1 : 0;
      if (run > 1) counts.repeats += 1;
      counts.letters += 1;
      const times = (seen.get(char) ?? 0) + 1;
      seen.set(char, times);
      counts.most = Math.max(counts.most, times);
      if (isLetter(before) && isClash(before, kind)) counts.clashes += 1;
      if (brokenPairs.has(last + char)) counts.broken += 1;
      addLetter(counts, kind, char, before === 'latin' ? last : '');
    }
    // Bytes of UTF-8 read one by one: each sequence begins with such a letter.
    else if (char >= '\x80' && char <= '\xbf' && last >= '\xc2' && last <= '\xf4') counts.broken += 1;
    last = char;
    before = kind;
  }
  return counts;
}

function addLetter(counts: Counts, kind: Kind, char: string, before: string): void {
  if (kind === 'other') counts.other += 1;
  else if (kind === 'latin') {
    counts.latin.count += 1;
    // Two letters of a word, or a first one, or a short name in capitals, of which nothing can be said.
    const isFirst = before === '';
    const isName = /[A-Z]/.test(before) && /[A-Z]/.test(char);
    if (isFirst) counts.latin.common += 0.5;
    else if (char > '\x7f' || before > '\x7f') counts.latin.common += 0.6;
    else if (commonPairs.has((before + char).toLowerCase())) counts.latin.common += 1;
    else if (isName) counts.latin.common += 0.15;
  } else if (kind === 'han' || kind === 'kana' || kind === 'hangul') {
    const common = kind === 'han' ? commonHan : kind === 'kana' ? commonKana : commonHangul;
    counts[kind].count += 1;
    if (common.has(char)) counts[kind].common += 1;
  }
}
