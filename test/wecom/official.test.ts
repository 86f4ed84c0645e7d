/** Our encoding against that of WeCom's own packages: what one has made the other reads. */
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { decryptFile, WecomCrypto } from '@wecom/aibot-node-sdk';
import { decrypt, encrypt, getSignature } from '@wecom/crypto';
import fc from 'fast-check';
import { isSigned, openMedia, openMessage, readAesKey, sealMessage, signCiphertext } from '../../src/wecom/crypto.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import type { Bot } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`TEST_SEED=${seed}`);
const chances = { seed, numRuns: 300 };

const keys = fc.record({
  token: fc.string({ minLength: 1, maxLength: 32, unit: fc.constantFrom(...'abcXYZ0189') }),
  encodingAesKey: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toEncoding(Buffer.from(bytes))),
  receiveId: fc.constantFrom('', 'wwT1', 'ww0123456789abcdef'),
});
const words = fc.string({ unit: 'grapheme', maxLength: 400 });
const decimal = fc.integer({ min: 1 }).map(String);

/** As the console shows it: 43 characters, without the last `=`. */
function toEncoding(key: Buffer): string {
  return key.toString('base64').slice(0, 43);
}

test('@wecom/crypto reads and signs what we seal, and we what it seals', () => {
  fc.assert(
    fc.property(keys, words, decimal, decimal, ({ token, encodingAesKey, receiveId }, message, timestamp, nonce) => {
      const own = { token, aesKey: readAesKey(encodingAesKey), receiveId };
      const sealed = sealMessage(own, message);
      const opened = decrypt(encodingAesKey, sealed);
      assert.deepEqual([opened.message, opened.id], [message, receiveId]);
      assert.equal(openMessage(own, encrypt(encodingAesKey, message, receiveId)), message);
      const signature = getSignature(token, timestamp, nonce, sealed);
      assert.equal(signCiphertext(token, timestamp, nonce, sealed), signature);
      assert.ok(isSigned(own, { signature, timestamp, nonce, encrypt: sealed }));
    }),
    chances,
  );
});

test("the bot SDK's crypto reads and verifies what we seal, and we what it seals", () => {
  fc.assert(
    fc.property(keys, words, decimal, decimal, ({ token, encodingAesKey, receiveId }, message, timestamp, nonce) => {
      const own = { token, aesKey: readAesKey(encodingAesKey), receiveId };
      const theirs = new WecomCrypto(token, encodingAesKey, receiveId);
      const sealed = sealMessage(own, message);
      assert.equal(theirs.decrypt(sealed), message);
      assert.ok(theirs.verifySignature(signCiphertext(token, timestamp, nonce, sealed), timestamp, nonce, sealed));
      const made = theirs.encrypt(message, timestamp, nonce);
      assert.equal(openMessage(own, made.encrypt), message);
      assert.ok(isSigned(own, { signature: made.signature, timestamp, nonce, encrypt: made.encrypt }));
    }),
    chances,
  );
});

test('a media file is read by both alike', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
      const key = randomBytes(32);
      const pad = 32 - (bytes.length % 32);
      const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
      const sealed = Buffer.concat([cipher.update(bytes), cipher.update(Buffer.alloc(pad, pad)), cipher.final()]);
      assert.deepEqual(openMedia(key, sealed), Buffer.from(bytes));
      assert.deepEqual(decryptFile(sealed, key.toString('base64')), Buffer.from(bytes));
    }),
    chances,
  );
});

describe('a bot whose callbacks the SDK has made', () => {
  let service: Service;
  let bots: EchoBots;
  let bot: Bot;
  before(async () => {
    service = await startService({ articles: [article('a1', '本馆的成人票是 168 元。')] });
    bots = await startEchoBots(() => service.app.url, 'wx_official');
    bot = await bots.makeBot(() => service.app.publicUrl);
  });
  after(async () => {
    await service?.stop();
    await bots?.close();
  });

  test('is verified, asked and fetched from with it alone', { timeout: 120_000 }, async () => {
    const { token, encodingAesKey } = bot.wecom;
    const sdk = new WecomCrypto(token, encodingAesKey, '');
    const timestamp = String(Math.floor(Date.now() / 1000));
    const sign = (text: string) => {
      const nonce = randomBytes(4).readUInt32BE().toString();
      const made = sdk.encrypt(text, timestamp, nonce);
      return { ...made, query: new URLSearchParams({ msg_signature: made.signature, timestamp, nonce }), nonce };
    };
    const echoed = sign('1616140317555161061');
    echoed.query.set('echostr', echoed.encrypt);
    assert.equal(await (await fetch(`${bot.wecom.url()}?${echoed.query}`)).text(), '1616140317555161061');

    const call = async (body: object) => {
      const { query, encrypt, nonce } = sign(JSON.stringify(body));
      const response = await fetch(`${bot.wecom.url()}?${query}`, {
        method: 'POST',
        body: JSON.stringify({ encrypt }),
      });
      const answer = (await response.json()) as {
        encrypt: string;
        msgsignature: string;
        timestamp: number;
        nonce: string;
      };
      assert.equal(answer.nonce, nonce);
      assert.ok(sdk.verifySignature(answer.msgsignature, String(answer.timestamp), nonce, answer.encrypt));
      return JSON.parse(sdk.decrypt(answer.encrypt));
    };
    const common = { msgid: 'm1', aibotid: 'AIBOT', chattype: 'single', from: { userid: 'lisi' } };
    let { stream } = await call({ ...common, msgtype: 'text', text: { content: '多少钱？' } });
    const { id } = stream;
    await until('it is finished', async () => {
      ({ stream } = await call({
        ...common,
        msgid: randomBytes(6).toString('hex'),
        msgtype: 'stream',
        stream: { id },
      }));
      return stream.finish;
    });
    assert.equal(stream.content, echo('多少钱？'));
  });
});
