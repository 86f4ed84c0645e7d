import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CallbackKeys,
  isSigned,
  openMedia,
  openMessage,
  readAesKey,
  sealMessage,
  signCiphertext,
  Unreadable,
} from '../../src/wecom/crypto.ts';

interface Signed {
  id: string;
  account: 'A' | 'B';
  timestamp: string;
  nonce: string;
  encrypt: string;
  signature: string;
}

/** Made for tests by the authors of the project's reference; no token or key in it is anybody's. */
const vectors = JSON.parse(readFileSync(`${import.meta.dirname}/crypto-vectors.json`, 'utf8')) as {
  accounts: Record<'A' | 'B', { token: string; encoding_aes_key: string; receive_id: string; key_hex: string }>;
  positive: (Signed & { message: string; random16_hex: string })[];
  negative: (Signed & { expect: string; signature_valid: boolean })[];
  media: { id: string; aeskey: string; key_hex: string; plain_sha256: string; cipher_base64: string }[];
  media_negative: { id: string; aeskey: string; expect: string; cipher_base64: string }[];
};

function keysOf(account: 'A' | 'B'): CallbackKeys {
  const { token, encoding_aes_key, receive_id } = vectors.accounts[account];
  return { token, aesKey: readAesKey(encoding_aes_key), receiveId: receive_id };
}

/** What became of it, in the words of the vectors. */
function flawOf(open: () => unknown): string {
  try {
    open();
    return 'accept';
  } catch (error) {
    assert.ok(error instanceof Unreadable, String(error));
    return `reject:${error.flaw}`;
  }
}

for (const { id, account, message, random16_hex, ...signed } of vectors.positive) {
  test(`vector ${id} is signed, decrypts, and encrypts to the same bytes`, () => {
    const keys = keysOf(account);
    assert.ok(isSigned(keys, signed));
    assert.equal(openMessage(keys, signed.encrypt), message);
    assert.equal(sealMessage(keys, message, Buffer.from(random16_hex, 'hex')), signed.encrypt);
    assert.equal(signCiphertext(keys.token, signed.timestamp, signed.nonce, signed.encrypt), signed.signature);
  });
}

for (const { id, account, expect, signature_valid, ...signed } of vectors.negative) {
  test(`vector ${id} is refused: ${expect}`, () => {
    const keys = keysOf(account);
    assert.equal(isSigned(keys, signed), signature_valid);
    if (!signature_valid) return assert.equal(expect, 'reject:signature');
    const allowed = expect === 'reject:padding-or-length' ? ['reject:padding', 'reject:length'] : [expect];
    const flaw = flawOf(() => openMessage(keys, signed.encrypt));
    assert.ok(allowed.includes(flaw), flaw);
  });
}

for (const { id, aeskey, key_hex, plain_sha256, cipher_base64 } of vectors.media) {
  test(`vector ${id} decrypts to the file`, () => {
    const key = readAesKey(aeskey);
    assert.equal(key.toString('hex'), key_hex);
    const plain = openMedia(key, Buffer.from(cipher_base64, 'base64'));
    assert.equal(createHash('sha256').update(plain).digest('hex'), plain_sha256);
  });
}

for (const { id, aeskey, expect, cipher_base64 } of vectors.media_negative) {
  test(`vector ${id} is refused: ${expect}`, () => {
    assert.equal(
      flawOf(() => openMedia(readAesKey(aeskey), Buffer.from(cipher_base64, 'base64'))),
      expect,
    );
  });
}

test('whatever is encrypted decrypts to itself, and one changed bit of it is never accepted with its signature', () => {
  const keys = keysOf('B');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.nat(), (message, at) => {
      const encrypt = sealMessage(keys, message.toWellFormed());
      assert.equal(openMessage(keys, encrypt), message.toWellFormed());
      const signature = signCiphertext(keys.token, '1', '2', encrypt);
      const bytes = Buffer.from(encrypt, 'base64');
      const byte = at % bytes.length;
      bytes[byte] = bytes[byte]! ^ (1 << (at % 8));
      assert.ok(!isSigned(keys, { signature, timestamp: '1', nonce: '2', encrypt: bytes.toString('base64') }));
    }),
  );
});

test('garbage in place of a ciphertext or a signature is refused, not thrown at', () => {
  const keys = keysOf('A');
  for (const encrypt of ['', '=', 'a', 'a b c d', '\u0000', '你好', 'A'.repeat(1_000_000), `${'A'.repeat(64)}\n`]) {
    assert.match(
      flawOf(() => openMessage(keys, encrypt)),
      /^reject:/,
    );
    for (const signature of ['', 'x', '你'.repeat(40), '0'.repeat(40)])
      assert.equal(isSigned(keys, { signature, timestamp: '1', nonce: '2', encrypt }), false);
  }
});
