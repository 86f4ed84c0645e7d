import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Block } from '../../src/parsing/block.ts';
import { cleanHtml } from '../../src/parsing/html/clean-html.ts';

const text = (...texts: string[]): Block[] => texts.map((value) => ({ kind: 'text', text: value }));
const row = (...texts: string[]): Block[] => texts.map((value) => ({ kind: 'row', text: value }));
const heading = (value: string): Block => ({ kind: 'heading', text: value });
const total = (blocks: Block[]): number => blocks.reduce((sum, block) => sum + block.text.length, 0);

describe('cleanHtml: what is dropped', () => {
  for (const tag of 'script style noscript template head title iframe svg math object select button'.split(' ')) {
    test(`the content of <${tag}> is dropped, and what follows is kept`, () => {
      assert.deepEqual(cleanHtml(`<p>前</p><${tag}>甲<b>乙</b></${tag}><p>后</p>`), text('前', '后'));
    });
  }

  for (const hidden of [
    'hidden',
    'hidden=""',
    'style="display:none"',
    'style="color:red; DISPLAY : none !important"',
    'style="display:/* x */none"',
    'style="opacity:0"',
    'style="opacity: 0.0;"',
    'style="display:block;display:none"',
    'style="opacity:0;font-size:16px;visibility:visible"',
  ]) {
    test(`an element with ${hidden} is dropped with everything in it`, () => {
      const html = `<div>见<section ${hidden}>甲<p style="display:block">乙<br><img alt="流程图">丙</p></section>到</div>`;
      assert.deepEqual(cleanHtml(html), text('见到'));
    });
  }

  for (const visible of [
    'style="opacity:0.5"',
    'style="opacity:.01"',
    'style="font-size:0.8em"',
    'style="display:none;display:block"',
    'style="line-height:0;font-weight:0;max-height:0"',
    'style="background:url(a;display:no)"',
    'data-hidden="1"',
    'style',
  ]) {
    test(`an element with ${visible} is kept`, () => {
      assert.deepEqual(cleanHtml(`<p><span ${visible}>甲</span></p>`), text('甲'));
    });
  }

  for (const unseen of [
    'font-size: 0px',
    'FONT-SIZE:0 !important',
    'font-size:0%',
    'font-size:.0em',
    'font-size:16px;font-size:0',
    'font-size:0;font-size:16',
    'font-size:0;font:bold',
    'font:0/0 a',
    'font: italic 700 0px / 1.5 "宋体", serif',
    'font-size:16px;font:0 a',
    'visibility: hidden',
    'visibility:visible;visibility:hidden',
  ]) {
    test(`the text of an element with ${unseen} is dropped, and what surrounds it is kept`, () => {
      const html = `<div>见<span style='${unseen}'>甲<b style="display:block">乙<br><img alt="流程图">丙</b></span>到</div>`;
      assert.deepEqual(cleanHtml(html), text('见', '到'));
    });
  }

  for (const size of [
    'font-size:16px',
    'font-size: .5PT !important',
    'font-size:1.2rem',
    'font-size:4vw',
    'font-size:1vmin',
    'font-size:medium',
    'font-size:x-small',
    'font-size:initial',
    'font-size:0;font-size:16px',
    'font-size:16px;font-size:-1px',
    'font:16px a',
    'font: italic 700 12px/1.5 "宋体", serif',
    'font:12px / 1.5 a',
    'font:0/0 a;font-size:16px',
  ]) {
    test(`inside font-size:0, ${size} shows the text again, and only inside that element`, () => {
      const html = `<section style="font-size:0">隐<p>隐<span style='${size}'>甲<b>乙</b><img alt="流程图"></span>隐</p>隐</section>后`;
      assert.deepEqual(cleanHtml(html), text('甲乙 流程图', '后'));
    });
  }

  for (const size of [
    'font-size:2em',
    'font-size:150%',
    'font-size:1ex',
    'font-size:larger',
    'font-size:inherit',
    'font-size:16px;font-size:1em',
    'font-size:16',
    'font-size:-16px',
    'font-size:auto',
    'font-size:calc(1em + 2px)',
    'font:1em a',
    'font:16px',
    'font:700 a',
    'font:inherit',
    'line-height:16px',
    'visibility:visible;display:block;opacity:1',
  ]) {
    test(`inside font-size:0, ${size} leaves the text dropped`, () => {
      const html = `<div style="font-size:0">隐<p style="${size}">隐<b>隐</b></p>隐</div>后`;
      assert.deepEqual(cleanHtml(html), text('后'));
    });
  }

  test('the nearest declared font size decides, through relative ones, and ends with its element', () => {
    const html =
      '<div style="font-size:0"><p style="font-size:9px">甲<b style="font-size:2em">乙<i style="font-size:0">隐' +
      '<u style="font-size:3em">隐</u><s style="font:1px a">丙</s>隐</i>丁</b></p><p>隐</p></div>戊';
    assert.deepEqual(cleanHtml(html), text('甲乙丙丁', '戊'));
  });

  test('visibility:visible inside visibility:hidden shows the text again, and only inside that element', () => {
    const html =
      '<div style="visibility:hidden">隐<p style="visibility: Visible !important">甲<b>乙</b>' +
      '<i style="visibility:hidden">隐</i></p><p style="visibility:inherit">隐</p>' +
      '<p style="font-size:16px;opacity:1">隐</p><img alt="流程图"><img style="visibility:visible" alt="平面图"></div>后';
    assert.deepEqual(cleanHtml(html), text('甲乙', '平面图', '后'));
  });

  test('a text of no size that is also invisible needs both undone', () => {
    const html = (style: string) => `<div style="visibility:hidden;font-size:0"><p style="${style}">甲</p></div>`;
    assert.deepEqual(cleanHtml(html('visibility:visible')), []);
    assert.deepEqual(cleanHtml(html('font-size:16px')), []);
    assert.deepEqual(cleanHtml(html('font-size:16px;visibility:visible')), text('甲'));
  });

  for (const final of ['hidden', 'style="display:none"', 'style="opacity:0"']) {
    test(`nothing inside an element with ${final} shows its text again`, () => {
      const shown = 'style="display:block;opacity:1;visibility:visible;font-size:16px"';
      const html = `<div style="font-size:0"><div ${final}><p ${shown}>隐<b ${shown}>隐</b></p></div><p ${shown}>甲</p></div>`;
      assert.deepEqual(cleanHtml(html), text('甲'));
    });
  }

  test('headings, lists and tables inside font-size:0 keep their structure', () => {
    const sized = (value: string) => `<span style="font-size:16px">${value}</span>`;
    const html = `<section style="font-size:0"><h2>隐${sized('题')}</h2><section>${sized('甲')}</section>
      <section>${sized('乙')}</section><ol><li>${sized('丙')}</li><li>隐</li><li>${sized('丁')}</li></ol>
      <table><tr><td>${sized('名')}<td>${sized('价')}<tr><td>隐<td>${sized('1')}</table></section>`;
    assert.deepEqual(cleanHtml(html), [heading('题'), ...text('甲', '乙', '1. 丙', '3. 丁'), ...row('价：1')]);
  });

  test("WeChat's article root is kept though it is served transparent", () => {
    const style = 'style="visibility: hidden; opacity: 0; "';
    assert.deepEqual(cleanHtml(`<div id="js_content" ${style}><p>正文</p></div>`), text('正文'));
    assert.deepEqual(cleanHtml(`<div class="a rich_media_content b" ${style}><p>正文</p></div>`), text('正文'));
    assert.deepEqual(cleanHtml(`<div class="rich_media_content_x" ${style}><p>正文</p></div>`), []);
    assert.deepEqual(cleanHtml(`<div id="js_content" ${style}><p ${style}>无</p>有</div>`), text('有'));
    const invisible = 'style="visibility:hidden"';
    assert.deepEqual(cleanHtml(`<div id="js_content" ${style}><p ${invisible}>无</p>有</div>`), text('有'));
    assert.deepEqual(cleanHtml(`<div ${invisible}><div id="js_content" ${style}>无</div></div>`), []);
  });

  test('a hidden void element hides nothing after it', () => {
    assert.deepEqual(cleanHtml('<img hidden alt="流程图"><br style="display:none">甲<input hidden>乙'), text('甲乙'));
  });

  test('a hidden part of a table takes only itself away', () => {
    const html = '<table><tr><td>名<td>价<tr hidden><td>x<td>y<tr><td>甲<td>1</table>后';
    assert.deepEqual(cleanHtml(html), [...row('名：甲；价：1'), ...text('后')]);
  });

  test('comments and declarations are not text', () => {
    assert.deepEqual(cleanHtml('<!doctype html><!-- 注 --><p>甲<!-- 乙 -->丙<![CDATA[丁]]></p>'), text('甲丙'));
  });
});

describe('cleanHtml: text and structure', () => {
  test('headings and blocks come in reading order', () => {
    const html = '<h1>一</h1>引<section><p>二</p><div>三<blockquote>四</blockquote>五</div></section><h6>六</h6>';
    assert.deepEqual(cleanHtml(html), [heading('一'), ...text('引', '二', '三', '四', '五'), heading('六')]);
  });

  test('inline elements do not cut a text, line breaks do', () => {
    assert.deepEqual(
      cleanHtml('<p>甲<b>乙</b><span leaf="">丙</span><br>丁<br/><br>戊</p>'),
      text('甲乙丙', '丁', '戊'),
    );
  });

  test('a heading stays whole over line breaks and boxes inside it', () => {
    assert.deepEqual(cleanHtml('<h2><section>01</section><section>标题<br>下半</section></h2>文'), [
      heading('01 标题 下半'),
      ...text('文'),
    ]);
  });

  test('a heading tag around a long text makes it text', () => {
    const long = '很长的一段话。'.repeat(50);
    assert.deepEqual(cleanHtml(`<h2>${long}</h2>`), text(long));
  });

  test('list items carry their number or a dot, nested ones too', () => {
    const html =
      '<ol><li>甲<ul><li><p>子</p><p>续</p></li></ul></li><li><p>乙</p></li></ol><ol start="5"><li>丙</ol><li>丁';
    assert.deepEqual(cleanHtml(html), text('1. 甲', '· 子', '续', '2. 乙', '5. 丙', '· 丁'));
  });

  test('an item without text leaves its number to nothing else', () => {
    assert.deepEqual(cleanHtml('<ul><li><img></li></ul><p>后</p>'), text('后'));
  });

  test('lines of preformatted text stay lines', () => {
    assert.deepEqual(cleanHtml('<pre>a = 1\n  b = 2</pre>'), text('a = 1', 'b = 2'));
    assert.deepEqual(cleanHtml('<pre><code>x;</code><code>y;</code></pre>'), text('x;', 'y;'));
    assert.deepEqual(cleanHtml('<p>用 <code>npm</code> 装</p>'), text('用 npm 装'));
  });

  test('an image gives only an alt that says something', () => {
    assert.deepEqual(cleanHtml('<p><img data-src="https://mmbiz.qpic.cn/x" alt="报名流程图"></p>'), text('报名流程图'));
    for (const alt of ['', '图', '图片', 'image', 'Image 12', '图片_3', 'photo.PNG', '😀', '&nbsp;']) {
      assert.deepEqual(cleanHtml(`甲<img data-src="x" alt="${alt}">乙`), text('甲乙'), alt);
    }
    assert.deepEqual(cleanHtml('甲<img data-src="x">乙'), text('甲乙'));
  });

  test('entities are decoded once', () => {
    assert.deepEqual(
      cleanHtml('&lt;b&gt; &amp;lt; &#20013;&#x6587; &hellip; &nosuch;'),
      text('<b> &lt; 中文 … &nosuch;'),
    );
  });

  test('odd and invisible spaces are made plain', () => {
    assert.deepEqual(
      cleanHtml('a\u00a0\u2003\u3000b&nbsp;&emsp;c\u200b\u200d\ufeff\u00add\u2060\u202e\u{e0041}e\t\t f'),
      text('a b cde f'),
    );
  });

  test('control characters are removed and lone surrogates replaced', () => {
    assert.deepEqual(cleanHtml('a\u0000b\u0007c\u009fd\ud800e\udc00f😀'), text('abcd\ufffde\ufffdf😀'));
    assert.deepEqual(cleanHtml('\ud83d<b>\ude00</b>'), text('😀'));
  });

  test('a line break in the source is no space between Chinese characters, and one elsewhere', () => {
    assert.deepEqual(
      cleanHtml('<p>\n  你好，\r\n  世界\n𠀀\n中 文\n。\n  Node\n  js\n中\n</p>'),
      text('你好，世界𠀀中 文。 Node js 中'),
    );
  });

  test('blocks without text are not there', () => {
    assert.deepEqual(cleanHtml('<h1> </h1><p>&nbsp;</p><div><br></div><ul><li></ul><table><tr><td></table>\u200b'), []);
    assert.deepEqual(cleanHtml(''), []);
  });

  test('tags left open or never opened are tolerated', () => {
    assert.deepEqual(
      cleanHtml('</div><p>甲<p>乙</b></p></p><div>丙<ul><li>丁<li>戊'),
      text('甲', '乙', '丙', '· 丁', '· 戊'),
    );
    assert.deepEqual(cleanHtml('甲<p class="'), text('甲'));
    assert.deepEqual(cleanHtml('a < b && c > d <'), text('a < b && c > d <'));
    assert.deepEqual(cleanHtml('<form>甲<form>乙</form>丙'), text('甲乙', '丙'));
  });
});

describe('cleanHtml: tables', () => {
  test('each row under the first names its columns', () => {
    const html = `<table><caption>价目</caption><tbody>
      <tr><td><p>项目：</p></td><td>价格</td><td></td></tr>
      <tr><td>体检</td><td>300元</td><td>含<b>早餐</b></td></tr>
      <tr><td>洗牙</td><td></td><td>需预约</td></tr></tbody></table>`;
    assert.deepEqual(cleanHtml(html), [
      ...text('价目'),
      ...row('项目：体检；价格：300元；含早餐', '项目：洗牙；需预约'),
    ]);
  });

  test('every leading row of <th> is part of the header', () => {
    const html =
      '<table><thead><tr><th rowspan=2>班级</th><th colspan=2>成绩</th></tr><tr><th>语文<th>数学</tr></thead>' +
      '<tr><th>一班</th><td>90<td>80</tr></table>';
    assert.deepEqual(cleanHtml(html), row('班级：一班；成绩 语文：90；成绩 数学：80'));
  });

  test('a cell stands in every column and row it spans', () => {
    const html =
      '<table><tr><td>日<td>上午<td>下午<td>地点</tr><tr><td>一<td colspan=2>会议<td rowspan=3>礼堂</tr>' +
      '<tr><td rowspan="2">二<td>A<td>B</tr><tr><td>C<td>D</tr></table>';
    assert.deepEqual(
      cleanHtml(html),
      row(
        '日：一；上午：会议；下午：会议；地点：礼堂',
        '日：二；上午：A；下午：B；地点：礼堂',
        '日：二；上午：C；下午：D；地点：礼堂',
      ),
    );
  });

  test('a cell across the whole table is a title above the header and a plain row below it', () => {
    const html = '<table><tr><td colspan=2>价目表<tr><td>名<td>价<tr><td colspan=2>一区<tr><td>甲<td>1</table>';
    assert.deepEqual(cleanHtml(html), [...text('价目表'), ...row('一区', '名：甲；价：1')]);
  });

  test('a table of one row or one column is one text', () => {
    assert.deepEqual(cleanHtml('<table><tr><td>甲<td>乙<td></table>'), text('甲；乙'));
    assert.deepEqual(cleanHtml('<table><tr><td>甲<tr><td>乙<tr><td></table>'), text('甲；乙'));
  });

  test('a table that only frames a layout leaves its blocks as they are', () => {
    const html = '<table><tr><td><h2>题</h2><p>文</p><table><tr><td>名<td>价<tr><td>甲<td>1</table></td></tr></table>';
    assert.deepEqual(cleanHtml(html), [heading('题'), ...text('文'), ...row('名：甲；价：1')]);
  });

  test('a table inside a cell becomes part of the text of the cell', () => {
    const html = '<table><tr><td>名<td>表<tr><td>甲<td>有<table><tr><td>乙<td>丙</table>无</table>后';
    assert.deepEqual(cleanHtml(html), [...row('名：甲；表：有 乙；丙 无'), ...text('后')]);
  });

  test('a first row of long texts is no header', () => {
    const long = '长'.repeat(300);
    assert.deepEqual(cleanHtml(`<table><tr><td>甲<td>${long}<tr><td>乙<td>丙</table>`), row(`甲；${long}`, '乙；丙'));
  });

  test('senseless spans are read as 1, and text outside cells is kept', () => {
    const html = '<table>外<tr><td colspan=x>a<td colspan=0>b<td rowspan=-3>c<tr><td>1<td>2<td>3</table>';
    assert.deepEqual(cleanHtml(html), [...text('外'), ...row('a：1；b：2；c：3')]);
    assert.deepEqual(cleanHtml('<tr><td>甲</td><td>乙</td></tr></table>丙'), text('甲', '乙', '丙'));
  });
});

describe('cleanHtml: hostile input', () => {
  for (const tag of ['div', 'b', 'p', 'li', 'h1', 'table', 'td', 'table><tr><td', 'form', 'pre']) {
    test(`100,000 nested <${tag}> still give the text inside and after them`, () => {
      const end = tag === 'table><tr><td' ? 'table' : tag;
      const html = `<p>前</p>${`<${tag}>`.repeat(100_000)}内<i>侧${`</${end}>`.repeat(100_000)}<p>后</p>`;
      const joined = cleanHtml(html)
        .map((block) => block.text)
        .join('|');
      assert.equal(joined.replace(/[|· ]/g, ''), '前内侧后');
    });
  }

  test('what is hidden below the depth limit stays hidden, and what comes after it is seen', () => {
    const deep = '<div>'.repeat(1000);
    const html = `${deep}甲<div hidden>乙<p>丙</p></div>丁<script>戊</script>${'</div>'.repeat(1000)}<h2>己</h2>`;
    assert.deepEqual(cleanHtml(html), [...text('甲丁'), heading('己')]);
  });

  test('font sizes and visibility are handed down below the depth limit too', () => {
    const deep = '<div>'.repeat(1000);
    const html =
      `<div style="font-size:0">${deep}隐<div style="font-size:9px">甲<p style="visibility:hidden">隐<b style=` +
      `"visibility:visible">乙</b>隐</p>丙</div>隐${'</div>'.repeat(1001)}<h2>己</h2>`;
    assert.deepEqual(cleanHtml(html), [...text('甲', '乙', '丙'), heading('己')]);
  });

  for (const property of [
    ['font-size:0', 'font-size:9px'],
    ['visibility:hidden', 'visibility:visible'],
  ]) {
    test(`100,000 nested elements that alternate between ${property.join(' and ')} each decide on their own text`, () => {
      const [unseen, seen] = property;
      const html = `<b style="${unseen}">隐<i style="${seen}">甲`.repeat(50_000) + '乙</i>隐</b>'.repeat(50_000);
      const joined = cleanHtml(`${html}后`)
        .map((block) => block.text)
        .join('');
      assert.equal(joined, `${'甲'.repeat(50_000)}${'乙'.repeat(50_000)}后`);
    });
  }

  test('1 MB of end tags that match nothing gives nothing', () => {
    assert.deepEqual(cleanHtml('<b>'.repeat(1000) + '</i>'.repeat(250_000)), []);
  });

  test('1 MB of one character is text or nothing', () => {
    for (const char of ['<', '&', '中']) assert.equal(total(cleanHtml(char.repeat(1_000_000))), 1_000_000);
    for (const char of ['\n', ' ', '\u0000', '<!', '</']) assert.equal(cleanHtml(char.repeat(1_000_000)).length, 0);
  });

  test('1 MB of garbage in a style or in runs of line breaks takes its time', () => {
    for (const garbage of ['/*', ':', ';', '!', ' ', '0', '1.', '.', 'e', '+', '/', '0 ', '0/', ';font:0 a']) {
      for (const property of ['font-size', 'font']) {
        const html = `<p style="${property}:${garbage.repeat(1_000_000 / garbage.length)}x">甲</p>`;
        assert.ok(cleanHtml(html).length <= 1);
      }
    }
    assert.deepEqual(cleanHtml(`中${'\n '.repeat(500_000)}a`), text('中 a'));
  });

  test('200,000 cells in one row are cut at 50 columns', () => {
    const html = `<table><tr>${'<td>x</td>'.repeat(200_000)}</tr></table>`;
    assert.deepEqual(cleanHtml(html), text(Array(50).fill('x').join('；')));
  });

  test('200,000 cells in 4,000 rows are cut at 2,000 rows', () => {
    const html = `<table>${`<tr>${'<td>x</td>'.repeat(50)}</tr>`.repeat(4_000)}</table>`;
    const blocks = cleanHtml(html);
    assert.equal(blocks.length, 1_999);
    assert.deepEqual(new Set(blocks.map((block) => block.text)), new Set([Array(50).fill('x：x').join('；')]));
  });

  test('spans multiply no text past the limit', () => {
    const cell = `<td colspan=1000000 rowspan=1000000>${'长'.repeat(100_000)}</td>`;
    const blocks = cleanHtml(`<table><tr><td>a<td>b<tr><td>c${cell}${'<tr><td>d'.repeat(5_000)}</table>`);
    assert.equal(total(blocks), 2_000_000);
  });

  test('tables nested in tables neither multiply nor lose their text', () => {
    const html = `${'<table><tr><td>名<td>值<tr><td>甲<td>'.repeat(20_000)}底`;
    const joined = cleanHtml(html)
      .map((block) => block.text)
      .join('');
    assert.ok(joined.includes('底') && joined.length < 200_000);
  });

  test('the output ends at 2,000,000 characters, with no character cut in two', () => {
    assert.equal(total(cleanHtml(`<p>${'字'.repeat(3_000_000)}`)), 2_000_000);
    const blocks = cleanHtml('<p>一二三四五六七😀'.repeat(250_000));
    assert.ok(total(blocks) <= 2_000_000 && blocks.every((block) => block.text.isWellFormed()));
  });
});
