import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { strToU8, zipSync } from 'fflate';
import { detectType } from '../../src/parsing/detect-type.ts';
import { writeDoc, writeOle } from '../support/ole-file.ts';
import { readFixture, reasonOf } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const bytesOf = (text: string, encoding: BufferEncoding = 'utf8'): Uint8Array => Buffer.from(text, encoding);
const zip = (...names: string[]): Uint8Array =>
  zipSync(Object.fromEntries(names.map((name) => [name, strToU8('<a/>')])));
const typeOf = (bytes: Uint8Array): string => {
  const type = detectType(bytes);
  return 'fileType' in type ? type.fileType : type.unsupported;
};
const page = '<!DOCTYPE html>\n<html><body><p>门店地址</p></body></html>';

describe('detectType', () => {
  for (const [folder, expected] of [
    ['docx', 'DOCX'],
    ['doc', 'DOC'],
    ['txt', 'TXT'],
    ['html', 'HTML'],
  ] as const) {
    test(`finds ${expected} in what real programs write`, () => {
      const names = readdirSync(join(import.meta.dirname, 'fixtures', folder));
      const own = names.filter((name) => !/^(?:password\.docx|coffee-abiword\.doc)$/.test(name));
      assert.ok(own.length >= 3);
      for (const name of own) assert.equal(typeOf(readFixture(`${folder}/${name}`)), expected, name);
    });
  }

  const cases: [what: string, bytes: Uint8Array, expected: string][] = [
    ['a PDF', bytesOf('%PDF-1.7\n'), 'PDF'],
    ['a PDF behind other bytes', bytesOf(`${'\n'.repeat(900)}%PDF-1.4`), 'PDF'],
    ['RTF named .doc, as AbiWord writes it', readFixture('doc/coffee-abiword.doc'), 'an RTF document'],
    ['a hand-built DOC', writeDoc([{ text: '短文\r' }]), 'DOC'],
    ['a stream name in small letters', writeOle({ worddocument: bytesOf('x') }), 'DOC'],
    ['Excel before 2007', writeOle({ Workbook: bytesOf('x') }), 'an Excel workbook'],
    ['PowerPoint before 2007', writeOle({ 'PowerPoint Document': bytesOf('x') }), 'a PowerPoint presentation'],
    ['any other compound file', writeOle({ Contents: bytesOf('x') }), 'an Office file that is no Word document'],
    ['a ZIP', zip('photos/a.txt'), 'a ZIP archive'],
    ['an empty ZIP', zip(), 'a ZIP archive'],
    ['Excel since 2007', zip('[Content_Types].xml', 'xl/workbook.xml'), 'an Excel workbook'],
    ['PowerPoint since 2007', zip('[Content_Types].xml', 'ppt/presentation.xml'), 'a PowerPoint presentation'],
    ['OpenDocument', zip('mimetype', 'content.xml'), 'an OpenDocument file'],
    ['EPUB', zip('mimetype', 'META-INF/container.xml'), 'an EPUB book'],
    ['a PNG', bytesOf('\x89PNG\r\n\x1a\n\0\0', 'latin1'), 'a PNG picture'],
    ['a JPEG', bytesOf('\xff\xd8\xff\xe0\0\x10JFIF', 'latin1'), 'a JPEG picture'],
    ['an MP4', bytesOf('\0\0\0\x18ftypmp42', 'latin1'), 'a video or sound file'],
    ['gzip', gzipSync('text'), 'a gzip archive'],
    ['a program', bytesOf('MZ\x90\0\x03\0\0\0', 'latin1'), 'a program'],
    ['HTML', bytesOf(page), 'HTML'],
    ['HTML behind a mark and comments', bytesOf(`\ufeff <!-- saved -->\n<!-- again -->${page}`), 'HTML'],
    ['HTML in UTF-16', bytesOf(`\ufeff${page}`, 'utf16le'), 'HTML'],
    ['HTML in UTF-16 without a mark', bytesOf(page, 'utf16le'), 'HTML'],
    ['XHTML', bytesOf(`<?xml version="1.0"?>\n<html xmlns="x"><body>a</body></html>`), 'HTML'],
    ['a piece of HTML', bytesOf('<table><tr><td>价格</td></tr></table>\n'), 'HTML'],
    ['Markdown that begins with a tag', bytesOf('<p align="center">\n# 说明\n\n正文很长。'), 'TXT'],
    ['prose about tags', bytesOf('请在 <html> 里写 <body>。'), 'TXT'],
    ['other XML', bytesOf('<?xml version="1.0"?><w:wordDocument/>'), 'an XML document'],
    [
      'a web archive',
      bytesOf('MIME-Version: 1.0\nContent-Type: multipart/related; boundary="a"\n\n'),
      'a web archive (MHTML)',
    ],
    ['one letter', bytesOf('a'), 'TXT'],
    ['nothing', bytesOf(''), 'TXT'],
    ['white space', bytesOf(' \r\n\t\n'), 'TXT'],
    ['a text with NULs in it', bytesOf('上午\0九点\0开门'), 'TXT'],
    [
      'Cyrillic in an old encoding',
      Buffer.from('f0d2c9d7c5d420cdc9d220e5d3ccc920c2d920d120c2d9cc20cdcfd2cac5ca', 'hex'),
      'of no type that is learned',
    ],
    ['mostly NULs', bytesOf(`a${'\0'.repeat(500)}bc`), 'of no type that is learned'],
  ];
  for (const [what, bytes, expected] of cases) {
    test(`takes ${what} for what it is`, () => assert.equal(typeOf(bytes), expected));
  }

  test('says of an encrypted Word document that it needs a password', async () => {
    const reason = 'damaged: the document is encrypted and needs a password';
    assert.equal(await reasonOf(() => detectType(readFixture('docx/password.docx'))), reason);
  });

  test('says of a cut-off archive or compound file that it is damaged', async () => {
    for (const name of ['docx/shop-rules-libreoffice.docx', 'doc/shop-rules-libreoffice.doc']) {
      const bytes = readFixture(name);
      assert.match(await reasonOf(() => detectType(bytes.subarray(0, 2000))), /^damaged: the file is cut off/);
    }
  });

  test('takes no random bytes for text', () => {
    const random = createRandom();
    for (let count = 0; count < 300; count += 1) {
      const bytes = Uint8Array.from({ length: 100 + random.below(3000) }, () => random.below(256));
      assert.notEqual(typeOf(bytes), 'TXT', `seed ${random.seed}, try ${count}`);
    }
  });
});
