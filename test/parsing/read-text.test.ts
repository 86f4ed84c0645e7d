import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readText } from '../../src/parsing/text/read-text.ts';
import { readFixture, readSpoilt, reasonOf, toLines } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const limits = { maxChars: 2_000_000 };
const linesOf = (text: string): string[] => toLines(readText(Buffer.from(text), limits));

const notice = [
  '# 云溪小区停水通知',
  '# 一、停水时间',
  '十一月二十八日上午九点到下午四点，三号楼到七号楼停水。',
  '# 二、注意事项',
  '请提前储水，关好水龙头。停水期间物业送水车停在东门，每户可领两桶。',
  '- 楼号：三号楼；停水开始：九点；恢复供水：十四点',
  '- 楼号：五号楼；停水开始：九点半；恢复供水：十六点',
  '物业电话：八一二三四五六',
];

describe('readText', () => {
  for (const name of ['utf8', 'gb18030', 'utf16-mark', 'utf16le', 'utf16be']) {
    test(`reads the same text, headings and table in ${name}`, () => {
      assert.deepEqual(toLines(readText(readFixture(`txt/notice-${name}.txt`), limits)), notice);
    });
  }

  test('reads Big5', () => {
    assert.deepEqual(toLines(readText(readFixture('txt/notice-big5.txt'), limits)), [
      '# 雲溪社區停水通知',
      '# 一、停水時間',
      '十一月二十八日上午九點到下午四點，三號樓到七號樓停水。',
      '請提前儲水，關好水龍頭。停水期間送水車停在東門，每戶可領兩桶。',
    ]);
  });

  test("reads LibreOffice's export in UTF-8 and GB18030, with Windows line ends", () => {
    const texts = ['libreoffice', 'libreoffice-gb18030'].map((name) => readFixture(`txt/shop-rules-${name}.txt`));
    const [utf8, gb18030] = texts.map((bytes) => toLines(readText(bytes, limits)));
    assert.deepEqual(utf8, gb18030);
    assert.equal(utf8?.[1], '# 第一章 积分');
    assert.equal(utf8?.[2], '第一条 消费一元积一分，积分两年内有效。');
  });

  test("reads pandoc's plain text", () => {
    const lines = toLines(readText(readFixture('txt/coffee-pandoc.txt'), limits));
    assert.ok(lines.includes('最后一位离店的人把钥匙交到物业值班室。'));
  });

  test('joins the lines of a paragraph that is broken by hand, and no others', () => {
    const wrapped = [
      '  The night shift starts at ten in the evening and ends at six in the',
      'morning. Whoever takes it over from the late shift counts the till with the',
      'colleague who leaves, and both sign the sheet that lies beside the register',
      'before the shutters go down.',
      '',
      '- first the lights',
      '- then the heating',
    ];
    assert.deepEqual(linesOf(wrapped.join('\n')), [
      wrapped.slice(0, 4).join(' ').trim(),
      '- first the lights',
      '- then the heating',
    ]);
    const chinese = [
      '本店每天清晨六点开始烤第一炉面包，到十点为止大约每四十分钟出',
      '一炉，卖完即止，不接受预订。请各位顾客按先后次序在门外排队，',
      '队伍不要挡住隔壁药店的门口，也不要让孩子独自留在队伍里等候，',
      '谢谢。',
    ];
    assert.deepEqual(linesOf(chinese.join('\r\n')), [chinese.join('')]);
    const sentences = [
      '清晨六点开门，请把门口的灯笼摘下来收好放进仓库。',
      '上午十点以前，面包必须全部摆上货架并且贴好标签。',
      '中午休息一个钟头，轮流去后厨吃饭休息就行了。',
      '晚上九点关门，钥匙放进前台的抽屉里面并且登记。',
    ];
    assert.deepEqual(linesOf(sentences.join('\n')), sentences);
    const list = [
      '张家港路十二号，电话四四三二一，周一休息',
      '李家桥路三十号，电话四四三二二，周二休息',
      '王府大街八十号，电话四四三二三，周三休息',
    ];
    assert.deepEqual(linesOf(list.join('\n')), list);
  });

  test('reads tables of Markdown, of databases and of tabs', () => {
    assert.deepEqual(linesOf('| 品名 | 价格 |\n|---|:--|\n| 红茶 | 八元 |\n| 绿茶 | 九元 |\n说完了。'), [
      '- 品名：红茶；价格：八元',
      '- 品名：绿茶；价格：九元',
      '说完了。',
    ]);
    assert.deepEqual(linesOf('+----+----+\n| id | 名 |\n+----+----+\n| 1  | 甲 |\n+----+----+'), ['- id：1；名：甲']);
    assert.deepEqual(linesOf('品名\t价格\n红茶\t八元\n绿茶\t九元'), [
      '- 品名：红茶；价格：八元',
      '- 品名：绿茶；价格：九元',
    ]);
    assert.deepEqual(linesOf('甲：\t九点\n\t乙也来\n丙 | 丁'), ['甲： 九点', '乙也来', '丙 | 丁']);
  });

  test('takes for headings what only headings look like', () => {
    const headings = [
      '# 说明',
      '第三章 离职',
      '第十二条 加班',
      '四、会议室',
      '2.1 Opening hours',
      'Chapter 3 Refunds',
      '附录一 表格',
      '【退货规则】',
    ];
    for (const heading of headings) {
      const expected = `# ${heading.replace(/^# /, '')}`;
      assert.equal(linesOf(`开头一句话。\n${heading}\n然后是正文。`)[1], expected);
    }
    const others = [
      '第三条 员工应当在每天上午九点之前到岗，不得迟到。',
      '第三方支付',
      '一、九点开门，六点关门；',
      '3.5 元',
      '2.1 版本更新了很多功能，包括打印、扫描和传真。',
      '第一章 总则 ........ 3',
      '【注】本条自明年起施行',
      '#话题 不是标题',
    ];
    for (const other of others) assert.equal(linesOf(`开头一句话。\n${other}\n然后是正文。`)[1], other);
  });

  test('leaves out what is not seen: NULs, controls, zero-width characters; a form feed ends a line', () => {
    assert.deepEqual(linesOf('上\0午\u200b九\x07点\f下午\u00a0六点\r关门'), ['上午九点', '下午 六点', '关门']);
  });

  test('refuses what has no text', async () => {
    for (const text of ['', ' \n\t\r\n', '\ufeff', '----\n====', '\0\0']) {
      assert.equal(await reasonOf(() => linesOf(text)), 'noText: it holds no text', JSON.stringify(text));
    }
  });

  test('refuses what is no text, and too much of it', async () => {
    const noise = Buffer.alloc(3000, '\x01\x02门\x03');
    assert.equal(await reasonOf(() => readText(noise, limits)), 'damaged: what it holds is not text');
    const words = 'noText: its characters make no words';
    assert.equal(await reasonOf(() => linesOf('锟斤拷烫烫烫'.repeat(20))), words);
    assert.equal(await reasonOf(() => linesOf('SGVsbG8gd29ybGQ='.repeat(20))), words);
    assert.equal(linesOf('SKU001,A12,30\n'.repeat(20)).length, 20);
    const long = Buffer.from('店'.repeat(101));
    assert.equal(await reasonOf(() => readText(long, { maxChars: 100 })), 'damaged: more than 100 characters of text');
    assert.match(await reasonOf(() => readText(long, { maxChars: 101 })), /^noText/);
    const huge = Buffer.alloc(1000, '\n');
    assert.equal(await reasonOf(() => readText(huge, { maxChars: 100 })), 'damaged: more than 100 characters of text');
  });

  test('reads any text in linear time', async () => {
    const bait = [
      '| a |\n',
      '| a | b |\n',
      '+--+\n',
      '|-|\n| a | b |\n',
      'a\tb\tc\nd\te\n',
      'a\tb\n',
      '\t',
      '一、',
      '【',
      '# ',
      '=\n',
      'word ',
      '。',
      ' ',
      '|',
      '-\n',
    ];
    for (const piece of bait) {
      const startMs = performance.now();
      const text = `客服电话工作日九点到十八点\n${piece.repeat(50_000)}`;
      // Most of these are noise in the end, which is looked at last.
      assert.doesNotMatch(
        await reasonOf(() => readText(Buffer.from(text), { maxChars: 1e8 })).catch(String),
        /^damaged/,
      );
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs < 4000, `${JSON.stringify(piece)} took ${tookMs} ms`);
    }
  });

  test('reads spoilt files, or says why not', async () => {
    for (const name of ['gb18030', 'utf16le', 'big5']) {
      await readSpoilt(readFixture(`txt/notice-${name}.txt`), createRandom(), 100, (bytes) => readText(bytes, limits));
    }
  });
});
