import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { CallError } from '../errors.ts';
import { type Body, createBody, watchRate } from './body.ts';
import { codeOf, mishap, refusal, TooSlow } from './errors.ts';

/** What an answer may cost. */
export interface Limits {
  maxBytes: number;
  minBytesPerSecond: number;
  /** The rate is judged over windows of this length, from the end of the headers on. */
  windowMs: number;
  /** From the request to the end of the headers. */
  answerTimeoutMs: number;
}

/** The body is there only when the status is 200; that of any other is not read. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Uint8Array<ArrayBuffer>;
}

const maxHeaderBytes = 16 * 1024;

const requestHeaders = { 'user-agent': 'wxmp-assistant', accept: '*/*', 'accept-encoding': 'identity' };

/** Sends one GET over a connection made for it, which is closed afterwards whatever comes. Throws a CallError. */
export async function exchange(socket: Socket, url: URL, limits: Limits, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const client = createClient(socket, url);
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const slowAnswer = () => reject(new TooSlow(`${url.host} began no answer within ${limits.answerTimeoutMs} ms`));
  const answerTimer = setTimeout(slowAnswer, limits.answerTimeoutMs);
  let endWatch = () => {};
  let start: { headers: IncomingHttpHeaders; body: Body } | undefined;
  try {
    signal.throwIfAborted();
    client.dispatch(
      { method: 'GET', path: url.pathname + url.search, headers: requestHeaders, reset: true },
      {
        onRequestStart: () => {}, // undici knows by it that these are handlers of the new kind
        onResponseStart(_controller, status, headers) {
          if (status < 200) return;
          clearTimeout(answerTimer);
          if (status !== 200) return resolve({ status, headers, bytes: new Uint8Array() });
          const refused = checkHeaders(headers, url, limits.maxBytes);
          if (refused) return reject(refused);
          const body = createBody(limits.maxBytes);
          start = { headers, body };
          endWatch = watchRate(
            () => body.length,
            limits,
            () => reject(tooSlowRate(url, limits)),
          );
        },
        onResponseData(_controller, chunk) {
          if (start === undefined || start.body.add(chunk)) return;
          start = undefined;
          reject(tooLarge(url, limits.maxBytes));
        },
        onResponseEnd() {
          if (start) resolve({ status: 200, headers: start.headers, bytes: start.body.take() });
        },
        onResponseError: (_controller, error) => reject(describe(error, url)),
      },
    );
    return await promise;
  } finally {
    await client.destroy();
    socket.destroy();
    clearTimeout(answerTimer);
    endWatch();
    signal.removeEventListener('abort', stop);
  }
}

/** A client of this one connection: another would be one that nobody has checked. */
function createClient(socket: Socket, url: URL): Client {
  let isTaken = false;
  return new Client(url.origin, {
    connect: (_options, callback) =>
      queueMicrotask(() => {
        // undici does not notice a callback that comes at once
        const isUsable = !isTaken && !socket.destroyed;
        isTaken = true;
        if (isUsable) callback(null, socket);
        else callback(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), null);
      }),
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: 0, // the times are kept here
    bodyTimeout: 0,
  });
}

function checkHeaders(headers: IncomingHttpHeaders, url: URL, maxBytes: number): CallError | undefined {
  const encoding = readHeader(headers, 'content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    // What is unpacked has no bound; and nobody was asked to pack it.
    return refusal(`${url.host} sends the body in a content-encoding, although none was asked for`);
  }
  const transfer = readHeader(headers, 'transfer-encoding').toLowerCase();
  if (transfer !== '' && transfer !== 'chunked') {
    return refusal(`${url.host} sends the body in a transfer-encoding that is not chunked`);
  }
  return Number(readHeader(headers, 'content-length')) > maxBytes ? tooLarge(url, maxBytes) : undefined;
}

/** A header's value, or ''. One that comes several times is a list, whatever the types of Node say. */
export function readHeader(headers: IncomingHttpHeaders, name: string): string {
  return [headers[name] ?? ''].flat().join(', ').trim();
}

const tooLarge = (url: URL, maxBytes: number) => refusal(`the file from ${url.host} is larger than ${maxBytes} bytes`);

const tooSlowRate = (url: URL, { minBytesPerSecond, windowMs }: Limits) =>
  new TooSlow(`${url.host} sends less than ${minBytesPerSecond} bytes per second over ${windowMs} ms`);

function describe(error: Error, url: URL): CallError {
  const code = codeOf(error);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return refusal(`the headers from ${url.host} are larger than ${maxHeaderBytes} bytes`);
  }
  return mishap(`${url.host} broke off its answer: ${code}`);
}
