/** The outside of callbacks and of the answers to them. Nothing in it is believed before its signature was checked. */
import { type CallbackKeys, isSigned, openMessage, sealMessage, signCiphertext } from './crypto.ts';

/** What stands in the query of a callback. */
interface Signature {
  signature: string;
  timestamp: string;
  nonce: string;
}

/** Why a callback was not believed. Told to nobody but the log and the status. */
export class NotBelieved extends Error {
  readonly why: 'incomplete' | 'signature' | 'stale';

  constructor(why: 'incomplete' | 'signature' | 'stale') {
    super(`the callback is not believed: ${why}`);
    this.name = 'NotBelieved';
    this.why = why;
  }
}

/** Reads the query. WeCom names the signature `msg_signature`. */
function readSignature(query: URLSearchParams): Signature {
  const [signature, timestamp, nonce] = ['msg_signature', 'timestamp', 'nonce'].map((name) => query.get(name) ?? '');
  if (!signature || !timestamp || !nonce) throw new NotBelieved('incomplete');
  return { signature, timestamp, nonce };
}

const maxEchoCharacters = 256;

/**
 * What `echostr` says, where it is signed. A space in it was a plus that somebody has decoded twice. What can't be an echo
 * is not told: a callback, or an answer of ours, is signed as well, and nobody is to have it opened here.
 */
export function openEcho(keys: CallbackKeys, query: URLSearchParams): string {
  const signed = readSignature(query);
  const encrypt = (query.get('echostr') ?? '').replaceAll(' ', '+');
  if (encrypt === '') throw new NotBelieved('incomplete');
  if (!isSigned(keys, { ...signed, encrypt })) throw new NotBelieved('signature');
  const echo = openMessage(keys, encrypt);
  if (echo.length > maxEchoCharacters || echo.trimStart().startsWith('{')) throw new NotBelieved('incomplete');
  return echo;
}

/** What a callback's body says, where it is signed and not older, or newer, than `maxAgeSeconds`. Throws an Unreadable, too. */
export function openCallback(
  keys: CallbackKeys,
  query: URLSearchParams,
  body: Uint8Array,
  { nowSeconds, maxAgeSeconds }: { nowSeconds: number; maxAgeSeconds: number },
): string {
  const signed = readSignature(query);
  const encrypt = readEncrypt(body);
  if (!isSigned(keys, { ...signed, encrypt })) throw new NotBelieved('signature');
  // The timestamp is signed as well: only now is it known to be WeCom's.
  if (!(Math.abs(nowSeconds - Number(signed.timestamp)) <= maxAgeSeconds)) throw new NotBelieved('stale');
  return openMessage(keys, encrypt);
}

/** The JSON around a ciphertext, whatever the content type says. */
function readEncrypt(body: Uint8Array): string {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new NotBelieved('incomplete');
  }
  const { encrypt } = (json ?? {}) as { encrypt?: unknown };
  if (typeof encrypt !== 'string' || encrypt === '') throw new NotBelieved('incomplete');
  return encrypt;
}

/** The answer to a callback with this nonce, encrypted and signed, as its body. */
export function sealAnswer(keys: CallbackKeys, answer: object, nowSeconds: number, nonce: string): string {
  const encrypt = sealMessage(keys, JSON.stringify(answer));
  const timestamp = Math.floor(nowSeconds);
  const msgsignature = signCiphertext(keys.token, String(timestamp), nonce, encrypt);
  return JSON.stringify({ encrypt, msgsignature, timestamp, nonce });
}
