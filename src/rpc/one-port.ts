/**
 * HTTP/1.1 and cleartext HTTP/2 (prior knowledge) on one port. The first bytes of a connection tell which it is: no
 * HTTP/1.1 request starts with the preface of HTTP/2. The http.Server owns the listener and only its `connection`
 * listener is replaced: behind a net.Server its time-outs and closeIdleConnections() would do nothing.
 */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import type { Duplex } from 'node:stream';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEADER_BYTES = 16 * 1024;

export type OnePortRequest = http.IncomingMessage | http2.Http2ServerRequest;
export type OnePortResponse = http.ServerResponse | http2.Http2ServerResponse;

export interface OnePortOptions {
  host: string;
  port: number; // 0: a free one
  /** Serves a request. If it throws, the answer is 400 where the authority (Host) is no host, else 500. */
  onRequest(req: OnePortRequest, res: OnePortResponse): void;
  /** Takes over HTTP/1.1 connections that ask for a WebSocket at its path. Default: they are requests like others. */
  onWebSocket?: {
    path: string;
    take(req: http.IncomingMessage, socket: Duplex, head: Buffer): void;
  };
  /** How long a new connection may take to show its protocol. */
  sniffTimeoutMs: number;
  /** How long the header of an HTTP/1.1 request, or the first SETTINGS of an HTTP/2 client, may take after that. */
  headersTimeoutMs: number;
  /**
   * How long a request may take to arrive with its body, ≥ `headersTimeoutMs`; with HTTP/2 from its headers on. It is
   * refused with 408 then, or cut off where the answer has begun. How long the answer takes is not limited.
   */
  requestTimeoutMs: number;
  /** An HTTP/2 session is closed when no stream is open and nothing was received for so long. Default: 5 minutes. */
  sessionIdleMs?: number;
  /** Connections beyond it are dropped. Default: no limit. */
  maxConnections?: number;
  /** Learns what `onRequest` threw, and why a connection could not be accepted. */
  onError?(error: unknown): void;
}

/** What is listened on: the address, and the port that the system gave. */
export interface OnePort {
  host: string;
  port: number;
  /**
   * Stops accepting, asks clients to leave (GOAWAY, `Connection: close`) and lets the requests in flight finish. What
   * is left after `graceMs` is destroyed. Never rejects. A second call returns the promise of the first.
   */
  close(graceMs: number): Promise<void>;
}

/** Rejects with the system's error if it can't listen (EADDRINUSE, …). */
export async function listenOnePort(options: OnePortOptions): Promise<OnePort> {
  const leave = new Map<net.Socket, () => unknown>(); // of every connection: what asks its client to leave
  let closed: Promise<void> | undefined;
  const h1 = http.createServer({
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(Math.max(options.headersTimeoutMs / 4, 50), 5_000),
    keepAliveTimeout: 65_000, // longer than a proxy's usual 60 s, else it may send into a closing connection
    maxHeaderSize: HEADER_BYTES,
    keepAlive: true, // of TCP: the system finds out about a peer that vanished
    keepAliveInitialDelay: 30_000,
    shouldUpgradeCallback: (req) => asksForWebSocket(options, req), // what else asks (h2c) is answered as it is
  });
  h1.on('upgrade', (req, socket, head) => {
    leave.set(req.socket, () => undefined); // whoever took it ends it
    options.onWebSocket?.take(req, socket, head);
  });
  h1.maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY;
  h1.on('request', (req, res) => {
    const sayClose = () => res.headersSent || res.setHeader('connection', 'close');
    leave.set(req.socket, sayClose); // of pipelined requests the last: no answer follows one that says `close`
    if (closed !== undefined) sayClose();
    serve(options, req, res);
  });
  const settings = { maxConcurrentStreams: 256, maxHeaderListSize: HEADER_BYTES };
  const h2 = http2.createServer({ settings, maxSessionMemory: 16 /* MB */ });
  h2.on('request', (req, res) => {
    limitBody(req.stream, options.requestTimeoutMs);
    serve(options, req, res);
  });
  const [onHttp1] = h1.listeners('connection') as [(socket: net.Socket) => void];
  h1.removeListener('connection', onHttp1);
  h1.on('connection', (socket) => {
    leave.set(socket, () => socket.destroy());
    socket.once('close', () => leave.delete(socket));
    sniff(socket, options.sniffTimeoutMs, (isHttp2) => {
      leave.set(socket, () => undefined); // HTTP/1.1 without a request: idle, or about to have one
      if (!isHttp2) return onHttp1.call(h1, socket);
      h2.once('session', (session) => {
        leave.set(socket, () => session.close());
        limitIdleness(session, options);
      });
      socket.allowHalfOpen = false; // http.Server sets it: a session would outlive a client that ended its side
      h2.emit('connection', socket);
    });
  });
  async function close(graceMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => h1.close(() => resolve()));
    for (const ask of leave.values()) ask();
    const sweep = setInterval(() => h1.closeIdleConnections(), 100); // h1.close() did so only once
    const force = setTimeout(() => leave.forEach((_, socket) => void socket.destroy()), graceMs);
    await done;
    clearInterval(sweep);
    clearTimeout(force);
  }
  h1.listen(options.port, options.host);
  await once(h1, 'listening');
  h1.on('error', (error) => options.onError?.(error)); // accept failed, as for want of file descriptors
  const { address: host, port } = h1.address() as net.AddressInfo;
  return { host, port, close: (graceMs) => (closed ??= close(graceMs)) };
}

function asksForWebSocket({ onWebSocket }: OnePortOptions, { headers, url }: http.IncomingMessage): boolean {
  return onWebSocket?.path === url?.split('?', 1)[0] && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Reads what tells the protocol, puts it back and says it; drops a connection that shows none in time. */
function sniff(socket: net.Socket, timeoutMs: number, decided: (isHttp2: boolean) => void): void {
  let head: Buffer = Buffer.alloc(0);
  const drop = () => void socket.destroy();
  const stop = () => {
    clearTimeout(timer);
    socket.off('readable', read).off('error', drop).off('end', drop).off('close', stop);
  };
  const read = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    head = Buffer.concat([head, chunk]);
    const isHttp2 = PREFACE.subarray(0, head.length).equals(head.subarray(0, PREFACE.length));
    if (isHttp2 && head.length < PREFACE.length) return;
    stop();
    socket.unshift(head);
    decided(isHttp2);
  };
  const timer = setTimeout(drop, timeoutMs);
  socket.on('readable', read).on('error', drop).on('end', drop).on('close', stop);
}

/** node:http2 has no time-outs of its own. Only whole frames count as activity. */
function limitIdleness(session: http2.ServerHttp2Session, options: OnePortOptions): void {
  let streams = 0;
  session.on('stream', (stream) => {
    streams++;
    stream.once('close', () => streams--);
  });
  session.setTimeout(options.headersTimeoutMs);
  session.once('remoteSettings', () => session.setTimeout(options.sessionIdleMs ?? 300_000));
  session.on('timeout', () => {
    if (streams === 0) session.destroy(); // sends GOAWAY first
  });
}

/** Only the client's end of the stream counts: whether the handler has read all of it is no matter of the client's. */
function limitBody(stream: http2.ServerHttp2Stream, timeoutMs: number): void {
  if (stream.endAfterHeaders) return;
  const timer = setTimeout(() => {
    if (stream.destroyed || stream.state.remoteClose === 1) return;
    if (!stream.headersSent) stream.respond({ ':status': 408 }, { endStream: true });
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }, timeoutMs);
  stream.once('close', () => clearTimeout(timer));
}

/** connectNodeAdapter throws for an authority that makes no URL, which would end the process. */
function serve({ onRequest, onError }: OnePortOptions, req: OnePortRequest, res: OnePortResponse): void {
  try {
    onRequest(req, res);
  } catch (error) {
    const authority = 'authority' in req ? req.authority : req.headers.host;
    const isHost = URL.canParse(`http://${authority ?? ''}`);
    if (isHost) onError?.(error);
    if (res.headersSent) return void res.destroy();
    res.statusCode = isHost ? 500 : 400;
    res.end();
  }
}
