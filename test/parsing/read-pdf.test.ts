import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Block } from '../../src/parsing/block.ts';
import { readPdf } from '../../src/parsing/pdf/read-pdf.ts';
import { draw, writePdf } from './fixtures/make/write-pdf.ts';

const folder = join(import.meta.dirname, 'fixtures/pdf');
const limits = { maxChars: 2_000_000, maxPages: 2000 };
const read = (name: string): Promise<Block[]> => readPdf(new Uint8Array(readFileSync(join(folder, name))), limits);
const text = (page: number, value: string): Block => ({ kind: 'text', text: value, page });
const row = (page: number, value: string): Block => ({ kind: 'row', text: value, page });
const headings = (blocks: Block[]) => blocks.filter((block) => block.kind === 'heading').map((block) => block.text);
const find = (blocks: Block[], start: string): Block | undefined =>
  blocks.find((block) => block.text.startsWith(start));

for (const program of ['libreoffice', 'ghostscript']) {
  describe(`readPdf: a handbook written by ${program}`, async () => {
    const blocks = await read(`handbook-${program}.pdf`);

    test('its headings are found by font and size', () => {
      assert.deepEqual(headings(blocks), [
        '员工手册',
        '第一章 总则',
        '第二章 考勤与休假',
        '2.1 工作时间',
        '2.2 休假',
        '第三章 温室安全',
        '第四章 费用报销',
        '第五章 附则',
      ]);
    });

    test('the lines of a paragraph are one block, with its footnote mark set apart from the words', () => {
      assert.deepEqual(
        blocks[2],
        text(
          1,
          '青禾园艺有限公司成立于一个多雨的春天，靠一间温室和三辆旧货车起家。为了让每位同事清楚自己的权利和责任，公司编写了这本手册。手册适用于全体正式员工、试用期员工以及与公司签订协议的实习生¹，外包人员参照执行。',
        ),
      );
    });

    test('table rows carry their header, on both pages, and a row cut by the end of the page is whole', () => {
      const rows = blocks.filter((block) => block.kind === 'row');
      assert.equal(rows.length, 10);
      assert.deepEqual(
        rows[4],
        row(1, '假别：丧假；天数：直系亲属三天，其他亲属一天；手续：先电话告知主管，返岗后三日内补交材料'),
      );
      assert.deepEqual(
        rows[7],
        row(1, '假别：工伤假；天数：按鉴定结论；手续：由安全员在二十四小时内上报，人事部跟进理赔，期间工资照发'),
      );
      assert.deepEqual(rows[9], row(2, '假别：育儿假；天数：每年五天；手续：子女满三周岁以前，父母双方都可以申请'));
    });

    test('two columns are read one after the other, and a sentence from one to the next is whole', () => {
      const at = blocks.findIndex((block) => block.text === '第三章 温室安全');
      assert.deepEqual(
        blocks.slice(at + 1, at + 3).map((block) => block.text),
        [
          '进入温室前先检查通风机的状态灯。绿灯表示换气正常，可以直接进入；黄灯表示正在降湿，须等候五分钟；红灯表示二氧化碳浓度偏高，任何人不得入内，并应立即通知值班长。',
          '喷洒药剂时必须两人同行，戴防护面罩和丁腈手套。药剂配比写在药房门口的白板上，不得凭记忆配制。剩余药液倒入蓝色回收桶，严禁倒进排水沟。',
        ],
      );
    });

    test('a paragraph over the end of a page is whole, and the footnote of its first page follows it', () => {
      const at = blocks.findIndex((block) => block.text.startsWith('年终奖金'));
      assert.equal(blocks[at]?.page, 2);
      assert.ok(blocks[at]?.text.includes('公司鼓励员工提出节水、节电和减少损耗的建议'));
      assert.deepEqual(blocks[at + 1], text(2, '2城市分级以财务部每年一月公布的名单为准。'));
    });

    test('running headers, footers and page numbers are left out', () => {
      const all = blocks.map((block) => block.text).join('\n');
      assert.doesNotMatch(all, /青禾园艺有限公司 · 员工手册|第 ?\d ?页/);
    });
  });
}

describe('readPdf: a leaflet printed by Chromium', async () => {
  const blocks = await read('leaflet-chromium.pdf');

  test('tables with and without lines become rows', () => {
    assert.deepEqual(
      blocks.filter((block) => block.kind === 'row'),
      [
        row(1, '型号：S3；容量：1.0 升；功率：1350 瓦；适用电压：220 伏，50 赫兹；保修：两年，壶盖密封圈除外'),
        row(1, '型号：S3 Pro；容量：1.5 升；功率：1600 瓦；适用电压：220 伏，50 赫兹；保修：三年，含上门取件'),
        row(1, '型号：S3 Mini；容量：0.6 升；功率：900 瓦；适用电压：110 至 240 伏，旅行时自动切换；保修：一年'),
        row(2, '现象：指示灯不亮；原因：底座没有插紧；处理办法：重新插好电源，把壶放正'),
        row(2, '现象：显示 E2；原因：水位太低；处理办法：加水到最低刻度以上，按任意键恢复'),
        row(2, '现象：显示 E5；原因：温度探头脏污；处理办法：用柠檬酸清洗，仍然出现时联系售后'),
        row(2, '现象：有塑料味；原因：出厂保护油未去净；处理办法：加满水煮沸三次'),
      ],
    );
  });

  test('a column goes on over the end of the page, and the next heading follows it', () => {
    assert.deepEqual(headings(blocks), ['云雀 S3 恒温水壶', '快速上手', '规格', '保养', '常见故障']);
    assert.deepEqual(
      find(blocks, '长时间'),
      text(
        1,
        '长时间不用时，把水倒空并打开壶盖，让内胆自然干燥，以免产生异味。密封圈老化会漏气，可以凭序列号免费领取一次备件。',
      ),
    );
  });

  test('list items stand each for itself, and text without a size is left out', () => {
    assert.deepEqual(find(blocks, '2.'), text(1, '2. 轻触“温度”键选择水温，长按三秒锁定，指示灯由白色变成蓝色。'));
    assert.equal(
      blocks.some((block) => block.text.includes('最便宜')),
      false,
    );
  });
});

describe('readPdf: an English report in two columns by reportlab', async () => {
  const blocks = await read('report-reportlab.pdf');

  test('lines, columns and pages are joined with the spaces that belong between words', () => {
    assert.deepEqual(
      find(blocks, 'Each night'),
      text(
        1,
        'Each night between two and four in the morning the inflow to the district was logged at one-minute intervals.¹ A step test then closed one valve after another, so that the drop in flow could be assigned to a single street. Streets with an unexplained drop were walked with a ground microphone on the following day.',
      ),
    );
    assert.equal(blocks.filter((block) => /[a-z,]$/.test(block.text) && block.kind === 'text').length, 0);
  });

  test('a table without lines inside a column becomes rows', () => {
    assert.deepEqual(
      blocks.filter((block) => block.kind === 'row').map((block) => block.text),
      [
        'Activity：Step tests；Days：46；Cost：58,000',
        'Activity：Walking with microphone；Days：71；Cost：89,500',
        'Activity：Tracer gas；Days：12；Cost：40,200',
        'Activity：Letters and permits；Days：9；Cost：24,300',
      ],
    );
  });

  test('the footnote in one column stands after the whole page', () => {
    const at = blocks.findIndex((block) => block.text.startsWith('1. Flow was read'));
    assert.deepEqual(
      blocks[at],
      text(1, '1. Flow was read from ultrasonic meters; readings below 0.02 l/s were discarded as noise.'),
    );
    assert.ok(blocks.slice(at + 1).every((block) => block.page! > 1));
    assert.equal(
      blocks.some((block) => /Harbour Water|^Page \d/.test(block.text)),
      false,
    );
  });

  test('a PDF that only its owner protects opens without a password', async () => {
    assert.deepEqual(await read('owner-password.pdf'), blocks);
  });
});

describe('readPdf: many pages', () => {
  const sections = Array.from({ length: 200 }, (_, at) => {
    const number = at + 1;
    return {
      content:
        draw('青禾园艺 设备台账', 240, 800, 9) +
        draw(`${number}. 设备 ${1000 + number} 号`, 72, 740, 14) +
        draw(
          `设备 ${1000 + number} 号安装在第 ${10 + (number % 31)} 号温室，由值班员每天早晚各巡检一次，发现异常立即停机，并且`,
          72,
          710,
        ) +
        draw(`在 ${number + 3} 分钟内报告班组长。`, 72, 690) +
        draw(`— ${number} —`, 285, 40, 9),
    };
  });

  test('200 pages are read with their page numbers, without headers and footers', async () => {
    const blocks = await readPdf(writePdf(sections), limits);
    assert.equal(blocks.length, 400);
    assert.deepEqual(blocks.slice(272, 274), [
      { kind: 'heading', text: '137. 设备 1137 号', page: 137 },
      text(
        137,
        '设备 1137 号安装在第 23 号温室，由值班员每天早晚各巡检一次，发现异常立即停机，并且在 140 分钟内报告班组长。',
      ),
    ]);
  });

  test('more pages or characters than allowed are refused with the limit', async () => {
    const pages = writePdf(Array.from({ length: 10_000 }, () => ({ content: '' })));
    await assert.rejects(readPdf(pages, limits), {
      name: 'Unreadable',
      kind: 'damaged',
      message: 'the PDF has more than 2000 pages',
    });
    await assert.rejects(readPdf(writePdf(sections.slice(0, 9)), { ...limits, maxChars: 500 }), {
      kind: 'damaged',
      message: 'more than 500 characters of text',
    });
  });
});

test('reading a PDF writes nothing to the console', async () => {
  const code = `import { readPdf } from './src/parsing/pdf/read-pdf.ts'; import { readFileSync } from 'node:fs';
    await readPdf(new Uint8Array(readFileSync('test/parsing/fixtures/pdf/report-reportlab.pdf')), { maxChars: 1e6, maxPages: 10 });`;
  const cwd = join(import.meta.dirname, '../..');
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', code],
    { cwd },
  );
  assert.equal(stdout + stderr, '');
});
