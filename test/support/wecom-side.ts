/** WeCom as a bot in callback mode sees it: it calls with signed ciphertexts, fetches streams, and takes a response_url once. */
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CallbackKeys, openMessage, readAesKey, sealMessage, signCiphertext } from '../../src/wecom/crypto.ts';
import { until } from './until.ts';

/** What a bot answers to a callback: the decrypted frame, where there is one. */
export interface Answered {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
  frame: any;
}

/** Where a user talks to the bot. */
export interface From {
  userid: string;
  /** Of a group. */
  chatid?: string;
}

export interface WecomSide {
  /** What the bot is created with. */
  token: string;
  encodingAesKey: string;
  /** Where the next callback goes. */
  url(): string;
  /** Calls the bot with this body, signed as of so many seconds ago. */
  callBack(body: object, ageSeconds?: number): Promise<Answered>;
  /** Says something as a user. */
  say(from: From, content: string, more?: object): Promise<Answered>;
  /** Asks for a stream once. */
  poll(from: From, streamId: string): Promise<Answered>;
  /** Says something, and fetches the stream until it is finished. */
  ask(from: From, content: string, more?: object): Promise<string>;
}

export function createWecomSide(urlOf: () => string, keys = makeKeys()): WecomSide {
  const { token, encodingAesKey, receiveId = '' } = keys;
  const cipher: CallbackKeys = { token, aesKey: readAesKey(encodingAesKey), receiveId };

  async function callBack(body: object, ageSeconds = 0): Promise<Answered> {
    const encrypt = sealMessage(cipher, JSON.stringify(body));
    const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
    const nonce = String(randomInt(2 ** 32));
    const query = new URLSearchParams({
      ...{ timestamp, nonce },
      msg_signature: signCiphertext(token, timestamp, nonce, encrypt),
    });
    const response = await fetch(`${urlOf()}?${query}`, { method: 'POST', body: JSON.stringify({ encrypt }) });
    const text = await response.text();
    const { status } = response;
    return { status, text, frame: status === 200 && text !== '' ? open(text, nonce) : undefined };
  }

  /** Checks all of an answer's envelope. */
  function open(text: string, sentNonce: string): unknown {
    const { encrypt, msgsignature, timestamp, nonce } = JSON.parse(text);
    if (nonce !== sentNonce || typeof timestamp !== 'number') throw new Error('the envelope is wrong');
    if (signCiphertext(token, String(timestamp), nonce, encrypt) !== msgsignature) throw new Error('wrong signature');
    return JSON.parse(openMessage(cipher, encrypt));
  }

  const fromOf = ({ userid, chatid }: From) => ({
    ...{ aibotid: 'AIBOT', from: { userid }, chattype: chatid === undefined ? 'single' : 'group' },
    ...(chatid !== undefined && { chatid }),
  });
  const msgid = () => randomBytes(12).toString('base64');
  const say: WecomSide['say'] = (from, content, more) =>
    callBack({ msgid: msgid(), ...fromOf(from), msgtype: 'text', text: { content }, ...more });
  const poll: WecomSide['poll'] = (from, id) =>
    callBack({ msgid: msgid(), ...fromOf(from), msgtype: 'stream', stream: { id } });
  return {
    ...{ token, encodingAesKey, url: urlOf, callBack, say, poll },
    async ask(from, content, more) {
      let { frame } = await say(from, content, more);
      const { id } = frame.stream;
      await until('the stream is finished', async () => {
        if (!frame.stream.finish) ({ frame } = await poll(from, id));
        return frame.stream.finish;
      });
      return frame.stream.content;
    },
  };
}

function makeKeys(): { token: string; encodingAesKey: string; receiveId?: string } {
  return { token: randomBytes(9).toString('hex'), encodingAesKey: randomBytes(32).toString('base64').slice(0, 43) };
}

/** Where response_urls lead to. */
export interface ResponseUrls {
  host: string;
  /** A new address. */
  make(): string;
  /** What was taken by which address, /hang-up left out, which says nothing; a second call of one is refused, and told here. */
  taken: { url: string; body: { msgtype: string; markdown: { content: string } } }[];
  refused: string[];
  /** What the next calls are answered with; 0 unless set. */
  errcode: number;
  close(): Promise<void>;
}

export async function startResponseUrls(): Promise<ResponseUrls> {
  const known = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/hang-up') return void request.socket.destroy();
      const url = `http://${urls.host}${request.url}`;
      const isFirst = known.delete(url);
      const errcode = isFirst ? urls.errcode : 40_058;
      if (errcode === 0) urls.taken.push({ url, body: JSON.parse(Buffer.concat(chunks).toString()) });
      else urls.refused.push(url);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ errcode, errmsg: errcode === 0 ? 'ok' : 'refused' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urls: ResponseUrls = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    make() {
      const url = `http://${urls.host}/cgi-bin/aibot/response?response_code=${randomBytes(6).toString('hex')}`;
      known.add(url);
      return url;
    },
    ...{ taken: [], refused: [], errcode: 0 },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return urls;
}
