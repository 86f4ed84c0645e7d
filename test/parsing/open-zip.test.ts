import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { listZip, unzipParts } from '../../src/parsing/docx/open-zip.ts';
import { readFixture, readSpoilt, reasonOf } from '../support/parsing.ts';
import { createRandom } from '../support/random.ts';

const limits = { maxPartBytes: 1 << 20, maxTotalBytes: 2 << 20 };
const MEGABYTE = new Uint8Array(1 << 20);
const read = (bytes: Uint8Array, names: string[], given = limits): Record<string, string> => {
  const parts = unzipParts(bytes, listZip(bytes), names, given);
  return Object.fromEntries([...parts].map(([name, part]) => [name, new TextDecoder().decode(part)]));
};
/** The archive with another unpacked size declared in both of its places. */
function declareSize(zip: Uint8Array, size: number): Uint8Array {
  const changed = Buffer.from(zip);
  changed.writeUInt32LE(size, 22);
  changed.writeUInt32LE(size, changed.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 24);
  return changed;
}

describe('unzipParts', () => {
  test('unpacks what is asked for and exists, packed or stored', () => {
    const zip = zipSync({ 'a.xml': strToU8('甲'), 'b.xml': [strToU8('乙'), { level: 0 }], 'c.bin': strToU8('丙') });
    assert.deepEqual(read(zip, ['a.xml', 'b.xml', 'none.xml', 'a.xml']), { 'a.xml': '甲', 'b.xml': '乙' });
  });

  test('reads an archive with other bytes before it and a comment behind', () => {
    const zip = Buffer.from(zipSync({ a: strToU8('甲') }));
    zip.writeUInt16LE(5, zip.length - 2);
    assert.deepEqual(read(Buffer.concat([Buffer.from('before'), zip, Buffer.from('after')]), ['a']), { a: '甲' });
  });

  test('stops a bomb at the limit, whether it declares its size, lies about it, or is many parts', async () => {
    const bomb = zipSync({ a: new Uint8Array(4 << 20) });
    assert.ok(bomb.length < 10_000);
    for (const size of [4 << 20, 10, 0xffffffff]) {
      const reason = await reasonOf(() => read(declareSize(bomb, size), ['a']));
      assert.equal(reason, 'damaged: it unpacks to more than 1 MB');
    }
    const many = zipSync({ a: MEGABYTE, b: MEGABYTE, c: MEGABYTE });
    assert.equal(await reasonOf(() => read(many, ['a', 'b', 'c'])), 'damaged: it unpacks to more than 2 MB');
    assert.equal(unzipParts(many, listZip(many), ['a', 'b'], limits).size, 2);
    const stored = zipSync({ a: [new Uint8Array(2 << 20), { level: 0 }] });
    assert.equal(await reasonOf(() => read(stored, ['a'])), 'damaged: it unpacks to more than 1 MB');
  });

  test('does not unpack an archive inside the archive', () => {
    const inner = zipSync({ a: new Uint8Array(4 << 20) });
    const part = unzipParts(zipSync({ inner }), listZip(zipSync({ inner })), ['inner'], limits).get('inner');
    assert.equal(part?.length, inner.length);
  });

  test('takes the first of two entries with one name, and paths for mere names', () => {
    const zip = Buffer.from(
      zipSync({ 'word/a': strToU8('first'), 'word/b': strToU8('second'), '../../a': strToU8('up') }),
    );
    const twice = Buffer.from(zip.toString('latin1').replaceAll('word/b', 'word/a'), 'latin1');
    assert.deepEqual(read(twice, ['word/a', '../../a']), { 'word/a': 'first', '../../a': 'up' });
  });

  test('says that an encrypted entry needs a password, and of others that they are damaged', async () => {
    const zip = Buffer.from(zipSync({ a: strToU8('甲'.repeat(99)) }));
    const central = zip.lastIndexOf('PK\x01\x02', undefined, 'latin1');
    const changed = (at: number, ...bytes: number[]): Buffer => {
      const copy = Buffer.from(zip);
      copy.set(bytes, at);
      return copy;
    };
    const encrypted = 'damaged: the document is encrypted and needs a password';
    assert.equal(await reasonOf(() => read(changed(central + 8, 1), ['a'])), encrypted);
    assert.match(await reasonOf(() => read(changed(central + 10, 99), ['a'])), /^damaged: it is packed in a way/);
    assert.match(await reasonOf(() => read(changed(31, 0xff), ['a'])), /^damaged: a part of it cannot be unpacked/);
    for (const at of [central + 20, central + 42]) {
      const reason = await reasonOf(() => read(changed(at, 0xff, 0xff, 0xff, 0x7f), ['a']));
      assert.match(reason, /^damaged: the file is cut off/);
    }
    for (const length of [0, 4, 40, central + 10, zip.length - 1]) {
      assert.match(await reasonOf(() => read(zip.subarray(0, length), ['a'])), /^damaged: the file is cut off/);
    }
  });

  test('refuses more than 10,000 entries', async () => {
    const zip = zipSync(
      Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`${index}`, new Uint8Array()])),
    );
    assert.equal(await reasonOf(() => listZip(zip)), 'damaged: it holds more than 10000 files');
  });

  test('reads spoilt archives, or says why not', async () => {
    await readSpoilt(readFixture('docx/coffee-pandoc.docx'), createRandom(), 300, (bytes) => {
      unzipParts(bytes, listZip(bytes), ['word/document.xml', 'word/styles.xml'], limits);
    });
  });
});
