import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Block } from '../../src/parsing/block.ts';
import { readPdf } from '../../src/parsing/pdf/read-pdf.ts';
import { draw, ucs2, type WriteOptions, writePdf } from './fixtures/make/write-pdf.ts';

const limits = { maxChars: 100_000, maxPages: 100 };
const read = async (content: string, entries = '', options: WriteOptions = {}): Promise<string[]> => {
  const blocks = await readPdf(writePdf([{ content, entries }], options), limits);
  return blocks.map((block) => `${block.kind} ${block.text}`);
};
const long = '本公司生产的花盆全部使用可回收材料，出厂以前经过三次检验，合格以后才贴上绿色标签。';

describe('readPdf: characters', () => {
  test('fonts that are not embedded are read through their character maps', async () => {
    assert.deepEqual(
      await read(
        draw('产品说明：水温不超过六十度。', 72, 700) + draw('GBK 编码的一行，也能读出来。', 72, 600, 10.5, 'F3'),
      ),
      ['text 产品说明：水温不超过六十度。', 'text GBK 编码的一行，也能读出来。'],
    );
  });

  test('radicals and ligatures become the characters that they are drawn like', async () => {
    assert.deepEqual(await read(draw('⼈事部⻓负责⽤⼯⻛险和⻋辆，⾦额以合同为准。', 72, 700)), [
      'text 人事部长负责用工风险和车辆，金额以合同为准。',
    ]);
  });

  test('text drawn twice to look bold is read once', async () => {
    const twice = draw('特别提示：请先断电。', 72, 700) + draw('特别提示：请先断电。', 72.3, 700);
    assert.deepEqual(await read(twice), ['text 特别提示：请先断电。']);
  });

  test('ideographs spread over a line have no spaces between them, and words do', async () => {
    const spread = [...'产品目录'].map((char, at) => draw(char, 72 + at * 16, 700)).join('');
    assert.deepEqual(await read(spread + draw('Please read this first', 72, 600, 10.5, 'F2')), [
      'heading 产品目录',
      'text Please read this first',
    ]);
  });

  test('an index stays what it is', async () => {
    assert.deepEqual(
      await read(draw('温室面积 120 m', 72, 700) + draw('2', 177.5, 705, 6) + draw('，可以种花。', 184, 700)),
      ['text 温室面积 120 m²，可以种花。'],
    );
  });

  test('a Latin word broken at the end of a line is whole', async () => {
    const lines = [
      'The greenhouse must be aired twice a day, also in win-',
      'ter, when the windows are closed and the air is damp.',
    ];
    const drawn = lines.map((line, at) => draw(line, 72, 700 - at * 13, 10, 'F2')).join('');
    assert.deepEqual(await read(drawn), [
      'text The greenhouse must be aired twice a day, also in winter, when the windows are closed and the air is damp.',
    ]);
  });
});

describe('readPdf: places', () => {
  test('text outside the visible page, or too small to see, is left out', async () => {
    const unseen =
      draw('藏在页面外面的字', 72, 900) + draw('藏在裁切框外面的字', 72, 20) + draw('小得看不见的字', 72, 400, 0.5);
    assert.deepEqual(await read(draw('看得见的字', 72, 700) + unseen, '/CropBox[0 50 595 842]'), ['text 看得见的字']);
  });

  test('a turned page is read upright, and what stands crosswise on a page follows its text', async () => {
    const line = `BT /F1 10 Tf 0 1 -1 0 100 100 Tm ${ucs2('横放的表格说明')} Tj ET\n`;
    assert.deepEqual(await read(line, '/Rotate 90'), ['text 横放的表格说明']);
    assert.deepEqual(await read(line + draw(long, 120, 700)), [`text ${long}`, 'text 横放的表格说明']);
  });

  test('a watermark across the page is left out', async () => {
    const mark = `BT /F1 60 Tf 0.7 0.7 -0.7 0.7 150 200 Tm ${ucs2('内部资料')} Tj ET\n`;
    assert.deepEqual(await read(mark + draw(long, 72, 700)), [`text ${long}`]);
  });

  test('vertical lines are read from the right', async () => {
    const objects = {
      50: '<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-V/DescendantFonts[4 0 R]>>',
    };
    const line = (value: string, x: number) => `BT /F4 12 Tf 1 0 0 1 ${x} 700 Tm ${ucs2(value)} Tj ET\n`;
    const fonts = '/F1 3 0 R/F4 50 0 R';
    assert.deepEqual(
      await read(line(`春天种下的花苗，${long}`, 300) + line('到了秋天就会开出红色的花。', 280), '', {
        fonts,
        objects,
      }),
      [`text 春天种下的花苗，${long}到了秋天就会开出红色的花。`],
    );
  });

  test('three columns are read one after the other, between what spans them', async () => {
    const sentence = (name: string) =>
      `${name}栏说明：每天早晨先打开天窗，再检查滴灌管道有没有堵塞，然后记录温度和湿度，中午关闭遮阳网。`;
    const column = (name: string, x: number) =>
      sentence(name)
        .match(/.{1,14}/gu)!
        .map((line, at) => draw(line, x, 700 - at * 16))
        .join('');
    const spanning = draw(`${long}（以下分三栏说明）`, 50, 740) + draw(`以上三栏完。${long}`, 50, 580);
    const drawn = spanning + column('左', 50) + column('中', 215) + column('右', 380);
    assert.deepEqual(await read(drawn), [
      `text ${long}（以下分三栏说明）`,
      `text ${sentence('左')}`,
      `text ${sentence('中')}`,
      `text ${sentence('右')}`,
      `text 以上三栏完。${long}`,
    ]);
  });
});

describe('readPdf: lines', () => {
  test('the lines of a table of contents stand each for itself, and are no headings', async () => {
    const entries = ['第一章 总则', '第二章 休假', '第三章 报销'].map(
      (name, at) => `${name}${'…'.repeat(30)}${at + 3}`,
    );
    assert.deepEqual(await read(entries.map((entry, at) => draw(entry, 72, 700 - at * 16)).join('')), [
      'text 第一章 总则…3',
      'text 第二章 休假…4',
      'text 第三章 报销…5',
    ]);
  });

  test('a number at the start of a line in the middle of a sentence begins nothing new', async () => {
    const lines = [
      '员工在温室内发现病虫害的，应当立即停止喷水、关闭风机并通知植保员，处理办法见本手册',
      '第三条和附件二，不得自行用药。',
    ];
    assert.deepEqual(await read(lines.map((line, at) => draw(line, 72, 700 - at * 16)).join('')), [
      `text ${lines.join('')}`,
    ]);
  });

  test('articles of a rule stand each for itself', async () => {
    const lines = [
      '第一条 本办法适用于全体员工以及在公司实习满一个月的学生，外包人员参照本办法执行，下同。',
      '第二条 加班须事先申请。',
    ];
    assert.deepEqual(
      await read(lines.map((line, at) => draw(line, 72, 700 - at * 16)).join('')),
      lines.map((line) => `text ${line}`),
    );
  });
});

describe('readPdf: tables', () => {
  const box = (x: number, y: number, width: number, height: number) => `${x} ${y} ${width} ${height} re S\n`;

  test('cells that span columns and rows are said where they belong', async () => {
    const frame =
      [0, 1, 2].map((at) => box(72 + at * 100, 700, 100, 20)).join('') +
      box(72, 640, 100, 60) +
      box(172, 670, 100, 30) +
      box(272, 670, 100, 30) +
      box(172, 640, 200, 30);
    const words =
      draw('品名', 80, 706) +
      draw('春季', 180, 706) +
      draw('秋季', 280, 706) +
      draw('月季', 80, 668) +
      draw('12 元', 180, 682) +
      draw('9 元', 280, 682) +
      draw('团购八折', 180, 652);
    assert.deepEqual(await read(frame + words), [
      'row 品名：月季；春季：12 元；秋季：9 元',
      'row 品名：月季；春季：团购八折；秋季：团购八折',
    ]);
  });

  test('a frame around a paragraph is no table', async () => {
    assert.deepEqual(await read(box(60, 600, 475, 120) + draw(long, 72, 700) + draw(long, 72, 650)), [
      `text ${long}`,
      `text ${long}`,
    ]);
  });

  test('two columns of short texts without a header stay lines', async () => {
    const pairs = ['客服电话', '营业时间', '公司地址'].map(
      (name, at) => draw(name, 72, 700 - at * 18) + draw(`第${at}项的内容`, 200, 700 - at * 18),
    );
    assert.deepEqual(await read(pairs.join('')), [
      'text 客服电话 第0项的内容',
      'text 营业时间 第1项的内容',
      'text 公司地址 第2项的内容',
    ]);
  });

  test('the header of a table is said again on the pages that it goes on to', async () => {
    const grid = (rows: string[][]) =>
      rows
        .flatMap((cells, y) =>
          cells.map((cell, x) => box(72 + x * 120, 780 - y * 24, 120, 24) + draw(cell, 80 + x * 120, 788 - y * 24)),
        )
        .join('');
    const blocks: Block[] = await readPdf(
      writePdf([
        {
          content: grid([
            ['苗木', '株数'],
            ['银杏', '三十株'],
          ]),
        },
        {
          content: grid([
            ['香樟', '八十株'],
            ['桂花', '五十株'],
          ]),
        },
      ]),
      limits,
    );
    assert.deepEqual(blocks, [
      { kind: 'row', text: '苗木：银杏；株数：三十株', page: 1 },
      { kind: 'row', text: '苗木：香樟；株数：八十株', page: 2 },
      { kind: 'row', text: '苗木：桂花；株数：五十株', page: 2 },
    ]);
  });
});

test('rows whose columns can not be told apart are read line by line, and no cell is put under another', async () => {
  const file = new URL('./fixtures/pdf/tight-table-libreoffice.pdf', import.meta.url);
  const blocks = await readPdf(new Uint8Array(readFileSync(file)), limits);
  const rows = blocks.filter(({ text }) => /人 \d+ 元/.test(text)).map(({ text }) => text);
  assert.deepEqual(rows, [
    '中小学生团 30 人 68 元 每 15 名学生免 1 名老师',
    '高校及单位团 20 人 118 元 每 20 人免 1 名领队',
    '旅行社团 20 人 112 元 导游凭证免票',
    '福利机构团 10 人 30 元 护理人员全部免票',
  ]);
});
