/** Servers that answer as hostile ones do, byte by byte, on addresses of this machine alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { parseEgressAllow } from '../../src/egress/allow.ts';
import { createDownloader, type Downloader, type DownloaderOptions } from '../../src/egress/download.ts';
import { CallError, describeError } from '../../src/errors.ts';
import { until } from '../support/until.ts';

export interface TestServer {
  port: number;
  /** The heads of the requests, as they came. */
  requests: string[];
  /** How many connections are open. */
  open(): number;
  /** How many connections were made. */
  made(): number;
}

/** Answers each connection's request by what `answer` writes; a string is written and the connection ended. */
export async function serve(
  context: TestContext,
  answer: (socket: Socket, path: string) => string | undefined,
  options: { host?: string; tls?: { key: string; cert: string } } = {},
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let made = 0;
  const take = (socket: Socket) => {
    made++;
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    let head = '';
    socket.on('data', (data) => {
      const isNew = !head.includes('\r\n\r\n');
      head += data.toString('latin1');
      if (!isNew || !head.includes('\r\n\r\n')) return;
      requests.push(head);
      const text = answer(socket, head.split(' ')[1]!);
      if (text !== undefined) socket.end(text, 'latin1');
    });
  };
  const server = options.tls ? createTlsServer(options.tls, take) : createServer(take);
  await once(server.listen(0, options.host ?? '127.0.0.1'), 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    open: () => sockets.size,
    made: () => made,
  };
}

export const ok = (body: string, headers = ''): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}`;

export const redirect = (location: string, status = 302): string =>
  `HTTP/1.1 ${status} Elsewhere\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`;

/** A downloader with short times, which is closed at the end of the test. */
export function makeDownloader(
  context: TestContext,
  { allow = '127.0.0.1', ...options }: Partial<Omit<DownloaderOptions, 'allow'>> & { allow?: string } = {},
): Downloader {
  const downloader = createDownloader({
    allow: parseEgressAllow(allow),
    maxBytes: 100_000,
    timeoutMs: 20_000,
    minBytesPerSecond: 0,
    ...options,
  });
  context.after(() => downloader.close());
  return downloader;
}

export const signal = (): AbortSignal => new AbortController().signal;

export async function fetchText(downloader: Downloader, url: string): Promise<string> {
  const { bytes } = await downloader.download(url, signal());
  return Buffer.from(bytes).toString('latin1');
}

/**
 * The failure of a download, which must be a CallError with a verdict, and, since it is stored and shown, must say
 * nothing of what the tests call secret: the address behind its host, and what a stranger sent.
 */
export async function failureOf(downloader: Downloader, url: string, given = signal()): Promise<CallError> {
  const outcome = await downloader.download(url, given).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof CallError)) assert.fail(`not a failure of a call but ${describeError(outcome)}`);
  assert.ok(outcome.verdict !== undefined);
  assert.doesNotMatch(describeError(outcome), /secret/i);
  return outcome;
}

export async function untilClosed(server: TestServer): Promise<void> {
  await until('the connections are closed', () => server.open() === 0, 5000);
}
