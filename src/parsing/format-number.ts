const DIGITS = [...'〇一二三四五六七八九'];
const LEGAL_DIGITS = [...'零壹贰叁肆伍陆柒捌玖'];
const STEMS = '甲乙丙丁戊己庚辛壬癸';
const BRANCHES = '子丑寅卯辰巳午未申酉戌亥';
const ROMAN: readonly (readonly [number, string])[] = [
  [1000, 'm'],
  [900, 'cm'],
  [500, 'd'],
  [400, 'cd'],
  [100, 'c'],
  [90, 'xc'],
  [50, 'l'],
  [40, 'xl'],
  [10, 'x'],
  [9, 'ix'],
  [5, 'v'],
  [4, 'iv'],
  [1, 'i'],
];

/** A list's number as one of Office's number formats writes it; an unknown format, or a number past it, is decimal. */
export function formatNumber(value: number, format: string): string {
  if (value < 1 || value > 9999) return String(value);
  if (/^(?:chineseCounting|chineseCountingThousand|taiwaneseCounting\w*|japaneseCounting)$/.test(format)) {
    return countChinese(value, DIGITS, ['', '十', '百', '千']).replace(/^一十/, '十');
  }
  if (/^(?:chineseLegalSimplified|ideographLegalTraditional|japaneseLegal)$/.test(format)) {
    return countChinese(value, LEGAL_DIGITS, ['', '拾', '佰', '仟']);
  }
  if (/^(?:ideographDigital|taiwaneseDigital|japaneseDigitalTenThousand)$/.test(format)) {
    return [...String(value)].map((figure) => DIGITS[Number(figure)]).join('');
  }
  if (format === 'ideographTraditional') return STEMS[value - 1] ?? String(value);
  if (format === 'ideographZodiac') return BRANCHES[value - 1] ?? String(value);
  if (/^decimalEnclosedCircle/.test(format) && value <= 20) return String.fromCodePoint(0x245f + value);
  if (format === 'decimalZero') return String(value).padStart(2, '0');
  if (format === 'lowerRoman') return toRoman(value);
  if (format === 'upperRoman') return toRoman(value).toUpperCase();
  if (format === 'lowerLetter') return toLetters(value);
  return format === 'upperLetter' ? toLetters(value).toUpperCase() : String(value);
}

function countChinese(value: number, digits: readonly string[], units: readonly string[]): string {
  const figures = [...String(value)].map(Number);
  let text = '';
  for (const [at, figure] of figures.entries()) {
    if (figure > 0) text += digits[figure]! + units[figures.length - 1 - at]!;
    else if (figures.slice(at).some((later) => later > 0) && !text.endsWith('零')) text += '零';
  }
  return text;
}

function toRoman(value: number): string {
  let rest = value;
  let text = '';
  for (const [worth, letters] of ROMAN) {
    text += letters.repeat(Math.floor(rest / worth));
    rest %= worth;
  }
  return text;
}

/** a to z, then aa, bb and so on, as Word counts. */
function toLetters(value: number): string {
  return String.fromCodePoint(0x61 + ((value - 1) % 26)).repeat(Math.min(40, Math.ceil(value / 26)));
}
