import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import {
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from '../../gen/grpc/health/v1/health_pb.ts';
import { createHealth } from '../../src/rpc/health.ts';
import {
  listenOnePort,
  type OnePortOptions,
  type OnePortRequest,
  type OnePortResponse,
} from '../../src/rpc/one-port.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const LONG = { timeout: 10_000 }; // far below the 60 s of every limit that a test isn't about

const echo = (req: OnePortRequest, res: OnePortResponse) => {
  res.statusCode = 200;
  res.end(`${req.httpVersion} ${req.url}\n`);
};

const health = (status: 'SERVING' | 'NOT_SERVING' = 'SERVING') => {
  const { set, routes } = createHealth([]);
  set(status);
  return connectNodeAdapter({ routes });
};

async function listen(t: TestContext, onRequest: OnePortOptions['onRequest'], given: Partial<OnePortOptions> = {}) {
  const onePort = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    onRequest,
    sniffTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    ...given,
  });
  t.after(() => onePort.close(0));
  return onePort;
}

/** A plain connection. `received` resolves with all that the server sent, once the server has closed its side. */
function connect(t: TestContext, port: number, allowHalfOpen = false) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen });
  t.after(() => socket.destroy());
  const received = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('end', () => resolve(text)).on('error', () => resolve(text));
  });
  return { socket, received };
}

function connectHttp2(t: TestContext, port: number) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {}); // a destroyed connection; the requests on it fail too
  t.after(() => session.destroy());
  return session;
}

async function get(session: http2.ClientHttp2Session, path: string, headers: http2.OutgoingHttpHeaders = {}) {
  const stream = session.request({ ':path': path, ...headers });
  const first = Promise.race([once(stream, 'response'), once(stream, 'close')]);
  const [answer] = (await first) as [http2.IncomingHttpHeaders?];
  if (answer === undefined) throw new Error('closed without an answer');
  return { status: answer[':status'], text: Buffer.concat(await stream.toArray()).toString() };
}

/** Writes each part when the server has read the one before it. */
async function writeParts(socket: net.Socket, parts: readonly Buffer[]): Promise<void> {
  const accepted = new Promise<net.Socket>((resolve) => {
    const onSocket = (message: unknown) => {
      diagnostics.unsubscribe('net.server.socket', onSocket);
      resolve((message as { socket: net.Socket }).socket);
    };
    diagnostics.subscribe('net.server.socket', onSocket);
  });
  const peer = await accepted;
  let written = 0;
  for (const part of parts) {
    socket.write(part);
    written += part.length;
    while (peer.bytesRead < written && !peer.destroyed) await setImmediate();
  }
}

/** A handler that answers when told to. */
function createSlow() {
  const waiting: OnePortResponse[] = [];
  const waiters: (() => void)[] = [];
  return {
    onRequest(_: OnePortRequest, res: OnePortResponse) {
      waiting.push(res);
      for (const waiter of waiters) waiter();
    },
    async entered(count: number) {
      while (waiting.length < count) await new Promise<void>((resolve) => waiters.push(resolve));
    },
    release() {
      for (const res of waiting) res.end('done');
    },
  };
}

function check(t: TestContext, port: number): Promise<HealthCheckResponse | undefined> {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      () => Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema))),
      (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
      {},
      (error, response) => (error ? reject(error) : resolve(response)),
    ),
  );
}

test('an HTTP/1.1 request that comes byte by byte is answered', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port);
  const request = Buffer.from('PUT /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  await writeParts(
    socket,
    [...request].map((byte) => Buffer.of(byte)),
  );
  assert.match(await received, /^HTTP\/1\.1 200 .*1\.1 \/slow/s);
});

test('pipelined HTTP/1.1 requests are answered in order', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port);
  const requests = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.write(`${requests.join('')}GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  assert.deepEqual((await received).match(/1\.1 \/\d/g), ['1.1 /1', '1.1 /2', '1.1 /3', '1.1 /4']);
});

test('an HTTP/1.1 client that ends its side after the request gets the answer', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port, true);
  socket.end('GET /only HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(await received, /1\.1 \/only/);
});

for (const garbage of ['\x16\x03\x01\x02\x00\x01\x00', 'PRIX', 'PRI * HTTP/2.0\r\n\r\nSX', '\r\n\0\0\0\0', '\0']) {
  test(`${JSON.stringify(garbage)} is answered with 400 and the connection is closed`, LONG, async (t) => {
    const { port } = await listen(t, echo);
    const { socket, received } = connect(t, port);
    socket.write(garbage, 'latin1');
    assert.match(await received, /^HTTP\/1\.1 400 /);
  });
}

test('a preface of HTTP/2 in three writes opens a session', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket } = connect(t, port);
  const preface = Buffer.from(PREFACE);
  const answered = once(socket, 'data') as Promise<[Buffer]>;
  await writeParts(socket, [preface.subarray(0, 2), preface.subarray(2, 23), preface.subarray(23)]);
  socket.write(EMPTY_SETTINGS);
  const [frame] = await answered;
  assert.equal(frame[3], 4, 'the type of the first frame is SETTINGS');
});

test('HTTP/2 serves many requests on one session, next to HTTP/1.1', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const session = connectHttp2(t, port);
  const answers = await Promise.all(['/a', '/b', '/c'].map((path) => get(session, path)));
  assert.deepEqual(
    answers.map(({ text }) => text),
    ['2.0 /a\n', '2.0 /b\n', '2.0 /c\n'],
  );
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/d`)).text(), '1.1 /d\n');
});

test('a session allows 256 streams, and neither protocol takes 16 KiB of headers', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const session = connectHttp2(t, port);
  const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings];
  assert.equal(settings.maxConcurrentStreams, 256);
  const large = { 'x-large': 'a'.repeat(16 * 1024) };
  await assert.rejects(get(session, '/', large), { code: 'ERR_HTTP2_STREAM_ERROR' });
  assert.equal((await fetch(`http://127.0.0.1:${port}/`, { headers: large })).status, 431);
});

test('gRPC over HTTP/2 and Connect over HTTP/1.1 reach the same service', LONG, async (t) => {
  const { port } = await listen(t, health());
  assert.equal((await check(t, port))?.status, HealthCheckResponse_ServingStatus.SERVING);
  const response = await fetch(`http://127.0.0.1:${port}/grpc.health.v1.Health/Check`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.deepEqual(await response.json(), { status: 'SERVING' });
});

test('Upgrade: h2c is answered as ordinary HTTP/1.1', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port);
  socket.write('GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n');
  socket.write('HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n');
  assert.match(await received, /^HTTP\/1\.1 200 .*1\.1 \/up/s);
});

test('an HTTP/1.1 connection is used again', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const reused: boolean[] = [];
  for (const path of ['/1', '/2', '/3']) {
    const request = http.get({ host: '127.0.0.1', port, path, agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    await response.toArray();
    reused.push(request.reusedSocket);
  }
  assert.deepEqual(reused, [false, true, true]);
});

const timeouts = { sniffTimeoutMs: 150, headersTimeoutMs: 150, requestTimeoutMs: 300 };
const silences: [name: string, written: string, answer: RegExp][] = [
  ['sends nothing', '', /^$/],
  ['stops within the preface of HTTP/2', PREFACE.slice(0, 20), /^$/],
  ['asks in HTTP/1.1 by the method of that preface', 'PRI / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 4/],
  ['sends the preface of HTTP/2 and no SETTINGS', PREFACE, /^\0\0.\x04/],
  ['stops within the header of a request', 'GET / HTTP/1.1\r\nHost: a\r\n', /^HTTP\/1\.1 408 /],
  ['stops within the body of a request', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', /^HTTP\/1\.1 408 /],
];
for (const [name, written, answer] of silences) {
  test(`a client that ${name} is dropped in time`, LONG, async (t) => {
    const { port } = await listen(t, (req) => req.resume(), timeouts);
    const { socket, received } = connect(t, port);
    socket.write(written, 'latin1');
    assert.match(await received, answer);
  });
}

test('a client that ends its side before it has shown a protocol is dropped at once', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port, true);
  socket.end('PR');
  assert.equal(await received, '');
});

for (const [name, more] of [
  ['and then nothing', () => undefined],
  ['and then a byte at a time', (stream: http2.ClientHttp2Stream) => setInterval(() => stream.write('a'), 20)],
] as const) {
  test(`an HTTP/2 request that sends half of its body ${name} is refused in time, and no other`, LONG, async (t) => {
    const closed = Promise.withResolvers<void>();
    const onRequest = (req: OnePortRequest, res: OnePortResponse) => {
      if (req.url !== '/half') return echo(req, res);
      req.on('error', () => {}).resume();
      res.once('close', closed.resolve);
    };
    const { port } = await listen(t, onRequest, timeouts);
    const session = connectHttp2(t, port);
    const stream = session.request({ ':method': 'POST', ':path': '/half' }, { endStream: false });
    stream.on('error', () => {}).write('half');
    const timer = more(stream);
    t.after(() => clearInterval(timer));
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(headers[':status'], 408);
    await closed.promise; // by this its handler knows that the call is over
    assert.equal((await get(session, '/other')).status, 200);
  });
}

test('an HTTP/2 request whose body goes on after its answer has begun is cut off in time', LONG, async (t) => {
  const { port } = await listen(t, (req, res) => void (req as http2.Http2ServerRequest).pipe(res as never), timeouts);
  const stream = connectHttp2(t, port).request({ ':method': 'POST' }, { endStream: false });
  const cut = once(stream, 'aborted');
  stream.on('error', () => {}).write('a');
  assert.equal(String((await once(stream, 'data'))[0]), 'a');
  await Promise.race([cut, once(stream, 'close')]);
  assert.equal(stream.rstCode, http2.constants.NGHTTP2_CANCEL);
});

test('an HTTP/2 answer may take longer than a request may, also where the handler reads no body', LONG, async (t) => {
  const slow = createSlow();
  const { port } = await listen(t, slow.onRequest, timeouts);
  const session = connectHttp2(t, port);
  const streams = ['', 'a body', 'a'.repeat(30_000)].map((body) => {
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.end(body);
    return stream.setEncoding('utf8');
  });
  await slow.entered(3);
  const stalled = session.request({ ':method': 'POST' }, { endStream: false });
  await once(stalled, 'response'); // the limit is over for all
  slow.release();
  for (const stream of streams) assert.deepEqual(await stream.toArray(), ['done']);
});

test('an HTTP/2 session is closed when it is idle for long, but not while a stream is open', LONG, async (t) => {
  const slow = createSlow();
  const { port } = await listen(t, slow.onRequest, { sessionIdleMs: 150 });
  const idle = connectHttp2(t, port);
  const busy = connectHttp2(t, port);
  const answer = get(busy, '/');
  await slow.entered(1);
  const [code] = await once(idle, 'goaway');
  assert.equal(code, http2.constants.NGHTTP2_NO_ERROR);
  slow.release();
  assert.equal((await answer).text, 'done');
  await once(busy, 'goaway');
});

test('an HTTP/2 client that ends its side gets its session closed', LONG, async (t) => {
  const { port } = await listen(t, echo);
  const { socket, received } = connect(t, port, true);
  socket.write(PREFACE, 'latin1');
  socket.write(EMPTY_SETTINGS);
  await once(socket, 'data');
  socket.end();
  await received;
});

test('a connection too many is dropped', LONG, async (t) => {
  const { port } = await listen(t, echo, { maxConnections: 1 });
  const session = connectHttp2(t, port);
  await once(session, 'remoteSettings');
  assert.equal(await connect(t, port).received, '');
  assert.equal((await get(session, '/')).status, 200);
});

test('a handler that throws costs its request a 500 and nothing else', LONG, async (t) => {
  const errors: unknown[] = [];
  const onRequest = (req: OnePortRequest, res: OnePortResponse) => {
    if (req.url === '/throw') throw new Error('thrown');
    echo(req, res);
  };
  const { port } = await listen(t, onRequest, { onError: (error) => errors.push(error) });
  const session = connectHttp2(t, port);
  assert.equal((await fetch(`http://127.0.0.1:${port}/throw`)).status, 500);
  assert.equal((await get(session, '/throw')).status, 500);
  assert.equal((await get(session, '/')).status, 200);
  assert.deepEqual(errors.map(String), ['Error: thrown', 'Error: thrown']);
});

test('a request without a proper Host costs it a 400 and nothing else', LONG, async (t) => {
  const errors: unknown[] = [];
  const { port } = await listen(t, health(), { onError: (error) => errors.push(error) });
  for (const end of ['HTTP/1.1\r\nHost: [\r\nConnection: close', 'HTTP/1.0']) {
    const { socket, received } = connect(t, port);
    socket.write(`POST /grpc.health.v1.Health/Check ${end}\r\n\r\n`);
    assert.match(await received, /^HTTP\/1\.1 400 /);
  }
  const session = connectHttp2(t, port);
  assert.equal((await get(session, '/grpc.health.v1.Health/Check', { ':authority': '[' })).status, 400);
  assert.deepEqual(errors, []);
  assert.equal((await check(t, port))?.status, HealthCheckResponse_ServingStatus.SERVING);
});

test('a port that is taken is an error', LONG, async (t) => {
  const { port } = await listen(t, echo);
  await assert.rejects(listen(t, echo, { port }), { code: 'EADDRINUSE' });
});

test('close() lets slow calls of both protocols finish, refuses new ones and then resolves', LONG, async (t) => {
  const slow = createSlow();
  const { port, close } = await listen(t, slow.onRequest);
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const request = http.get({ host: '127.0.0.1', port, agent });
  const response = once(request, 'response') as Promise<[http.IncomingMessage]>;
  const { socket, received } = connect(t, port);
  socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  const session = connectHttp2(t, port);
  const answer = get(session, '/');
  await slow.entered(4);
  const closed = close(60_000);
  assert.equal(close(0), closed, 'a second call changes nothing');
  await once(session, 'goaway');
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  slow.release();
  const [message] = await response;
  assert.equal(message.headers.connection, 'close');
  assert.equal((await message.toArray()).join(''), 'done');
  assert.equal((await received).match(/done/g)?.length, 2, 'both pipelined requests are answered');
  assert.deepEqual(await answer, { status: 200, text: 'done' });
  await closed;
});

test(
  'close() lets a request that has begun to arrive finish, and its connection is closed after it',
  LONG,
  async (t) => {
    const { port, close } = await listen(t, echo);
    const { socket, received } = connect(t, port);
    await writeParts(socket, [Buffer.from('GET /late HTTP/1.1\r\n')]);
    const closed = close(60_000);
    socket.write('Host: a\r\n\r\n');
    assert.match(await received, /^HTTP\/1\.1 200 .*connection: close.*1\.1 \/late/is);
    await closed;
  },
);

test('close() does not wait for connections without a call', LONG, async (t) => {
  const { port, close } = await listen(t, echo);
  const silent = connect(t, port);
  const keptAlive = connect(t, port);
  keptAlive.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await Promise.all([once(silent.socket, 'connect'), once(keptAlive.socket, 'data')]);
  const session = connectHttp2(t, port);
  await get(session, '/');
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  await new Promise((resolve) => client.waitForReady(Date.now() + 5_000, resolve));
  await close(60_000);
});

test('close() closes a connection that becomes idle after it', LONG, async (t) => {
  const started = Promise.withResolvers<OnePortResponse>();
  const { port, close } = await listen(t, (_, res) => {
    res.setHeader('content-length', 2);
    started.resolve(res);
  });
  const { socket, received } = connect(t, port);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const res = await started.promise;
  if (res instanceof http.ServerResponse) res.write('a'); // sends the header: too late for `Connection: close`
  const closed = close(60_000);
  res.end('b');
  await closed;
  assert.match(await received, /ab$/);
});

test('close() destroys stuck calls and clients that stay after the grace, and resolves', LONG, async (t) => {
  const slow = createSlow();
  const { port, close } = await listen(t, slow.onRequest);
  const stuck1 = connect(t, port);
  stuck1.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const stuck2 = get(connectHttp2(t, port), '/');
  const half = connect(t, port);
  half.socket.write('GET / HTTP/1.1\r\n');
  const stays = connect(t, port, true); // answers neither GOAWAY nor the end of the connection
  stays.socket.write(PREFACE, 'latin1');
  stays.socket.write(EMPTY_SETTINGS);
  await Promise.all([slow.entered(2), once(stays.socket, 'data')]);
  const before = performance.now();
  const closed = close(300);
  await assert.rejects(stuck2);
  assert.equal(await stuck1.received, '');
  await closed;
  const took = performance.now() - before;
  assert.ok(took > 290 && took < 3_000, `${took} ms`);
});
