/** Where an account's files lie: object storage as a test wants it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileHost {
  url: string;
  /** What is served at each path: bytes or a text, an HTTP status, or what the test does itself. */
  files: Map<string, Uint8Array | string | number | ((request: IncomingMessage, response: ServerResponse) => void)>;
  /** The paths that were asked for, in order. */
  asked: string[];
  close(): Promise<void>;
}

export async function startFileHost(): Promise<FileHost> {
  const files: FileHost['files'] = new Map();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    asked.push(path);
    const file = files.get(path) ?? 404;
    if (typeof file === 'function') file(request, response);
    else if (typeof file === 'number') response.writeHead(file).end();
    else response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Holds each request to a path back until it is released. */
export function holdBack(host: FileHost, path: string, bytes: Uint8Array | string) {
  const waiting: ServerResponse[] = [];
  let isReleased = false;
  const answer = (_: unknown, response: ServerResponse) => {
    if (isReleased) response.end(bytes);
    else waiting.push(response);
  };
  host.files.set(path, answer);
  return {
    isAsked: () => waiting.length > 0,
    /** Breaks off those that wait; the next ones are held back again. */
    breakOff() {
      for (const response of waiting.splice(0)) response.destroy();
    },
    release() {
      isReleased = true;
      for (const response of waiting) response.end(bytes);
    },
  };
}
