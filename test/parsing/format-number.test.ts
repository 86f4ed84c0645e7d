import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNumber } from '../../src/parsing/format-number.ts';

for (const [format, expected] of [
  ['decimal', { 1: '1', 20: '20', 10000: '10000' }],
  ['decimalZero', { 1: '01', 12: '12' }],
  ['chineseCounting', { 1: '一', 10: '十', 11: '十一', 20: '二十', 21: '二十一', 101: '一百零一', 110: '一百一十' }],
  ['chineseCountingThousand', { 12: '十二', 1001: '一千零一', 1010: '一千零一十', 9999: '九千九百九十九', 0: '0' }],
  ['taiwaneseCountingThousand', { 3: '三', 30: '三十' }],
  ['ideographDigital', { 5: '五', 10: '一〇', 123: '一二三' }],
  ['chineseLegalSimplified', { 1: '壹', 10: '壹拾', 25: '贰拾伍' }],
  ['ideographTraditional', { 1: '甲', 10: '癸', 11: '11' }],
  ['ideographZodiac', { 12: '亥' }],
  ['decimalEnclosedCircle', { 1: '①', 20: '⑳', 21: '21' }],
  ['upperRoman', { 4: 'IV', 1994: 'MCMXCIV' }],
  ['lowerRoman', { 9: 'ix' }],
  ['lowerLetter', { 1: 'a', 26: 'z', 27: 'aa', 53: 'aaa' }],
  ['upperLetter', { 2: 'B' }],
  ['none of these', { 7: '7' }],
] as const) {
  test(`writes ${format} as Office does`, () => {
    for (const [value, text] of Object.entries(expected)) assert.equal(formatNumber(Number(value), format), text);
  });
}
