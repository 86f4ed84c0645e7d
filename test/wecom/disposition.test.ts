import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFileName } from '../../src/wecom/media/read-disposition.ts';

test('the name of a file is read as object storage writes it, form-encoded or extended', () => {
  const cases: [string, string][] = [
    ['attachment; filename="a+b%26c.pdf"', 'a b&c.pdf'],
    ['attachment; filename=plain.txt', 'plain.txt'],
    [`attachment; filename="${encodeURIComponent('差旅制度.docx')}"`, '差旅制度.docx'],
    [`attachment; filename="old.txt"; filename*=UTF-8''${encodeURIComponent('新 名.txt')}`, '新 名.txt'],
    [`attachment; filename*=utf-8'zh'%E6%96%B0.txt`, '新.txt'],
    [Buffer.from('attachment; filename="直写.txt"').toString('latin1'), '直写.txt'],
    ['attachment; filename="100%.txt"', '100%.txt'],
    ['', ''],
    ['inline', ''],
    ['attachment; filename=""', ''],
  ];
  for (const [header, name] of cases) assert.equal(readFileName(header), name, header);
});

test('a name leads nowhere, hides nothing, and is bounded', () => {
  assert.equal(readFileName('attachment; filename="../../etc/passwd"'), 'passwd');
  assert.equal(readFileName('attachment; filename="..%2F..%5Cx.txt"'), 'x.txt');
  assert.equal(readFileName('attachment; filename="..."'), '');
  assert.equal(readFileName(`attachment; filename*=UTF-8''a%E2%80%AEcod.exe%0A%00.txt`), 'acod.exe.txt');
  const long = readFileName(`attachment; filename="${'长'.repeat(10)}${'x'.repeat(400)}.docx"`);
  assert.equal([...long].length, 100);
  assert.match(long, /\.docx$/);
  assert.equal(readFileName(`filename = ${'"'.repeat(1_000_000)}`), '');
  assert.ok(readFileName('filename*='.repeat(100_000)).length <= 100);
});

test('whatever a header says, a name has at most 100 characters and none that nobody sees', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.boolean(), (text, isExtended) => {
      const name = readFileName(isExtended ? `filename*=UTF-8''${text}` : `filename="${text}"`);
      assert.ok([...name].length <= 100);
      assert.doesNotMatch(name, /[\p{Cc}\p{Cf}/\\]/u);
      assert.ok(name.isWellFormed());
    }),
  );
});
