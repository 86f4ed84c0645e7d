import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDoc } from '../../src/parsing/doc/read-doc.ts';
import { writeDoc, writeOle } from '../support/ole-file.ts';
import { readFixture, readSpoilt, reasonOf, toLines } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const limits = { maxChars: 2_000_000 };
const linesOf = (bytes: Uint8Array): string[] => toLines(readDoc(bytes, limits));
const CUT_OFF = 'damaged: the file is cut off or its directory is damaged';

describe('readDoc', () => {
  test("reads LibreOffice's: headings, merged cells, columns, notes, a text box, no hidden or deleted text", () => {
    assert.deepEqual(linesOf(readFixture('doc/tea-handbook-libreoffice.doc')), [
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

  test('finds headings by their form where no style says so, writes out the numbers of lists, and reads links by their text', () => {
    assert.deepEqual(linesOf(readFixture('doc/shop-rules-libreoffice.doc')), [
      '星河书店会员规则',
      '# 第一章 积分',
      '第一条 消费一元积一分，积分两年内有效。',
      '第二条 满五百分可换一张二十元的购书券，详见积分商城。',
      '# 第二章 借阅',
      '- 卡种：普通卡；可借册数：三册',
      '- 卡种：金卡；可借册数：八册 含新书两册',
      '逾期每册每天收取两角。Members may renew a book once by phone.',
    ]);
  });

  test("reads Apache POI's, whose pieces and properties are written by another hand", () => {
    assert.deepEqual(linesOf(readFixture('doc/inn-poi.doc')), [
      '云岭民宿入住须知',
      '# 第一章 入住',
      '下午两点以后办理入住，登记时请出示每位客人的身份证件。',
      '押金二百元，退房时检查无误后原路退回。',
      '# 第二章 早餐',
      '标准间送两份早餐，加一份二十八元。',
      '早餐在一楼餐厅，每天七点到九点半供应。Breakfast ends at 9:30.',
    ]);
  });

  test('reads a hand-built document of pieces in both widths', () => {
    const pieces = [
      { text: '第一章 总则\r门店' },
      { text: ' caf\xe9 at 9\x1e5 \x13 PAGE \\* x \x13 inner \x14 in \x15 \x14p. 3\x15\r', isNarrow: true },
      { text: '\ufeff最后\x0b一行\x01\x08\x1f完\r\r' },
    ];
    assert.deepEqual(linesOf(writeDoc(pieces)), ['# 第一章 总则', '门店 café at 9‑5 p. 3', '最后', '一行完']);
  });

  test('reads on behind a field that does not end', () => {
    assert.deepEqual(linesOf(writeDoc([{ text: '开头\x13 HYPERLINK 坏了\r还在\r' }])), ['开头', '还在']);
  });

  test('says which documents need a password, and which are too old', async () => {
    const encrypted = 'damaged: the document is encrypted and needs a password';
    assert.equal(await reasonOf(() => readDoc(readFixture('doc/password.doc'), limits)), encrypted);
    assert.equal(await reasonOf(() => readDoc(writeDoc([{ text: '甲\r' }], { flags: 0x0100 }), limits)), encrypted);
    const old = writeDoc([{ text: '甲\r' }], { version: 0x68, magic: 0xa5dc });
    assert.equal(await reasonOf(() => readDoc(old, limits)), 'damaged: it is of a Word version before 97');
  });

  test('refuses what is empty, too large or no document', async () => {
    assert.equal(await reasonOf(() => readDoc(writeDoc([{ text: '\r\r \r' }]), limits)), 'noText: it holds no text');
    const long = writeDoc([{ text: `${'长'.repeat(101)}\r` }]);
    assert.equal(await reasonOf(() => readDoc(long, { maxChars: 100 })), 'damaged: more than 100 characters of text');
    const missing = 'damaged: the document is missing in the file';
    assert.equal(await reasonOf(() => readDoc(writeOle({ Other: Buffer.alloc(9) }), limits)), missing);
    const other = writeDoc([{ text: '甲\r' }], { magic: 0x1234 });
    assert.equal(await reasonOf(() => readDoc(other, limits)), 'damaged: it is no Word document');
    for (const bytes of [Buffer.of(), Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(5000)]) {
      assert.equal(await reasonOf(() => readDoc(bytes, limits)), CUT_OFF);
    }
  });

  test('follows no circle in the table of sectors or in the directory, and believes no size', async () => {
    const good = writeDoc([{ text: '甲\r' }]);
    const changed = (...changes: [at: number, value: number][]): Buffer => {
      const copy = Buffer.from(good);
      for (const [at, value] of changes) copy.writeUInt32LE(value, at);
      return copy;
    };
    const [table, directory] = [512, 1024];
    const bad: [what: string, bytes: Buffer][] = [
      ['the directory goes in a circle of one', changed([table + 4, 1])],
      ['the directory goes in a circle of two', changed([table + 4, 2], [table + 8, 1])],
      ['a stream goes in a circle', changed([table + 12, 2])],
      ['a chain leads outside the table', changed([table + 8, 0x00ffffff])],
      ['an entry is its own neighbour', changed([directory + 128 + 68, 1])],
      ['two entries are neighbours of each other', changed([directory + 256 + 68, 1])],
      ['both neighbours are the same entry', changed([directory + 128 + 68, 2])],
      ['a neighbour that is not there', changed([directory + 128 + 68, 99])],
      ['a stream that is larger than the file', changed([directory + 128 + 120, 0x7fffffff])],
      ['sectors of 2 GB', changed([30, 31])],
      ['a list of tables in a circle', changed([68, 1], [72, 0x7fffffff], [directory + 508, 1])],
    ];
    for (const [what, bytes] of bad) {
      const startMs = performance.now();
      assert.equal(await reasonOf(() => readDoc(bytes, limits)), CUT_OFF, what);
      assert.ok(performance.now() - startMs < 1000, what);
    }
    assert.deepEqual(linesOf(good), ['甲']);
  });

  test('refuses pieces that repeat one stretch of the file without end', async () => {
    const pieces = Array.from({ length: 3000 }, () => ({ text: '' }));
    const bytes = writeDoc([{ text: '长'.repeat(10_000) }, ...pieces]);
    const list = bytes.indexOf(Buffer.from([2, ...new Uint8Array(Uint32Array.of(3001 * 12 + 4).buffer)]));
    for (let index = 0; index <= 3001; index += 1) bytes.writeUInt32LE(index * 10_000, list + 5 + index * 4);
    for (let index = 0; index < 3001; index += 1) bytes.writeUInt32LE(0x400, list + 5 + 3002 * 4 + index * 8 + 2);
    assert.equal(await reasonOf(() => readDoc(bytes, limits)), 'damaged: more than 2000000 characters of text');
  });

  test('reads a text full of fields that are opened, nested or never ended in linear time', () => {
    for (const piece of ['\x13', '\x13a', '\x15', '\x13\x14', '\x13 a \x14', '\x07', '\x02', '\r', '\x13\r']) {
      const bytes = writeDoc([{ text: `甲${piece.repeat(100_000)}乙\r` }]);
      const startMs = performance.now();
      assert.ok(readDoc(bytes, limits).length > 0);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs < 4000, `${JSON.stringify(piece)} took ${tookMs} ms`);
    }
  });

  test('reads spoilt documents, or says why not', async () => {
    const random = createRandom();
    for (const name of ['tea-handbook', 'shop-rules']) {
      const bytes = readFixture(`doc/${name}-libreoffice.doc`);
      for (let length = 0; length < bytes.length; length += 500) {
        await readSpoilt(bytes.subarray(0, length + 1), random, 1, (spoilt) => readDoc(spoilt, limits));
      }
      await readSpoilt(bytes, random, 500, (spoilt) => readDoc(spoilt, limits));
    }
  });
});
