import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { deflateSync } from 'node:zlib';
import { createParser } from '../../src/parsing/parser.ts';
import { readPdf } from '../../src/parsing/pdf/read-pdf.ts';
import { createRandom } from '../support/random.ts';
import { draw, streamOf, ucs2, writeObjects, writePdf } from './fixtures/make/write-pdf.ts';

const limits = { maxChars: 2_000_000, maxPages: 2000 };
const load = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures/pdf', name)));
const line = (at: number) =>
  draw(`第 ${at} 号仓库每周一上午盘点，缺货的品种当天补齐，由仓管员签字。`, 72, 760 - at * 20);
const plain = (pages = 3) => writePdf(Array.from({ length: pages }, () => ({ content: [1, 2, 3].map(line).join('') })));
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
/** The stream with more entries in its dictionary. */
const withEntries = (content: string, entries: string) => textOf(streamOf(content)).replace('<<', `<<${entries}`);
const pageTree = (objects: [number, string | Uint8Array][]) =>
  writeObjects(new Map([[1, '<</Type/Catalog/Pages 2 0 R>>'], ...objects]), '/Root 1 0 R');

async function refuse(bytes: Uint8Array<ArrayBuffer>, kind: 'damaged' | 'noText', message: RegExp): Promise<void> {
  await assert.rejects(readPdf(bytes, limits), (error: Error & { kind?: string }) => {
    assert.deepEqual([error.name, error.kind], ['Unreadable', kind], error.message);
    assert.match(error.message, message);
    return true;
  });
}

describe('readPdf: what is damaged says how', () => {
  for (const share of [0.05, 0.3, 0.6, 0.9, 0.99]) {
    test(`a file cut off after ${share * 100}% is refused, though pages of it could be read`, async () => {
      for (const whole of [plain(), load('handbook-libreoffice.pdf'), load('leaflet-chromium.pdf')]) {
        await refuse(whole.slice(0, Math.floor(whole.length * share)), 'damaged', /its end is missing$/);
      }
    });
  }

  test('a later revision that was cut off is not taken for the document before it', async () => {
    const cut = bytesOf(`${textOf(plain())}5 0 obj\n<</Length 900>>stream\nBT /F1 12 Tf`);
    await refuse(cut, 'damaged', /its end is missing$/);
  });

  test('a file with a part of it missing is refused', async () => {
    const whole = plain(20);
    const holed = new Uint8Array(Buffer.concat([whole.slice(0, whole.length * 0.3), whole.slice(whole.length * 0.5)]));
    await refuse(holed, 'damaged', /a part of it is missing$/);
  });

  // In threads, as the service does it: the test's own process would be blamed for what pdfjs rejects to nobody.
  test('bytes changed anywhere end in passages or in a reason', async () => {
    const random = createRandom();
    const files = [plain(), load('report-reportlab.pdf'), load('handbook-ghostscript.pdf')];
    const parser = createParser({ workers: 2, timeoutMs: 60_000, memoryMb: 512, ...limits });
    const damaged = Array.from({ length: 24 }, () => {
      const bytes = random.pick(files).slice();
      for (let left = random.below(20); left >= 0; left -= 1) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    });
    const rounds = damaged.map(async (bytes, round) => {
      const result = await parser.parse(bytes, new AbortController().signal);
      // "reading it ended …": with an error that no reader knows, or with the thread.
      const isGood = result.kind === 'parsed' || !/reading it ended/.test(result.reason);
      assert.ok(isGood, `seed ${random.seed}, round ${round}: ${JSON.stringify(result)}`);
    });
    await Promise.all(rounds);
  });

  test('what pdfjs rejects when the file has long been read does not end the thread', async () => {
    const code = `const { parentPort, workerData } = require('node:worker_threads');
      const { setImmediate: nextTurn } = require('node:timers/promises');
      (async () => {
        const { readPdf } = await import(workerData.module);
        await readPdf(workerData.bytes, workerData.limits);
        for (let turns = 0; turns < 5; turns++) await nextTurn();
        Promise.reject(Object.assign(new Error('late'), { stack: 'Error at pdfjs-dist/legacy' }));
        await nextTurn();
        parentPort.postMessage('alive');
      })();`;
    const module = new URL('../../src/parsing/pdf/read-pdf.ts', import.meta.url).href;
    const worker = new Worker(code, { eval: true, workerData: { module, bytes: plain(), limits } });
    const [said] = await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
    assert.equal(said, 'alive');
  });

  test('a wrong table of objects, or something in front of the header, is no loss', async () => {
    const wrong = bytesOf(textOf(plain()).replace(/startxref\n\d+/, 'startxref\n5'));
    const shifted = new Uint8Array(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), plain()]));
    for (const bytes of [wrong, shifted]) assert.equal((await readPdf(bytes, limits)).length, 3 * 3);
  });

  test('a password is named as the reason', async () => {
    await refuse(load('user-password.pdf'), 'damaged', /^the PDF is encrypted and needs a password$/);
  });

  const shapes: Record<string, [Uint8Array<ArrayBuffer>, RegExp]> = {
    'nothing at all': [new Uint8Array(), /it is empty$/],
    'garbage after the header': [bytesOf(`%PDF-1.7\n${'ab\x80\x00 1'.repeat(5000)}`), /its end is missing$/],
    'garbage between header and end': [
      bytesOf(`%PDF-1.7\n${'ab\x80\x00 1'.repeat(5000)}\nstartxref\n17\n%%EOF`),
      /damaged: ./,
    ],
    'no pages': [writePdf([]), /it has no pages$/],
    'a page tree that contains itself': [
      pageTree([
        [2, '<</Type/Pages/Count 5/Kids[3 0 R]>>'],
        [3, '<</Type/Pages/Count 5/Kids[2 0 R]/Parent 2 0 R>>'],
      ]),
      /page 1 of 1 is missing$/,
    ],
    'references that go in a circle': [
      writeObjects(
        new Map([
          [1, '2 0 R'],
          [2, '1 0 R'],
        ]),
        '/Root 1 0 R',
      ),
      /damaged: ./,
    ],
    'a page that is not there': [
      pageTree([
        [2, '<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>'],
        [3, '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>'],
        [4, '(page)'],
      ]),
      /page \d of \d is missing$/,
    ],
  };
  for (const [name, [bytes, message]] of Object.entries(shapes)) {
    test(`${name} is refused`, () => refuse(bytes, 'damaged', message));
  }
});

describe('readPdf: what has no text says why', () => {
  const picture = withEntries(
    '\x80'.repeat(10_000),
    '/Type/XObject/Subtype/Image/Width 100/Height 100/ColorSpace/DeviceGray/BitsPerComponent 8',
  );

  test('a scan', async () => {
    const page = { content: 'q 595 0 0 842 0 0 cm /I Do Q', entries: '/Resources<</XObject<</I 50 0 R>>>>' };
    await refuse(
      writePdf([page, page], { objects: { 50: picture } }),
      'noText',
      /^no text: 2 pages of pictures; a scan needs OCR first$/,
    );
  });

  test('a scan with an invisible layer of recognised text is read', async () => {
    const content = `q 595 0 0 842 0 0 cm /I Do Q 3 Tr ${line(1)}`;
    const entries = '/Resources<</Font<</F1 3 0 R>>/XObject<</I 50 0 R>>>>';
    const blocks = await readPdf(writePdf([{ content, entries }], { objects: { 50: picture } }), limits);
    assert.deepEqual(blocks, [
      { kind: 'text', text: '第 1 号仓库每周一上午盘点，缺货的品种当天补齐，由仓管员签字。', page: 1 },
    ]);
  });

  const noise = (length: number) =>
    Array.from({ length }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7919) % 20_000))).join('');
  const layers: Record<string, string> = {
    'rare characters': draw(noise(300), 72, 700),
    'one character over and over': Array.from({ length: 20 }, (_, at) => draw('公'.repeat(30), 72, 700 - at * 20)).join(
      '',
    ),
    'control characters': draw(
      Array.from({ length: 300 }, (_, at) => String.fromCharCode(1 + (at % 8))).join(''),
      72,
      700,
    ),
    'characters of the font itself': draw(
      Array.from({ length: 300 }, (_, at) => String.fromCharCode(0xe000 + at)).join(''),
      72,
      700,
    ),
  };
  for (const [name, content] of Object.entries(layers)) {
    test(`a text layer of ${name}`, () => refuse(writePdf([{ content }]), 'noText', /^the text layer is unreadable: /));
  }

  test('only the pages with noise are left out when others can be read', async () => {
    const blocks = await readPdf(
      writePdf([{ content: draw(noise(40), 72, 700) }, { content: line(1) + line(2) }]),
      limits,
    );
    assert.deepEqual(
      blocks.map((block) => block.page),
      [2, 2],
    );
  });

  test('a font whose map of characters is broken or endless', async () => {
    const font = '<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 50 0 R/DescendantFonts[4 0 R]>>';
    for (const map of [
      'begincmap 1 beginbfrange <0000> <ffff> <',
      'begincmap 1 beginbfrange <00000000> <ffffffff> <4e00> endbfrange',
    ]) {
      const content = `BT /F1 12 Tf 72 700 Td <${'00010002d8030004'.repeat(50)}> Tj ET`;
      await refuse(
        writePdf([{ content }], { objects: { 3: font, 50: textOf(streamOf(map)) } }),
        'noText',
        /unreadable|no text/,
      );
    }
  });
});

describe('readPdf: what is built to be heavy ends', () => {
  test('a page tree 20,000 levels deep is read', async () => {
    const levels = Array.from({ length: 20_000 }, (_, at): [number, string] => [
      at + 2,
      `<</Type/Pages/Count 1/Kids[${at + 3} 0 R]>>`,
    ]);
    const page = '<</Type/Page/MediaBox[0 0 595 842]/Contents 20003 0 R/Resources<</Font<</F2 20004 0 R>>>>>>';
    const rest: [number, string | Uint8Array][] = [
      [20_002, page],
      [20_003, streamOf(draw('Deep down in the tree', 72, 700, 12, 'F2'))],
      [20_004, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'],
    ];
    assert.deepEqual(
      (await readPdf(pageTree([...levels, ...rest]), limits)).map((block) => block.text),
      ['Deep down in the tree'],
    );
  });

  test('a drawing that draws itself is not followed', async () => {
    const form = withEntries(
      `/X Do ${draw('ok', 10, 10, 10, 'F2')}`,
      '/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</Font<</F2 6 0 R>>/XObject<</X 50 0 R>>>>',
    );
    const page = { content: `/X Do ${line(1)}`, entries: '/Resources<</Font<</F1 3 0 R>>/XObject<</X 50 0 R>>>>' };
    const blocks = await readPdf(writePdf([page], { objects: { 50: form } }), limits);
    assert.ok(blocks.some((block) => block.text.startsWith('第 1 号仓库')));
  });

  test('a page of 200,000 pieces takes time in proportion', async () => {
    const measure = async (count: number): Promise<number> => {
      const piece = (at: number) =>
        `1 0 0 1 ${(at * 37) % 595} ${(at * 91) % 842} Tm ${ucs2(at % 2 ? '花' : '盆')} Tj\n`;
      const content = `BT /F1 8 Tf ${Array.from({ length: count }, (_, at) => piece(at)).join('')} ET`;
      const bytes = writePdf([{ content }]);
      const start = performance.now();
      await readPdf(bytes, limits).catch((error: Error) => assert.equal(error.name, 'Unreadable'));
      return performance.now() - start;
    };
    const [small, large] = [await measure(20_000), await measure(200_000)];
    assert.ok(
      large < 25 * small + 1000,
      `${small.toFixed(0)} ms for 20,000 pieces, ${large.toFixed(0)} ms for 200,000`,
    );
  });

  test('a small file that unpacks to very much text stops at the limit', async () => {
    const lines = Array.from({ length: 9000 }, (_, at) => draw('盘点'.repeat(10), 10 + (at % 9), 20 + (at % 800)));
    const content = deflateSync(Buffer.from(lines.join(''), 'latin1'));
    const many = { content: Buffer.from(content) };
    await assert.rejects(readPdf(writePdf([many], { filter: 'FlateDecode' }), { maxChars: 500, maxPages: 5 }), {
      kind: 'damaged',
      message: 'more than 500 characters of text',
    });
  });
});
