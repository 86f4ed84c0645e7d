import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as docx from 'docx';
import { readDocx } from '../../src/parsing/docx/read-docx.ts';
import { paragraph, run, table, writeDocx } from '../support/docx-file.ts';
import { readFixture, readSpoilt, reasonOf, toLines } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const limits = { maxChars: 2_000_000 };
const linesOf = async (bytes: Uint8Array): Promise<string[]> => toLines(await readDocx(bytes, limits));
const style = (id: string, name: string, rest = ''): string =>
  `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/>${rest}</w:style>`;
const styled = (text: string, id: string): string => paragraph(text, `<w:pStyle w:val="${id}"/>`);

describe('readDocx', () => {
  test("reads LibreOffice's: headings, merged cells, columns, notes, a text box, no hidden or deleted text", async () => {
    assert.deepEqual(await linesOf(readFixture('docx/tea-handbook-libreoffice.docx')), [
      '# 青竹茶业员工手册',
      '目录所在',
      '# 考勤与休假',
      '门店员工每天上午九点半前到岗。忘记打卡的，当天内请店长补签[1]。',
      '[1] 每月补签不超过三次。',
      '# 年假天数',
      '- 工龄：不满三年；年假：五天；审批人：店长',
      '- 工龄：三年到八年；年假：九天；审批人：店长',
      '- 工龄：八年以上；年假：面议；审批人：面议',
      '# 工作服',
      '左栏写领用：入职当天领两套工作服，尺码在登记表上填写。',
      '右栏写归还：离职前三天洗净交回，遗失一套照价赔偿一百二十元。',
      '· 围裙每周一更换',
      '· 工牌戴在左胸',
      '盘点在每月最后一个周日进行[2]。',
      '[2] 遇节日顺延一天。',
      '框中提示：夜班补贴每晚四十元。',
    ]);
  });

  test('writes out the numbers that lists count in Chinese', async () => {
    const lines = await linesOf(readFixture('docx/shop-rules-libreoffice.docx'));
    assert.equal(lines[3], '第二条 满五百分可换一张二十元的购书券，详见积分商城。');
    assert.equal(lines[6], '- 卡种：金卡；可借册数：八册 含新书两册');
  });

  test("reads pandoc's", async () => {
    assert.deepEqual(await linesOf(readFixture('docx/coffee-pandoc.docx')), [
      '# 半山咖啡馆开店指南',
      '# 开店准备',
      '每天早上七点四十到店，先开总闸，再开咖啡机预热二十分钟。[1]',
      '[1] 冬天预热半小时。',
      '# 价目',
      '- 饮品：拿铁；中杯：二十六元；大杯：三十一元',
      '- 饮品：手冲；中杯：三十五元；大杯：不售',
      '# 关店',
      '1. 清洗奶管',
      '2. 倒掉咖啡渣',
      '最后一位离店的人把钥匙交到物业值班室。',
    ]);
  });

  test("reads the docx library's", async () => {
    const cell = (text: string) => new docx.TableCell({ children: [new docx.Paragraph(text)] });
    const rows = [
      ['服务', '费用'],
      ['洗车', '三十元'],
    ].map((texts) => new docx.TableRow({ children: texts.map(cell) }));
    const children = [
      new docx.Paragraph({ text: '价目表', heading: docx.HeadingLevel.HEADING_2 }),
      new docx.Paragraph({
        children: [
          new docx.TextRun('周三'),
          new docx.TextRun({ text: '半价', bold: true }),
          new docx.FootnoteReferenceRun(1),
        ],
      }),
      new docx.Table({ rows }),
    ];
    const file = new docx.Document({
      sections: [{ children }],
      footnotes: { 1: { children: [new docx.Paragraph('节日除外。')] } },
    });
    const bytes = new Uint8Array(await docx.Packer.toBuffer(file));
    assert.deepEqual(await linesOf(bytes), ['# 价目表', '周三半价[1]', '[1] 节日除外。', '- 服务：洗车；费用：三十元']);
  });

  test('finds headings by the names of styles, what they inherit, and outline levels, not by ids', async () => {
    const styles = [
      style('1', 'heading 1'),
      style('a3', '标题 2'),
      style('Own', '公司标题', '<w:basedOn w:val="1"/>'),
      style('Out', '强调', '<w:pPr><w:outlineLvl w:val="2"/></w:pPr>'),
      style('Heading9', 'not a heading'),
      style('Loop', 'loop', '<w:basedOn w:val="Loop"/>'),
      style('TOC1', 'toc 1'),
    ].join('');
    const body = [
      styled('目录一行<w:br/>', 'TOC1').replace('<w:br/></w:t>', '</w:t><w:tab/><w:t>12</w:t>'),
      ...['1', 'a3', 'Own', 'Out', 'Heading9', 'Loop', 'unknown'].map((id) => styled(`样式${id}`, id)),
      paragraph('直接的级别', '<w:outlineLvl w:val="0"/>'),
      paragraph('正文级别', '<w:pStyle w:val="1"/><w:outlineLvl w:val="9"/>'),
    ].join('');
    assert.deepEqual(await linesOf(writeDocx({ body, styles })), [
      ...['# 样式1', '# 样式a3', '# 样式Own', '# 样式Out', '样式Heading9', '样式Loop', '样式unknown'],
      ...['# 直接的级别', '正文级别'],
    ]);
  });

  test('counts chapters and articles as Word does', async () => {
    const level = (at: number, format: string, text: string): string =>
      `<w:lvl w:ilvl="${at}"><w:start w:val="1"/><w:numFmt w:val="${format}"/>${at === 1 ? '<w:isLgl/>' : ''}<w:lvlText w:val="${text}"/></w:lvl>`;
    const levels =
      level(0, 'chineseCountingThousand', '第%1章') + level(1, 'decimal', '%1.%2') + level(2, 'lowerLetter', '(%3)');
    const numbering =
      `<w:abstractNum w:abstractNumId="7">${levels}</w:abstractNum>` +
      '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>' +
      '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>';
    const item = (text: string, at: number, id = 1): string =>
      paragraph(text, `<w:numPr><w:ilvl w:val="${at}"/><w:numId w:val="${id}"/></w:numPr>`);
    const eleven = Array.from({ length: 9 }, (_, index) => item(`章${index + 3}`, 0)).join('');
    const styles = style('C', 'heading 1', '<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>');
    const body = [
      item('总则', 0),
      item('目的', 1),
      item('甲', 2),
      item('乙', 2),
      item('范围', 1),
      item('考勤', 0),
      item('时间', 1),
      eleven,
      styled('另一列', 'C'),
      item('不计', 0, 0),
    ].join('');
    const lines = await linesOf(writeDocx({ body, styles, numbering }));
    assert.deepEqual(lines.slice(0, 7), [
      '第一章 总则',
      '1.1 目的',
      '(a) 甲',
      '(b) 乙',
      '1.2 范围',
      '第二章 考勤',
      '2.1 时间',
    ]);
    assert.deepEqual(lines.slice(-3), ['第十一章 章11', '# 第一章 另一列', '不计']);
  });

  test('does not read hidden text, deleted text and rows, moved text where it was, or field codes', async () => {
    const styles = '<w:style w:type="character" w:styleId="H"><w:name w:val="h"/><w:rPr><w:vanish/></w:rPr></w:style>';
    const body = [
      `<w:p>${run('看得见')}${run('藏', '<w:vanish/>')}${run('不藏', '<w:vanish w:val="0"/>')}${run('藏', '<w:rStyle w:val="H"/>')}</w:p>`,
      `<w:p><w:del><w:r><w:delText>删</w:delText></w:r>${run('除')}</w:del><w:ins>${run('增')}</w:ins><w:moveFrom>${run('移')}</w:moveFrom></w:p>`,
      `<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>${run('前半')}</w:p>${paragraph('后半')}`,
      `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE 码</w:instrText></w:r>${run('页')}</w:p>`,
      table([
        ['项', '价'],
        ['留', '一'],
        ['去', '二'],
      ]).replace(/(.*)<w:tr>/, '$1<w:tr><w:trPr><w:del/></w:trPr>'),
    ];
    assert.deepEqual(await linesOf(writeDocx({ body: body.join(''), styles })), [
      ...['看得见不藏', '增', '前半后半', '页', '- 项：留；价：一'],
    ]);
  });

  test('reads text boxes once, content controls, ruby text, special characters and line breaks', async () => {
    const box = (text: string): string => `<w:txbxContent>${paragraph(text)}</w:txbxContent>`;
    const alternatives =
      `<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>${box('框一')}</wps:txbx></w:drawing></mc:Choice>` +
      `<mc:Fallback><w:pict><v:textbox>${box('框一')}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>`;
    const body = [
      `<w:p><w:r>${alternatives}</w:r>${run('段前段后')}</w:p>`,
      `<w:sdt><w:sdtPr><w:alias w:val="不读"/></w:sdtPr><w:sdtContent>${paragraph('控件里')}</w:sdtContent></w:sdt>`,
      `<w:p><w:r><w:ruby><w:rt>${run('dū')}</w:rt><w:rubyBase>${run('都')}</w:rubyBase></w:ruby></w:r></w:p>`,
      '<w:p><w:r><w:t>电话</w:t><w:tab/><w:t>一&amp;二</w:t><w:noBreakHyphen/><w:t>三</w:t><w:br/><w:t>第二行</w:t></w:r></w:p>',
    ];
    assert.deepEqual(await linesOf(writeDocx({ body: body.join('') })), [
      ...['段前段后', '框一', '控件里', '都', '电话 一&二‑三', '第二行'],
    ]);
  });

  test('finds the document where the package says that it is', async () => {
    const moved = writeDocx({ body: paragraph('旧') });
    const type = 'application/vnd.ms-word.document.macroEnabled.main+xml';
    const others = {
      '_rels/.rels': '<Relationships><Relationship Type="x/officeDocument" Target="/docs/main.xml"/></Relationships>',
      '[Content_Types].xml': `<Types><Override PartName="/docs/main.xml" ContentType="${type}"/></Types>`,
      'docs/main.xml': `<w:document xmlns:w="x"><w:body>${paragraph('新')}</w:body></w:document>`,
    };
    assert.deepEqual(await linesOf(moved), ['旧']);
    assert.deepEqual(await linesOf(writeDocx({ body: paragraph('旧'), others })), ['新']);
  });

  test('refuses what is damaged, without text or too large, each with its reason', async () => {
    const [damaged, none] = ['damaged: ', 'noText: it holds no text'];
    const bombXml = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "${'长'.repeat(9)}"><!ENTITY c "&b;&b;">]><w:document>&c;</w:document>`;
    const bomb = `<?xml version="1.0"?>${' '.repeat(70 << 20)}`;
    const deep = '<w:sdt>'.repeat(300) + '</w:sdt>'.repeat(300);
    for (const [body, expected] of [
      ['', none],
      [paragraph(' '), none],
      [bombXml, `${damaged}it declares a document type, which no document does`],
      [deep, `${damaged}its elements are nested more than 200 deep`],
      [paragraph('甲').slice(0, -3), `${damaged}a part of it is cut off or no sound XML`],
      ['<w:p><w:r></w:p></w:r>', `${damaged}a part of it is cut off or no sound XML`],
      [bomb, `${damaged}it unpacks to more than 64 MB`],
      [paragraph('甲&none;'), `${damaged}its text cannot be read`],
      [paragraph('长'.repeat(2_000_001)), `${damaged}more than 2000000 characters of text`],
      ['<w:tbl><w:tr><w:tc/></w:tr></w:tbl>'.repeat(50_000), `${damaged}it has more than 120000 paragraphs and cells`],
    ] as const) {
      const bytes = writeDocx({ body });
      assert.equal(await reasonOf(() => readDocx(bytes, limits)), expected, body.slice(0, 60));
    }
    const bytes = readFixture('docx/coffee-pandoc.docx');
    for (let length = 0; length < bytes.length; length += 997) {
      assert.match(await reasonOf(() => readDocx(bytes.subarray(0, length), limits)), /^damaged: the file is cut off/);
    }
  });

  test('fetches nothing that a document links to', async () => {
    const links =
      '<Relationships><Relationship Id="p" Type="x/image" Target="file:///etc/hostname" TargetMode="External"/>' +
      '<Relationship Id="q" Type="x/aFChunk" Target="chunk.html"/><Relationship Id="s" Type="x/styles" Target="../../styles.xml"/></Relationships>';
    const image =
      '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" ' +
      'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture">' +
      '<a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:link="p"/></pic:blipFill></pic:pic></a:graphicData></a:graphic>' +
      '</wp:inline></w:drawing></w:r></w:p><w:altChunk r:id="q"/>';
    const others = {
      'word/_rels/document.xml.rels': links,
      'word/chunk.html': '<p>别处的字</p>',
      'word/media/a.png': new Uint8Array(9),
    };
    assert.deepEqual(await linesOf(writeDocx({ body: `${image}${paragraph('正文')}`, others })), ['正文']);
  });

  test('reads 200 pages within seconds', async () => {
    const page = (at: number): string =>
      styled(`第${at}章`, 'Heading1') +
      paragraph('员工应当在上午九点前到达工作地点，由部门负责人记入当月考勤记录。').repeat(12) +
      table(Array.from({ length: 5 }, (_, row) => ['甲', '乙', '丙'].map((text) => `${text}${at}-${row}`)));
    const body = Array.from({ length: 200 }, (_, at) => page(at)).join('');
    const startMs = performance.now();
    const lines = await linesOf(writeDocx({ body, styles: style('Heading1', 'heading 1') }));
    assert.ok(performance.now() - startMs < 10_000);
    assert.deepEqual(
      [lines.length, lines.at(-1)],
      [200 * 17, '- 甲199-0：甲199-4；乙199-0：乙199-4；丙199-0：丙199-4'],
    );
  });

  test('reads spoilt documents, or says why not', async () => {
    const random = createRandom();
    await readSpoilt(readFixture('docx/tea-handbook-libreoffice.docx'), random, 100, (bytes) =>
      readDocx(bytes, limits),
    );
    const body =
      paragraph('甲', '<w:pStyle w:val="1"/>') +
      table([
        ['一', '二'],
        ['三', '四'],
      ]);
    const xml = Buffer.from(
      `<?xml version="1.0"?><w:document xmlns:w="x"><w:body>${body.repeat(3)}</w:body></w:document>`,
    );
    await readSpoilt(xml, random, 200, (spoilt) => {
      return readDocx(writeDocx({ body: '', others: { 'word/document.xml': spoilt } }), limits);
    });
  });
});
