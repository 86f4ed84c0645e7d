/**
 * WeCom's encryption of callbacks, of the answers to them, and of media files.
 *
 * A message is signed over its ciphertext; so the signature is checked first, and nothing that is not signed is
 * decrypted. The padding is PKCS#7 to 32 bytes, which Node doesn't know (it accepts 16 at most): it is checked here, all
 * of it. The rules are strict where libraries around WeCom are lenient: what is not exactly as WeCom makes it is refused.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a bot in callback mode and WeCom share. */
export interface CallbackKeys {
  token: string;
  /** 32 bytes, from the EncodingAESKey. */
  aesKey: Buffer;
  /** Whom messages are for: it stands at the end of each. Empty for a bot of one's own enterprise. */
  receiveId: string;
}

/** Why a ciphertext can't be what WeCom has sent. */
export type Flaw = 'key-length' | 'ciphertext-length' | 'padding' | 'length' | 'receive-id';

/** It was signed or fetched as it should, and yet is not what WeCom makes: most often another key was used. */
export class Unreadable extends Error {
  readonly flaw: Flaw;

  constructor(flaw: Flaw) {
    super(`not readable with this key: ${flaw}`);
    this.name = 'Unreadable';
    this.flaw = flaw;
  }
}

const keyBytes = 32;
const randomPrefixBytes = 16;
const lengthBytes = 4;
/** Of the padding; that of AES itself is 16. */
const blockBytes = 32;
const cipher = 'aes-256-cbc';

/** The 32 bytes of an EncodingAESKey, or of a file's `aeskey`: base64, with or without its last `=`. */
export function readAesKey(text: string): Buffer {
  const key = /^[A-Za-z0-9+/]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key?.length !== keyBytes) throw new Unreadable('key-length');
  return key;
}

/** The signature of a ciphertext: it goes into `msg_signature` of a callback, and `msgsignature` of an answer. */
export function signCiphertext(token: string, timestamp: string, nonce: string, encrypt: string): string {
  return createHash('sha1').update([token, timestamp, nonce, encrypt].sort().join('')).digest('hex');
}

/** Whether a signature is right, in a time that doesn't depend on where it is wrong. */
export function isSigned(
  { token }: CallbackKeys,
  { signature, timestamp, nonce, encrypt }: { signature: string; timestamp: string; nonce: string; encrypt: string },
): boolean {
  const expected = Buffer.from(signCiphertext(token, timestamp, nonce, encrypt));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Decrypts a message. Throws an Unreadable. */
export function openMessage({ aesKey, receiveId }: CallbackKeys, encrypt: string): string {
  // Buffer would leave out what is no base64.
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encrypt)) throw new Unreadable('ciphertext-length');
  const plain = decrypt(aesKey, Buffer.from(encrypt, 'base64'));
  const start = randomPrefixBytes + lengthBytes;
  if (plain.length < start) throw new Unreadable('length');
  const end = start + plain.readUInt32BE(randomPrefixBytes);
  if (end > plain.length) throw new Unreadable('length');
  if (!plain.subarray(end).equals(Buffer.from(receiveId))) throw new Unreadable('receive-id');
  return plain.toString('utf8', start, end);
}

/** Encrypts a message. */
export function sealMessage({ aesKey, receiveId }: CallbackKeys, message: string, random = randomBytes(16)): string {
  const said = Buffer.from(message);
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(said.length);
  return encryptBytes(aesKey, Buffer.concat([random, length, said, Buffer.from(receiveId)])).toString('base64');
}

/** Decrypts a media file: the same cipher over the file as it is. Throws an Unreadable. */
export function openMedia(aesKey: Buffer, bytes: Uint8Array): Buffer {
  return decrypt(aesKey, bytes);
}

/** Encrypts a media file, as WeCom does. */
export function sealMedia(aesKey: Buffer, bytes: Buffer): Buffer {
  return encryptBytes(aesKey, bytes);
}

function decrypt(aesKey: Buffer, bytes: Uint8Array): Buffer {
  if (bytes.length === 0 || bytes.length % randomPrefixBytes !== 0) throw new Unreadable('ciphertext-length');
  const decipher = createDecipheriv(cipher, aesKey, aesKey.subarray(0, randomPrefixBytes)).setAutoPadding(false);
  return unpad(Buffer.concat([decipher.update(bytes), decipher.final()]));
}

function encryptBytes(aesKey: Buffer, bytes: Buffer): Buffer {
  const pad = blockBytes - (bytes.length % blockBytes);
  const encipher = createCipheriv(cipher, aesKey, aesKey.subarray(0, randomPrefixBytes)).setAutoPadding(false);
  return Buffer.concat([encipher.update(bytes), encipher.update(Buffer.alloc(pad, pad)), encipher.final()]);
}

function unpad(bytes: Buffer): Buffer {
  const pad = bytes.at(-1)!;
  if (pad < 1 || pad > blockBytes || pad > bytes.length) throw new Unreadable('padding');
  const end = bytes.length - pad;
  if (!bytes.subarray(end).every((byte) => byte === pad)) throw new Unreadable('padding');
  return bytes.subarray(0, end);
}
