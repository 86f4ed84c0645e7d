import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeText } from '../../src/parsing/text/decode-text.ts';
import { readFixture } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

/** Bytes of a text in an encoding that Node only reads: each character is looked up. */
function encode(text: string, encoding: 'gb18030' | 'big5' | 'windows-1252'): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    if (character < '\x80') bytes.push(character.charCodeAt(0));
    else bytes.push(...(tableOf(encoding).get(character) ?? assert.fail(`${character} is not in ${encoding}`)));
  }
  return Uint8Array.from(bytes);
}

const tables = new Map<string, Map<string, number[]>>();
function tableOf(encoding: string): Map<string, number[]> {
  const known = tables.get(encoding) ?? new Map<string, number[]>();
  if (known.size > 0) return known;
  tables.set(encoding, known);
  const decoder = new TextDecoder(encoding);
  const isNarrow = encoding === 'windows-1252';
  for (let lead = isNarrow ? 0x80 : 0x81; lead <= 0xfe; lead += 1) {
    for (let trail = isNarrow ? 0xfe : 0x40; trail <= 0xfe; trail += 1) {
      const code = isNarrow ? [lead] : [lead, trail];
      const character = decoder.decode(Uint8Array.from(code));
      if ([...character].length === 1 && character !== '\ufffd' && !known.has(character)) known.set(character, code);
    }
  }
  return known;
}

const simplified = [
  '退货须在七天内提出，运费由买家承担。',
  '客服电话工作日九点到十八点',
  '周末不营业',
  '会员卡',
  '魑魅魍魉',
  'Room 3 是会议室',
];
const traditional = [
  '退貨須在七天內提出，運費由買家承擔。',
  '客服電話工作日九點到十八點',
  '週末不營業',
  '會員卡請妥善保管',
];

describe('decodeText', () => {
  for (const text of simplified) {
    test(`reads '${text}' in GB18030`, () => assert.equal(decodeText(encode(text, 'gb18030')), text));
  }
  for (const text of traditional) {
    test(`reads '${text}' in Big5`, () => assert.equal(decodeText(encode(text, 'big5')), text));
    test(`reads '${text}' in GB18030`, () => assert.equal(decodeText(encode(text, 'gb18030')), text));
  }
  for (const text of [...simplified, ...traditional, 'plain ASCII', 'Grüße aus Köln', '日本語のテキスト', '😀']) {
    test(`reads '${text}' in UTF-8 and UTF-16, with a mark and without`, () => {
      const bigEndian = (value: string): Buffer => Buffer.from(value, 'utf16le').swap16();
      assert.equal(decodeText(Buffer.from(text)), text);
      assert.equal(decodeText(Buffer.from(`\ufeff${text}`)), text);
      assert.equal(decodeText(Buffer.from(`\ufeff${text}`, 'utf16le')), text);
      assert.equal(decodeText(bigEndian(`\ufeff${text}`)), text);
      if (!/[😀の]|魑/u.test(text)) assert.equal(decodeText(Buffer.from(text, 'utf16le')), text);
      if (!/[😀の]|魑/u.test(text)) assert.equal(decodeText(bigEndian(text)), text);
    });
  }
  for (const text of ['Café Zürich, ouvert de 8 à 19 heures', 'naïve', 'Preis: 5 € – “günstig”', 'Señor Muñoz']) {
    test(`reads '${text}' in Windows-1252`, () => assert.equal(decodeText(encode(text, 'windows-1252')), text));
  }

  test('finds the one Chinese word in a long English text', () => {
    const text = `${'The shop opens at nine and closes at six. '.repeat(3000)}\nAsk for 王师傅 at the desk.\n${'Thank you. '.repeat(3000)}`;
    assert.equal(decodeText(encode(text, 'gb18030')), text);
    assert.equal(decodeText(Buffer.from(text)), text);
  });

  test('reads GB18030 with a few broken bytes, all but those', () => {
    const bytes = Buffer.concat([
      encode(simplified[0]!, 'gb18030'),
      Buffer.of(0xff),
      encode(simplified[1]!, 'gb18030'),
    ]);
    const text = decodeText(bytes);
    assert.ok(text.startsWith(simplified[0]!) && text.includes('客服电话工作日'), text);
  });

  test('reads characters of GB18030 that take four bytes', () => {
    assert.equal(
      decodeText(Buffer.concat([encode('门店在', 'gb18030'), Buffer.from('9030d630', 'hex')])).slice(0, 3),
      '门店在',
    );
  });

  test('reads UTF-8 that is cut in the middle of a character, at either end', () => {
    const bytes = Buffer.from('开门时间');
    for (const cut of [1, 2, 4]) {
      assert.match(decodeText(bytes.subarray(0, -cut)), /^开门[时间]?\ufffd*$/, `end ${cut}`);
      assert.match(decodeText(bytes.subarray(cut)), /^\ufffd*门?时间$/, `start ${cut}`);
    }
  });

  test('reads UTF-8 with a broken byte as UTF-8', () => {
    assert.equal(
      decodeText(Buffer.from('e5bc80e997a8ffe697b6e997b4e59ca8e4b99de782b9', 'hex')),
      '开门\ufffd时间在九点',
    );
  });

  test('leaves out NUL characters', () => assert.equal(decodeText(Buffer.from('上午\0九点\0')), '上午九点'));

  test('follows a label that the bytes bear out, and no other', () => {
    const japanese = Buffer.from('8aa98c8e82cd89c288ea82c582b7', 'hex');
    assert.equal(decodeText(japanese, 'shift_jis'), new TextDecoder('shift_jis').decode(japanese));
    assert.equal(decodeText(encode('退货', 'gb18030'), 'gb2312'), '退货');
    assert.equal(decodeText(encode('退货须知', 'gb18030'), 'utf-8'), '退货须知');
    assert.equal(decodeText(Buffer.from('退货须知'), 'gbk'), '退货须知');
    assert.equal(decodeText(Buffer.from('退货须知'), 'utf-16'), '退货须知');
    assert.equal(decodeText(Buffer.from('退货须知'), 'no such label'), '退货须知');
  });

  test('tells GB18030 from Big5 in nearly all strings of eight usual characters, though they make no sense', () => {
    const random = createRandom();
    for (const [encoding, first, last] of [
      ['gb18030', 0xb0, 0xd7],
      ['big5', 0xa4, 0xc6],
    ] as const) {
      let right = 0;
      for (let count = 0; count < 300; count += 1) {
        const trails = [...'12345678'].map(() => 0xa1 + random.below(0x5e));
        const bytes = Uint8Array.from(trails.flatMap((trail) => [first + random.below(last - first), trail]));
        if (decodeText(bytes) === new TextDecoder(encoding).decode(bytes)) right += 1;
      }
      assert.ok(right >= 270, `seed ${random.seed}: ${right} of 300 in ${encoding}`);
    }
  });

  test('tells GB18030 from Big5 in any stretch of 12 characters of running text', () => {
    const random = createRandom();
    const files = [readFixture('txt/notice-gb18030.txt'), readFixture('txt/notice-big5.txt')];
    const whole = [new TextDecoder('gb18030').decode(files[0]), new TextDecoder('big5').decode(files[1])];
    for (const [index, encoding] of (['gb18030', 'big5'] as const).entries()) {
      for (let from = 0; from + 12 <= whole[index]!.length; from += 1 + random.below(3)) {
        const stretch = whole[index]!.slice(from, from + 12).replaceAll('\0', '');
        assert.equal(decodeText(encode(stretch, encoding)), stretch, encoding);
      }
    }
  });
});
