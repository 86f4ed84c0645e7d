import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHtml } from '../../src/parsing/html/read-html.ts';
import { readFixture, readSpoilt, reasonOf, toLines } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const limits = { maxChars: 2_000_000 };
const linesOf = (html: string | Uint8Array): string[] => toLines(readHtml(Buffer.from(html as string), limits));

describe('readHtml', () => {
  test("reads LibreOffice's export: headings, a table with merged cells, two columns, footnotes", () => {
    const lines = linesOf(readFixture('html/tea-handbook-libreoffice.html'));
    for (const expected of [
      '# 考勤与休假',
      '- 工龄：三年到八年；年假：九天；审批人：店长',
      '- 工龄：八年以上；年假：面议；审批人：面议',
      '左栏写领用：入职当天领两套工作服，尺码在登记表上填写。',
      '右栏写归还：离职前三天洗净交回，遗失一套照价赔偿一百二十元。',
      '1每月补签不超过三次。',
    ]) {
      assert.ok(lines.includes(expected), expected);
    }
  });

  test('reads a page that a browser saved after its scripts had run, without what is not seen', () => {
    assert.deepEqual(linesOf(readFixture('html/saved-page-chromium.html')), [
      '首页',
      '# 退团说明',
      '出发前七天以上退团，全额退款。',
      '- 提前天数：三到六天；退款比例：七成',
      '- 提前天数：一到两天；退款比例：三成',
      '左栏：儿童票退款同成人。',
      '右栏：签证费不退。',
    ]);
  });

  test("reads pandoc's page", () => {
    const lines = linesOf(readFixture('html/coffee-pandoc.html'));
    assert.ok(lines.includes('- 饮品：手冲；中杯：三十五元；大杯：不售'));
  });

  test('reads a hand-built page in GB18030 that calls itself gb2312', () => {
    assert.deepEqual(linesOf(readFixture('html/gb-page.html')), [
      '# 收费标准',
      '- 项目：换电池；价钱：十五元',
      '- 项目：洗油；价钱：一百八十元，镕金表壳另议',
      '取表凭小票，丢失的报手机号。',
      '保修期半年。',
    ]);
  });

  test('takes the encoding from a mark, then from the page, then from the bytes', () => {
    const page = (meta: string): string => `<html><head>${meta}</head><body><p>退货须知：七天内</p></body></html>`;
    const expected = ['退货须知：七天内'];
    assert.deepEqual(linesOf(Buffer.from(`\ufeff${page('<meta charset=gbk>')}`)), expected);
    assert.deepEqual(linesOf(Buffer.from(`\ufeff${page('<meta charset=utf-8>')}`, 'utf16le')), expected);
    assert.deepEqual(linesOf(page('<meta charset="utf-8">')), expected);
    assert.deepEqual(linesOf(page('<!-- <meta charset=big5> -->')), expected);
    const big5 = Buffer.concat([
      Buffer.from('<meta http-equiv=content-type content="text/html;charset=big5"><p>'),
      Buffer.from('b068b366', 'hex'),
    ]);
    assert.deepEqual(linesOf(big5), ['退貨']);
    const xhtml = Buffer.concat([
      Buffer.from('<?xml version="1.0" encoding="Shift_JIS"?><p>'),
      Buffer.from('82cd82a2', 'hex'),
    ]);
    assert.deepEqual(linesOf(xhtml), ['はい']);
  });

  test("puts the page's title first where the page has no heading", () => {
    const title = '<title>营业时间 &amp; 地址 &lt;新&gt;</title>';
    assert.deepEqual(linesOf(`<html>${title}<p>九点开门</p>`), ['# 营业时间 & 地址 <新>', '九点开门']);
    assert.deepEqual(linesOf(`<html>${title}<h2>门店</h2><p>九点开门</p>`), ['# 门店', '九点开门']);
    assert.deepEqual(linesOf('<svg><title>图</title></svg><title> </title><p>九点开门</p>').at(-1), '九点开门');
  });

  test('refuses a page without text, and one with too much', async () => {
    const empty = '<html><head><title>标题</title></head><body><img src="a.png"><script>1</script></body></html>';
    assert.equal(await reasonOf(() => linesOf(empty)), 'noText: it holds no text');
    const long = Buffer.from(`<p>${'长'.repeat(101)}</p>`);
    assert.equal(await reasonOf(() => readHtml(long, { maxChars: 100 })), 'damaged: more than 100 characters of text');
    // It must not pass for whole what was cut off.
    const huge = Buffer.from(`<p>${'长'.repeat(2_000_100)}</p>`);
    assert.match(await reasonOf(() => readHtml(huge, { maxChars: 1e9 })), /^damaged: more than 2000000 characters/);
  });

  test('reads 100,000 nested tags, in the page and in its head, in time', () => {
    const startMs = performance.now();
    assert.deepEqual(linesOf(`${'<div>'.repeat(100_000)}到底了`), ['到底了']);
    assert.deepEqual(linesOf(`${'<b>'.repeat(100_000)}<title>标题</title>到底了`).at(-1), '到底了');
    assert.ok(performance.now() - startMs < 5000);
  });

  test('reads spoilt pages, or says why not', async () => {
    const bytes = readFixture('html/tea-handbook-libreoffice.html');
    await readSpoilt(bytes, createRandom(), 100, (spoilt) => readHtml(spoilt, limits));
  });
});
