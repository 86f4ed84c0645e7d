import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeText, MIN_QUALITY } from '../../src/parsing/text/text-quality.ts';
import { createRandom } from '../support/random.ts';

const handbook =
  '员工因公出差应当事先填写申请单，写明地点、事由和预计天数，由直属主管批准以后交行政部订票。住宿费按照城市分级限额报销，超出部分由本人承担；票据须在返程后十个工作日内交到财务部，逾期需要说明原因。';
const manual =
  'Before the first use, fill the kettle with clean water, let it boil and pour the water away. Repeat this twice. Do not put the base into water, and do not open the lid while the lamp is red.';

const readable: Record<string, string> = {
  'Chinese prose': handbook,
  'traditional Chinese':
    '顧客購買商品後七日內，可以憑發票要求退換，但是食品與個人衛生用品除外。退款會在三個工作天之內退回原來的帳戶。',
  'English prose': manual,
  German: 'Die Straßenbahn fährt über die Brücke und hält vor dem großen Markt, wo jeden Samstag Gemüse verkauft wird.',
  French: 'Les élèves sont arrivés très tôt à l’école, où le maître leur a montré une carte ancienne de la forêt.',
  Japanese:
    '会議室を利用する場合は、前日までに総務課へ申し込んでください。飲み物の持ち込みはできますが、食事はできません。',
  Korean: '회의실을 사용하려면 하루 전까지 총무과에 신청해 주십시오. 음료는 가져올 수 있지만 식사는 할 수 없습니다.',
  Russian: 'Перед первым включением наполните чайник водой и вскипятите её два раза.',
  'a table of numbers': '2024 1,204.50 18% 2025 1,377.00 14% 2026 1,402.75 2% ¥ 3,984.25',
  'a price list': 'A-2039 月季 12 元\nA-2040 银杏 350 元\nB-1177 Garden hose 25 m 89 元',
  'names and numbers': '王小明 13号楼 402\n李 芳 13号楼 403\n赵建国 14号楼 101',
  code: 'export function readCount(value: string | undefined, limit: number): number {\n  return Number.parseInt(value ?? "", 10) >= 0 ? limit : 0;\n}',
  'Chinese with English terms': '请在 Settings 页面打开 two-factor authentication，然后用手机扫描 QR code。',
  'a heading': '第三章 温室安全',
  abbreviations: 'TCP/IP HTTP GPU',
  'a page number': '3 / 10',
};

for (const [name, text] of Object.entries(readable)) {
  test(`${name} reads like language`, () => assert.ok(judgeText(text) > MIN_QUALITY + 0.1, `${judgeText(text)}`));
}

const shift = (text: string, by: number) =>
  Array.from(text, (char) => String.fromCodePoint(char.codePointAt(0)! + by)).join('');
const noise: Record<string, string> = {
  'characters of many scripts': '⸩幝ᾣ搦ㅅ↕ᚠ䶱ꀀ㐳ᾳ',
  'one character over and over': '公公公公公公',
  'UTF-8 read as GBK': new TextDecoder('gbk').decode(Buffer.from(handbook)),
  'UTF-8 read as Latin-1': Buffer.from(handbook).toString('latin1'),
  'UTF-8 read as Windows-1252': new TextDecoder('windows-1252').decode(Buffer.from(handbook)),
  'GBK read with broken characters': '锟斤拷锟斤拷锟斤拷，锟斤拷锟斤拷',
  'Chinese with each code point moved by 7': shift(handbook, 7),
  'Chinese with each code point moved by -300': shift(handbook, -300),
  'English with each code point moved by -29, as fonts without a map do': shift(manual.replaceAll(' ', '='), -29),
  'English with each letter moved by 3': manual.replace(/\p{L}/gu, (char) => shift(char, 3)),
  'private characters': '\ue001\ue002\ue003 \ue004\ue005',
  'replacement characters': '采购\ufffd\ufffd用品\ufffd\ufffd\ufffd和\ufffd\ufffd',
  controls: '\x01\x02\x03\x04ab\x05\x06\x07\x08',
  nothing: '',
};

for (const [name, text] of Object.entries(noise)) {
  test(`noise is known: ${name}`, () => assert.ok(judgeText(text) < MIN_QUALITY - 0.05, `${judgeText(text)}`));
}

describe('judgeText', () => {
  test('characters exchanged at random are noise, whatever the exchange', () => {
    const random = createRandom();
    for (let round = 0; round < 100; round += 1) {
      const map = new Map<string, string>();
      const text = handbook.replace(/\p{sc=Han}/gu, (char) => {
        if (!map.has(char)) map.set(char, String.fromCharCode(0x4e00 + random.below(20_900)));
        return map.get(char)!;
      });
      assert.ok(judgeText(text) < MIN_QUALITY, `seed ${random.seed}, round ${round}: ${text}`);
    }
  });

  test('the answer is between 0 and 1, and long texts take no longer than a sample of them', () => {
    const random = createRandom();
    for (let round = 0; round < 200; round += 1) {
      const text = Array.from({ length: random.below(60) }, () => String.fromCharCode(random.below(65_536))).join('');
      const value = judgeText(text);
      assert.ok(value >= 0 && value <= 1, `seed ${random.seed}: ${value}`);
    }
    const start = performance.now();
    judgeText(handbook.repeat(50_000));
    assert.ok(performance.now() - start < 1000);
  });
});
