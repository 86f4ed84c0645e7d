import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutToBytes, maxContentBytes } from '../../src/wecom/content.ts';

test('what is cut has at most so many bytes, whole characters, and nothing of it is lost', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.integer({ min: 8, max: 300 }),
      (given, maxBytes) => {
        const text = given.toWellFormed();
        const { head, tail } = cutToBytes(text, maxBytes);
        assert.ok(Buffer.byteLength(head) <= maxBytes);
        assert.ok(head.isWellFormed() && !head.includes('\ufffd') === !text.slice(0, head.length).includes('\ufffd'));
        assert.ok(text.startsWith(head) && text.endsWith(tail));
        assert.equal(text.slice(head.length, text.length - tail.length).replace(/\n/g, ''), '');
      },
    ),
  );
});

test('a text is cut behind a line where that leaves enough, and fits into a bubble whole where it can', () => {
  assert.deepEqual(cutToBytes('第一行\n第二行', 15), { head: '第一行', tail: '第二行' });
  assert.deepEqual(cutToBytes('a\nbbbbbbbbbbbb', 10), { head: 'a\nbbbbbbbb', tail: 'bbbb' });
  const full = '馆'.repeat(Math.floor(maxContentBytes / 3));
  assert.deepEqual(cutToBytes(full, maxContentBytes), { head: full, tail: '' });
  assert.equal(cutToBytes(`${full}馆`, maxContentBytes).head, full);
});
