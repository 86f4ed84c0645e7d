import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readInbound } from '../../src/wecom/inbound.ts';
import { attachmentsOf, quotedWordsOf, wordsOf } from '../../src/wecom/media/contents.ts';

const base = { msgid: 'm', from: { userid: 'u' } };
const read = (body: object) => readInbound(JSON.stringify({ ...base, ...body }))!;
const textItem = (content: string) => ({ msgtype: 'text', text: { content } });
const imageItem = (url: string) => ({ msgtype: 'image', image: { url } });
const mixed = (...items: object[]) => ({ msgtype: 'mixed', mixed: { msg_item: items } });

test('a mixed message is its texts and its pictures; a mention that is an item of its own is neither', () => {
  const message = read({
    chattype: 'group',
    chatid: 'g',
    ...mixed(textItem('@助手 '), imageItem('u1'), textItem('看看')),
  });
  assert.equal(wordsOf(message), '看看');
  assert.deepEqual(attachmentsOf(message), [{ kind: 'image', link: { url: 'u1' }, origin: 'own' }]);
  assert.equal(wordsOf(read(mixed(textItem('@助手 ')))), '@助手 ', 'alone with the bot nobody is mentioned');
  const named = read({ chattype: 'group', chatid: 'g', ...mixed(textItem('@张三 是谁'), imageItem('u1')) });
  assert.equal(wordsOf(named), '@张三 是谁');
});

test('pictures and files have their order and place, ten at most; one more stands for the rest', () => {
  const urls = Array.from({ length: 30 }, (_, at) => `u${at}`);
  const quote = { msgtype: 'file', file: { url: 'q', aeskey: 'k' } };
  const few = attachmentsOf(read({ ...mixed(imageItem('u0')), quote }));
  assert.deepEqual(few, [
    { kind: 'image', link: { url: 'u0' }, origin: 'own' },
    { kind: 'file', link: { url: 'q', aeskey: 'k' }, origin: 'quote' },
  ]);
  const many = attachmentsOf(read({ ...mixed(...urls.map(imageItem)), quote }));
  assert.deepEqual(
    many.map(({ link }) => link?.url),
    [...urls.slice(0, 10), undefined],
  );
  assert.match(many[10]!.reason!, /more than 10/);
  assert.deepEqual(attachmentsOf(read({ msgtype: 'image' })), [
    { kind: 'image', link: undefined, reason: 'it came without a link', origin: 'own' },
  ]);
});

test('of a quote 2,000 characters count, whole ones', () => {
  const quoted = quotedWordsOf(read({ ...textItem('x'), quote: textItem(`${'长'.repeat(1999)}😀尾`) }));
  assert.ok(quoted.length <= 2000 && quoted.isWellFormed());
});

test('whatever stands where pictures, files and quotes do, the words of a message are read', () => {
  const parts = fc.record(
    { quote: fc.jsonValue(), image: fc.jsonValue(), file: fc.jsonValue(), video: fc.jsonValue() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(parts, fc.string(), (given, words) => {
      const message = read({ ...given, msgtype: 'text', text: { content: words } });
      assert.equal(wordsOf(message), words);
      assert.equal(typeof quotedWordsOf(message), 'string');
      assert.ok(attachmentsOf(message).every(({ origin }) => origin === 'quote'));
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 5 }), (image, items) => {
      attachmentsOf(read({ msgtype: 'image', image }));
      const some = readInbound(JSON.stringify({ ...base, ...mixed(...(items as object[]), textItem('w')) }));
      if (some !== undefined) assert.match(wordsOf(some), /w$/);
    }),
  );
});
