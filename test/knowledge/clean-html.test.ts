import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Block, cleanHtml } from '../../src/knowledge/clean-html.ts';

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
    'style="font-size: 0px"',
    'style="font-size:0"',
    'style="opacity:0"',
    'style="opacity: 0.0;"',
    'style="visibility: hidden"',
    'style="display:block;display:none"',
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

  test("WeChat's article root is kept though it is served transparent", () => {
    const style = 'style="visibility: hidden; opacity: 0; "';
    assert.deepEqual(cleanHtml(`<div id="js_content" ${style}><p>正文</p></div>`), text('正文'));
    assert.deepEqual(cleanHtml(`<div class="a rich_media_content b" ${style}><p>正文</p></div>`), text('正文'));
    assert.deepEqual(cleanHtml(`<div class="rich_media_content_x" ${style}><p>正文</p></div>`), []);
    assert.deepEqual(cleanHtml(`<div id="js_content" ${style}><p ${style}>无</p>有</div>`), text('有'));
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

  test('1 MB of end tags that match nothing gives nothing', () => {
    assert.deepEqual(cleanHtml('<b>'.repeat(1000) + '</i>'.repeat(250_000)), []);
  });

  test('1 MB of one character is text or nothing', () => {
    for (const char of ['<', '&', '中']) assert.equal(total(cleanHtml(char.repeat(1_000_000))), 1_000_000);
    for (const char of ['\n', ' ', '\u0000', '<!', '</']) assert.equal(cleanHtml(char.repeat(1_000_000)).length, 0);
  });

  test('1 MB of garbage in a style or in runs of line breaks takes its time', () => {
    for (const garbage of ['/*', ':', ';', '!', ' ', '0']) {
      const html = `<p style="font-size:${garbage.repeat(1_000_000 / garbage.length)}x">甲</p>`;
      assert.ok(cleanHtml(html).length <= 1);
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
