import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createSealer } from '../src/sealer.ts';

const [old, current] = [randomBytes(32), randomBytes(32)];

test('a sealed secret opens at its place alone, and never looks the same twice', () => {
  const sealer = createSealer([current]);
  const sealed = sealer.seal('密钥 1', 'integration:a:token');
  assert.equal(sealer.open(sealed, 'integration:a:token'), '密钥 1');
  assert.notEqual(sealer.seal('密钥 1', 'integration:a:token'), sealed);
  assert.ok(!sealed.includes(Buffer.from('密钥 1').toString('base64').slice(0, 6)));
  assert.throws(() => sealer.open(sealed, 'integration:b:token'));
});

test('a changed bit of it opens nothing', () => {
  const sealer = createSealer([current]);
  const [id, text] = sealer.seal('secret', 'p').split('.') as [string, string];
  const bytes = Buffer.from(text, 'base64');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    assert.throws(() => sealer.open(`${id}.${changed.toString('base64')}`, 'p'), `byte ${at}`);
  }
  assert.throws(() => sealer.open(`${id}.`, 'p'));
  assert.throws(() => sealer.open('', 'p'));
});

test('after a change of keys what the old one sealed still opens, and what is sealed has the new one', () => {
  const before = createSealer([old]).seal('secret', 'p');
  const both = createSealer([current, old]);
  assert.equal(both.open(before, 'p'), 'secret');
  assert.equal(createSealer([current]).open(both.seal('secret', 'p'), 'p'), 'secret');
  assert.throws(() => createSealer([current]).open(before, 'p'), /SECRET_KEY does not have/);
});
