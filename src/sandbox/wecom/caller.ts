import { randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import { type CallbackKeys, openMessage, readAesKey, sealMessage, signCiphertext } from '../../wecom/crypto.ts';

const frameSchema = z.object({
  msgtype: z.string().optional(),
  stream: z.object({ id: z.string(), finish: z.boolean(), content: z.string().default('') }).optional(),
  text: z.object({ content: z.string() }).optional(),
  template_card: z.record(z.string(), z.unknown()).optional(),
});

/** What a bot answers to a callback, decrypted. */
export type Frame = z.infer<typeof frameSchema>;

/** Where a user talks to the bot. */
export interface Place {
  userid: string;
  /** Of a group. */
  chatid: string | undefined;
}

/** The bot did not answer as bots do. */
export class BadAnswer extends Error {}

/** WeCom as it calls a bot: with signed ciphertexts, whose answers it checks as strictly. */
export interface Caller {
  /** Calls with what happened at a place; undefined: the bot has nothing to say. Throws a BadAnswer. */
  call(place: Place, event: object): Promise<Frame | undefined>;
}

const maxAnswerMs = 10_000;

export function createCaller(url: string, keys: { token: string; encodingAesKey: string }): Caller {
  const { token } = keys;
  const cipher: CallbackKeys = { token, aesKey: readAesKey(keys.encodingAesKey), receiveId: '' };
  return {
    async call({ userid, chatid }, event) {
      const chat = chatid === undefined ? { chattype: 'single' } : { chattype: 'group', chatid };
      const msgid = randomBytes(12).toString('base64');
      const encrypt = sealMessage(
        cipher,
        JSON.stringify({ msgid, aibotid: 'SANDBOX', from: { userid }, ...chat, ...event }),
      );
      const timestamp = String(Math.floor(Date.now() / 1000));
      const nonce = String(randomInt(2 ** 32));
      const signature = signCiphertext(token, timestamp, nonce, encrypt);
      const query = new URLSearchParams({ msg_signature: signature, timestamp, nonce });
      const response = await fetch(`${url}?${query}`, {
        ...{ method: 'POST', body: JSON.stringify({ encrypt }), headers: { 'content-type': 'application/json' } },
        signal: AbortSignal.timeout(maxAnswerMs),
      });
      const body = await response.text();
      if (response.status !== 200)
        throw new BadAnswer(`the bot answers HTTP ${response.status}: ${body.slice(0, 200)}`);
      return body === '' ? undefined : open(cipher, body, nonce);
    },
  };
}

const envelopeSchema = z.object({
  encrypt: z.string(),
  msgsignature: z.string(),
  timestamp: z.number(),
  nonce: z.string(),
});

function open(cipher: CallbackKeys, body: string, sentNonce: string): Frame {
  try {
    const { encrypt, msgsignature, timestamp, nonce } = envelopeSchema.parse(JSON.parse(body));
    const expected = signCiphertext(cipher.token, String(timestamp), nonce, encrypt);
    if (nonce !== sentNonce || msgsignature !== expected) throw new Error('its signature is wrong');
    return frameSchema.parse(JSON.parse(openMessage(cipher, encrypt)));
  } catch (error) {
    throw new BadAnswer(`what the bot answers can't be read: ${error instanceof Error ? error.message : error}`);
  }
}
