/** Files as they come on a bad day, or from somebody who means harm. */
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { draw, streamOf, writeObjects, writePdf } from '../parsing/fixtures/make/write-pdf.ts';
import { paragraph, writeDocx } from './docx-file.ts';
import { readFixture } from './parsing.ts';

export interface BadFile {
  name: string;
  bytes: Uint8Array | string;
  /** The states that tell the truth of it, and the reason. */
  states: number[];
  reason: RegExp;
}

const damaged = [4];
const noText = [9];
/** It may end by its time or by its memory, whichever it uses up first. */
const tooMuch = [4, 7];
const limitReason = /takes (?:more memory than a document may take|longer than \d+ s)|more than|unpacks to/;

export function makeBadFiles(): BadFile[] {
  return [
    { name: 'cut.pdf', bytes: cut('pdf/handbook-libreoffice.pdf'), states: damaged, reason: /its end is missing/ },
    { name: 'cut.docx', bytes: cut('docx/tea-handbook-libreoffice.docx'), states: damaged, reason: /cut off/ },
    { name: 'cut.doc', bytes: cut('doc/tea-handbook-libreoffice.doc'), states: damaged, reason: /damaged|cut off/ },
    { name: 'locked.pdf', bytes: readFixture('pdf/user-password.pdf'), states: damaged, reason: /needs a password/ },
    { name: 'locked.docx', bytes: readFixture('docx/password.docx'), states: damaged, reason: /needs a password/ },
    { name: 'locked.doc', bytes: readFixture('doc/password.doc'), states: damaged, reason: /needs a password/ },
    { name: 'scan.pdf', bytes: makeScan(), states: noText, reason: /a scan needs OCR first/ },
    { name: 'noise.pdf', bytes: makeNoise(), states: noText, reason: /the text layer is unreadable/ },
    { name: 'bomb.docx', bytes: makeZipBomb(), states: damaged, reason: /it unpacks to more than \d+ MB/ },
    {
      name: 'lying.docx',
      bytes: lieAboutSize(makeZipBomb()),
      states: damaged,
      reason: /it unpacks to more than \d+ MB/,
    },
    { name: 'entities.docx', bytes: makeEntities(), states: damaged, reason: /declares a document type/ },
    { name: 'bomb.pdf', bytes: makePdfBomb(), states: tooMuch, reason: limitReason },
    { name: 'forms.pdf', bytes: makeManyForms(), states: tooMuch, reason: limitReason },
    { name: 'pages.pdf', bytes: makePages(10_000), states: damaged, reason: /10000 pages|more than \d+ pages/ },
    {
      name: 'picture.pdf',
      bytes: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
      states: damaged,
      reason: /PNG/,
    },
    { name: 'rtf.doc', bytes: readFixture('doc/coffee-abiword.doc'), states: damaged, reason: /RTF/ },
    { name: 'nul.txt', bytes: Buffer.alloc(100_000), states: [4, 9], reason: /./ },
    { name: 'empty.docx', bytes: '', states: noText, reason: /empty|no text/ },
    { name: 'blank.txt', bytes: ' \t\r\n\u3000\u00a0'.repeat(10_000), states: noText, reason: /no text/ },
    { name: 'blank.docx', bytes: writeDocx({ body: paragraph(' ') }), states: noText, reason: /no text/ },
  ];
}

/** Strange, but text can be read from them: what the text is. */
export function makeStrangeFiles(): { name: string; bytes: Uint8Array | string; text: RegExp }[] {
  const nested = `<html><body>${'<div>'.repeat(100_000)}深处写着取件码是八八六六。${'</div>'.repeat(100_000)}</body></html>`;
  return [
    { name: 'nested.html', bytes: nested, text: /八八六六/ },
    { name: 'pdf-in-disguise.txt', bytes: readFixture('pdf/leaflet-chromium.pdf'), text: /./ },
    { name: 'nuls-between.txt', bytes: `\0\0储物柜\0的押金是二十元。\0`, text: /二十元/ },
  ];
}

function cut(name: string): Uint8Array {
  const bytes = readFixture(name);
  return bytes.slice(0, Math.floor(bytes.length * 0.6));
}

const lineOf = (at: number) => `第 ${at} 号仓库每周一上午盘点，缺货的品种当天补齐，由仓管员签字。`;

function makeScan(): Uint8Array {
  const head =
    '<</Type/XObject/Subtype/Image/Width 100/Height 100/ColorSpace/DeviceGray/BitsPerComponent 8/Length 10000>>';
  const picture = `${head}stream\n${'\x80'.repeat(10_000)}\nendstream`;
  const page = { content: 'q 595 0 0 842 0 0 cm /I Do Q', entries: '/Resources<</XObject<</I 50 0 R>>>>' };
  return writePdf([page, page], { objects: { 50: picture } });
}

/** What is left of a text layer whose font has lost its map of characters. */
function makeNoise(): Uint8Array {
  const rare = Array.from({ length: 300 }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7919) % 20_000))).join('');
  return writePdf([{ content: draw(rare, 72, 700) }]);
}

/** A Word document of 90 MB in 100 KB. */
function makeZipBomb(): Uint8Array {
  return writeDocx({ body: '', others: { 'word/document.xml': new Uint8Array(90 << 20).fill(0x20) } });
}

/** The same, but it says in both places that its text is small. */
function lieAboutSize(zip: Uint8Array): Uint8Array {
  const lying = Buffer.from(zip);
  const name = 'word/document.xml';
  lying.writeUInt32LE(99, lying.indexOf(name) - 8);
  lying.writeUInt32LE(99, lying.lastIndexOf(name) - 22);
  return lying;
}

/** Each entity is ten of the one before. */
function makeEntities(): Uint8Array {
  const entities = Array.from({ length: 12 }, (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`);
  const type = `<!DOCTYPE d [<!ENTITY e0 "长">${entities.join('')}]>`;
  return writeDocx({ body: `<?xml version="1.0"?>${type}<w:document><w:body>&e12;</w:body></w:document>` });
}

/** A page of 2 MB that unpacks to 2 GB of operators. */
function makePdfBomb(): Uint8Array {
  const part = deflateRawSync(Buffer.alloc(16 << 20, '0 g '), { finishFlush: zlib.Z_FULL_FLUSH });
  const end = Buffer.from([0x03, 0x00, 0, 0, 0, 0]);
  const content = Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: 128 }, () => part), end]);
  return writePdf([{ content }], { filter: 'FlateDecode' });
}

/** A page whose drawing draws ten drawings, each of which draws ten, and so on. */
function makeManyForms(): Uint8Array {
  const depth = 9;
  const objects = new Map<number, string | Uint8Array>([
    [1, '<</Type/Catalog/Pages 2 0 R>>'],
    [2, '<</Type/Pages/Count 1/Kids[3 0 R]>>'],
    [3, '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 10 0 R>>>>>>'],
    [4, streamOf('/X Do')],
    [5, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>'],
  ]);
  for (let level = 0; level < depth; level++) {
    const isLast = level === depth - 1;
    const content = isLast ? draw('some words', 72, 700, 10, 'F2') : '/X Do '.repeat(10);
    const resources = isLast ? '/Font<</F2 5 0 R>>' : `/XObject<</X ${level + 11} 0 R>>`;
    const entries = `/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<${resources}>>`;
    const head = Buffer.from(`<<${entries}/Length ${content.length}>>stream\n`);
    objects.set(level + 10, Buffer.concat([head, Buffer.from(`${content}\nendstream`)]));
  }
  return writeObjects(objects, '/Root 1 0 R');
}

function makePages(count: number): Uint8Array {
  return writePdf(Array.from({ length: count }, (_, at) => ({ content: draw(lineOf(at), 72, 700) })));
}
