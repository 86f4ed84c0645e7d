import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openFence } from '../../src/wecom/markdown/close-draft.ts';
import { closeDraft, renderMarkdown, takePiece } from '../../src/wecom/markdown/index.ts';
import { parse, sourceOf, walk } from '../../src/wecom/markdown/parse.ts';
import { splitAtPipes } from '../../src/wecom/markdown/tables.ts';

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const options = (numRuns: number) => ({ seed, numRuns });
console.log(`seed ${seed}`);

test('what only looks like markup, and what WeCom shows by itself, comes out byte for byte', () => {
  const kept = [
    ...['**重点** 内容', '*斜体* 行', '1.5 倍', '10.5% 增长', '2024.01.01', '-5°C', '+86 138', '--flag', '#标签'],
    ...['**a** b **c**', '__init__.py', '`__init__.py`', '`a|b`', 'a_b_c', '@@WECOM_CODE_BLOCK_0@@', '3 < 4 > 2'],
    ...[
      '# 一\n## 二\n### 三',
      '- a\n  - b\n    - c',
      '1. a\n2. b',
      '> a\n>> b',
      '---',
      '***',
      'List<String>',
      '<用户名>',
    ],
    ...[
      '[链接](https://example.com/a_b) ![图](https://example.com/a.png) https://example.com',
      '`\\[x\\]`',
      '~1~ 约 ~2',
    ],
    ...[
      '```js\n[x]: y\n~~z~~ <b>\n```',
      '~~~\n#### x\n~~~',
      '| a | b |\n| --- | :---: |\n| `x\\|y` |  |',
      '    | a',
      '$5 \\* 2',
    ],
  ];
  for (const text of kept) assert.equal(renderMarkdown(text), text);
});

test('what WeCom lacks becomes something that reads well', () => {
  const shown: [string, string][] = [
    ['#### 小节\n###### 更小', '### 小节\n### 更小'],
    ['标题\n===\n正文', '# 标题\n正文'],
    ['正文\n---\n后文', '正文\n\n---\n后文'],
    ['原价 ~~168~~ 元，~~旧的~~', '原价 (168) 元，（旧的）'],
    ['- [ ] 一\n- [x] 二', '- ☐ 一\n- ☑ 二'],
    ['见此[^1]\n\n[^1]: 说明\n    续', '见此¹\n\n¹ 说明\n续'],
    ['<font color="info">绿</font>，a<br>b，<b>c</b>', '绿，a\nb，c'],
    ['<details><summary>更多</summary>\n内容\n</details>', '更多\n\n内容'],
    ['<ul><li>a</li><li>b</li></ul>', '- a\n- b'],
    ['<a href="https://example.com">去</a>', '[去](https://example.com)'],
    ['\\[ x \\] 与 \\[a\\](b)', '［ x ］ 与 ［a］(b)'],
    ['\\[ x \\]', '[ x ]'],
    ['[x]: y', '[x]： y'],
    ['[文][d]\n\n[d]: https://example.com', '[文](https://example.com)\n\n[d]： https://example.com'],
    ['![图](http://example.com/a) ![示意](a.png)', '[图](http://example.com/a) 示意'],
    ['a\r\nb\rc', 'a\nb\nc'],
  ];
  for (const [text, expected] of shown) assert.equal(renderMarkdown(text), expected);
});

test('a table is one that WeCom shows: even, with pipes at both ends, three dashes, and a line of its own', () => {
  const shown: [string, string][] = [
    ['a|b\n:-|-\n1|2', '| a | b |\n| :--- | --- |\n| 1 | 2 |'],
    ['| a | b |\n| --- | --- |\n| 1 |\n| `x|y` | 2 |', '| a | b |\n| --- | --- |\n| 1 |  |\n| `x\\|y` | 2 |'],
    ['| a | b |\n| --- | --- |\n| 1 | 2 | 3 |', '| a | b |\n| --- | --- |\n| 1 | 2 \\| 3 |'],
    ['前\n| a |\n| --- |\n| 1<br>2 |\n后', '前\n\n| a |\n| --- |\n| 1 2 |\n\n后'],
    ['> | a | b |\n> |-|-|\n> | 1 |', '> | a | b |\n> | --- | --- |\n> | 1 |  |'],
  ];
  for (const [text, expected] of shown) assert.equal(renderMarkdown(text), expected);
});

test('a literal <think> folds nothing away, in code neither', () => {
  for (const text of ['<think>a</think>', '`<THINK>`', '```\n<think>\n```', '<<b>think>', '<think', '> - </think>']) {
    for (const shown of [renderMarkdown(text), renderMarkdown(closeDraft(text))]) {
      assert.doesNotMatch(shown, /<\/?think/i);
      assert.match(shown, /think/i);
    }
  }
});

/** Markup of all kinds, put together at random. */
const tokens = fc.oneof(
  fc.constantFrom(
    ...[
      '**',
      '*',
      '_',
      '__',
      '~~',
      '`',
      '``',
      '```',
      '```js',
      '~~~',
      '\n',
      '\n\n',
      '# ',
      '#### ',
      '- ',
      '1. ',
      '> ',
      '|',
    ],
    ...[
      '|\n|-|-|\n|',
      ' | ',
      '---',
      '===',
      '[',
      ']',
      '](',
      ')',
      '[x]',
      '[x]: ',
      '[^1]',
      '[^1]: ',
      '![',
      '- [ ] ',
      '\\[',
    ],
    ...[
      '\\]',
      '\\',
      '\\|',
      '<b>',
      '</b>',
      '<br>',
      '<a href="https://e.x">',
      '</a>',
      '<img src="a" alt="#### b">',
      '<!--',
    ],
    ...[
      '-->',
      '<div>',
      '</div>',
      '<li>',
      '<think>',
      '</think>',
      '<',
      '>',
      'https://e.x',
      '    ',
      '\t',
      '  ',
      ' ',
      '中文',
      'a',
    ],
  ),
  fc.string({ maxLength: 5 }),
);
const markup = fc.array(tokens, { maxLength: 40 }).map((parts) => parts.join(''));

test('rendering throws for nothing, does not grow without bounds, and done twice is done once', () => {
  fc.assert(
    fc.property(markup, (text) => {
      const shown = renderMarkdown(text);
      assert.ok(shown.length <= 4 * text.length + 1000);
      assert.equal(renderMarkdown(shown), shown);
      assert.equal(shown.trim() === '', text.trim() === '', 'no bubble is empty');
      assert.doesNotMatch(shown, /<\/?think\b/i);
    }),
    options(2000),
  );
});

test('prose without markup is never changed', () => {
  const word = fc.constantFrom(
    '成人票',
    '168',
    ' 元',
    '，',
    '。',
    'the',
    ' ',
    'a.b',
    '1.5',
    '-5°C',
    '50%',
    '(a)',
    '“x”',
    '\n',
    '&',
    '/',
  );
  const prose = fc.array(word, { maxLength: 60 }).map((words) => `言${words.join('')}`);
  fc.assert(
    fc.property(prose, (text) => assert.equal(renderMarkdown(text), text)),
    options(1000),
  );
});

test('what is huge or nested absurdly ends as a text', { timeout: 120_000 }, () => {
  const absurd = [
    '>',
    '[',
    ']',
    '*a_ ',
    'a**b',
    '1. ',
    '- ',
    '[^a]: ',
    'a\n-\n',
    '![',
    '![a](',
    '<',
    '<a ',
    '`',
    '|',
    '\\[',
    '<!--',
    '~~a',
    '\t',
    'a\n',
  ];
  for (const each of absurd) {
    const text = each.repeat(60_000 / each.length);
    assert.ok(renderMarkdown(text).length > 0);
    closeDraft(text);
    assert.ok(Buffer.byteLength(takePiece(text, 20_480).piece) <= 20_480);
  }
  assert.equal(renderMarkdown('a'.repeat(5_000_000)).length, 5_000_000);
});

/** An answer with code and tables of so many lines. */
function answerOf(length: number): string {
  const rows = Array.from({ length }, (_, at) => `| 展厅 ${at} | \`a\\|${at}\` |`).join('\n');
  const code = Array.from({ length }, (_, at) => `  print("第 ${at} 行 | **x**")`).join('\n');
  return [
    '# 开放时间\n\n**重点**：请`提前`预约。\n\n',
    `\`\`\`python\ndef f():\n${code}\n\`\`\`\n\n`,
    `| 地点 | 说明 |\n| --- | --- |\n${rows}\n\n`,
    `- 一项\n  \`\`\`\n  代码\n  ${code}\n  \`\`\`\n- 二项 **粗体** 与 *斜体*\n\n`,
    '> ~~~js\n> let a\n> ~~~\n> | a | b |\n> |--|--|\n> | 1 |\n\n结束，见 [链接](https://example.com)。',
  ].join('');
}

/** Code is closed, tables are even and have their second row. */
function assertSafe(shown: string): void {
  assert.equal(openFence(shown), undefined, `open: …${shown.slice(-40)}`);
  for (const { node } of walk(parse(shown)!)) {
    if (node.type !== 'table') continue;
    const [head, ...others] = node.children.map((row) => splitAtPipes(sourceOf(row, shown)).length);
    assert.deepEqual(
      others.filter((cells) => cells !== head),
      [],
    );
  }
}

test('each prefix of an answer with code and tables shows safely while it is written', { timeout: 300_000 }, () => {
  const answer = answerOf(8);
  for (let end = 0; end <= answer.length; end++) {
    const draft = closeDraft(answer.slice(0, end));
    const shown = renderMarkdown(draft);
    assertSafe(shown);
    const last = shown.slice(shown.lastIndexOf('\n') + 1);
    if (/^\| /.test(last)) assert.match(shown, /\n(?:> )?\| -/, 'no pipes without a table');
    assert.equal((shown.replace(/```[\s\S]*?```/g, '').match(/\*\*/g)?.length ?? 0) % 2, 0, `bold is closed: ${last}`);
  }
});

test('pieces are never parted within code or a table, have at most so many bytes, and say all of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: 4000 }), fc.integer({ min: 1, max: 150 }), (maxBytes, length) => {
      const whole = renderMarkdown(answerOf(length));
      const pieces: string[] = [];
      for (let rest = whole; rest !== ''; ) {
        const taken = takePiece(rest, maxBytes);
        pieces.push(taken.piece);
        rest = taken.rest;
        assert.ok(pieces.length < 200, 'it comes to an end');
      }
      for (const piece of pieces) {
        assert.ok(Buffer.byteLength(piece) <= maxBytes);
        assert.notEqual(piece.trim(), '');
        assertSafe(piece);
        assert.doesNotMatch(piece, /^\| (?!地点)/, 'a table has its head');
      }
      const said = pieces.join('\n');
      for (const line of whole.split('\n').filter((each) => /展厅|第 \d/.test(each))) {
        assert.ok(said.includes(line.trim()), line);
      }
    }),
    options(60),
  );
});

test('any text is parted into pieces of whole characters, and comes to an end', () => {
  const long = fc.tuple(markup, fc.integer({ min: 1, max: 30 })).map(([text, times]) => `${text}馆🎫`.repeat(times));
  fc.assert(
    fc.property(long, (given) => {
      const text = given.toWellFormed();
      let rest = text;
      for (let count = 0; rest !== ''; count++) {
        const taken = takePiece(rest, 1024);
        assert.ok(Buffer.byteLength(taken.piece) <= 1024);
        assert.ok(taken.piece.isWellFormed());
        assert.ok(count < 200);
        rest = taken.rest;
      }
    }),
    options(500),
  );
});
