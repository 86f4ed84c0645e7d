import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TooSlow } from '../../src/egress/download.ts';
import { failureOf, fetchText, makeDownloader, ok, serve, signal, untilClosed } from './serve.ts';

const head = (...headers: string[]): string => ['HTTP/1.1 200 OK', ...headers, '', ''].join('\r\n');

/** Writes the same again and again, as fast as it is taken or so often a second. */
function repeat(socket: Socket, piece: string | Buffer, everyMs?: number): undefined {
  if (everyMs !== undefined) {
    const timer = setInterval(() => socket.write(piece), everyMs);
    socket.once('close', () => clearInterval(timer));
    return;
  }
  const flood = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', flood);
  flood();
}

const chunk = (bytes: Buffer): Buffer =>
  Buffer.from(`${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`, 'latin1');

for (const [what, first, piece] of [
  ['without a length', head(), Buffer.alloc(5000)],
  ['in chunks', head('transfer-encoding: chunked'), chunk(Buffer.alloc(5000))],
  ['in chunks of one byte', head('transfer-encoding: chunked'), Buffer.from('1\r\nx\r\n'.repeat(1000))],
] as const) {
  test(`a body without end, ${what}, is cut at the limit and refused for good`, async (t) => {
    const server = await serve(t, (socket) => {
      socket.write(first);
      return repeat(socket, piece);
    });
    const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/secret`);
    assert.equal(message, `the file from 127.0.0.1:${server.port} is larger than 100000 bytes`);
    assert.equal(verdict, 'permanent');
    await untilClosed(server);
  });
}

test('a length above the limit is refused before the body', async (t) => {
  const server = await serve(t, (socket) => void socket.write(head('content-length: 100001')));
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
  assert.equal(message, `the file from 127.0.0.1:${server.port} is larger than 100000 bytes`);
  assert.equal(verdict, 'permanent');
  await untilClosed(server);
});

for (const length of [0, 1, 65_536, 65_537, 99_999, 100_000]) {
  test(`a body of ${length} bytes comes whole, with a length, in chunks and until the connection ends`, async (t) => {
    const body = Buffer.from(Array.from({ length }, (_, index) => index % 251));
    const server = await serve(t, (_socket, path) => {
      if (path === '/length') return ok(body.toString('latin1'));
      if (path === '/end') return head() + body.toString('latin1');
      const half = Math.ceil(length / 2);
      const chunks = [body.subarray(0, half), body.subarray(half)].filter((part) => part.length > 0).map(chunk);
      return `${head('transfer-encoding: chunked')}${Buffer.concat(chunks).toString('latin1')}0\r\n\r\n`;
    });
    for (const path of ['/length', '/chunks', '/end']) {
      const { bytes } = await makeDownloader(t).download(`http://127.0.0.1:${server.port}${path}`, signal());
      assert.ok(Buffer.compare(bytes, body) === 0, path);
    }
  });
}

test('a packed body is refused unread, since what it unpacks to has no bound', async (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000)).toString('latin1');
  assert.ok(bomb.length < 100_000);
  const server = await serve(t, () => ok(bomb, 'content-encoding: gzip\r\n'));
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
  assert.match(message, /sends the body in a content-encoding, although none was asked for$/);
  assert.equal(verdict, 'permanent');
});

test('a body packed by its transfer-encoding is refused', async (t) => {
  const server = await serve(t, () => `${head('transfer-encoding: gzip')}x`);
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
  assert.match(message, /transfer-encoding that is not chunked$/);
  assert.equal(verdict, 'permanent');
});

for (const [what, answer] of [
  ['shorter than its length', `${head('content-length: 10')}short`],
  ['without its last chunk', `${head('transfer-encoding: chunked')}5\r\nshort\r\n`],
  ['in the middle of a chunk', `${head('transfer-encoding: chunked')}a\r\nshort`],
  ['in the middle of its headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ['before it began', ''],
  ['after something that is not HTTP', 'SSH-2.0-secret\r\n'],
  ['with two lengths', `${head('content-length: 5', 'content-length: 6')}short`],
  ['with another protocol', 'HTTP/1.1 101 Switching\r\nupgrade: secret\r\nconnection: upgrade\r\n\r\n'],
] as const) {
  test(`an answer that ends ${what} is a failure that may pass`, async (t) => {
    const server = await serve(t, () => answer);
    const { message, verdict, cause } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/secret`);
    assert.match(message, new RegExp(`^127\\.0\\.0\\.1:${server.port} broke off its answer: [A-Za-z_]+$`));
    assert.deepEqual({ verdict, cause }, { verdict: 'transient', cause: undefined });
    await untilClosed(server);
  });
}

test('a connection that is reset in the middle of the body is a failure that may pass', async (t) => {
  const server = await serve(t, (socket) => {
    socket.write(`${head('content-length: 10')}short`, () => socket.resetAndDestroy());
    return undefined;
  });
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
  assert.match(message, /broke off its answer: [A-Z_]+$/);
  assert.equal(verdict, 'transient');
});

test('a port where nobody listens is a failure that may pass', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => listener.close(resolve));
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${port}/secret`);
  assert.deepEqual([message, verdict], [`cannot connect to 127.0.0.1 at port ${port}: ECONNREFUSED`, 'transient']);
});

test('headers beyond 16 KiB are refused for good, and those below are read', async (t) => {
  const server = await serve(t, (socket, path) => {
    const lines = `x-secret: ${'x'.repeat(1000)}\r\n`.repeat(Number(path.slice(1)));
    if (path === '/15') return ok('read', lines);
    socket.write(`HTTP/1.1 200 OK\r\n${lines}`);
    return undefined;
  });
  const downloader = makeDownloader(t, { answerTimeoutMs: 5000 });
  assert.equal(await fetchText(downloader, `http://127.0.0.1:${server.port}/15`), 'read');
  const { message, verdict } = await failureOf(downloader, `http://127.0.0.1:${server.port}/17`);
  assert.deepEqual(
    [message, verdict],
    [`the headers from 127.0.0.1:${server.port} are larger than 16384 bytes`, 'permanent'],
  );
  await untilClosed(server);
});

for (const [what, options, answer, reason] of [
  ['headers that trickle', { answerTimeoutMs: 120 }, 'HTTP/1.1 200 OK\r\nx: ', /began no answer within 120 ms$/],
  ['no answer at all', { answerTimeoutMs: 120 }, '', /began no answer within 120 ms$/],
  [
    'interim answers without end',
    { answerTimeoutMs: 120 },
    'HTTP/1.1 102 Wait\r\n\r\n',
    /began no answer within 120 ms$/,
  ],
  [
    'a body that trickles',
    { minBytesPerSecond: 1000, windowMs: 100 },
    head(),
    /less than 1000 bytes per second over 100 ms$/,
  ],
  [
    'a chunk that is announced without end',
    { minBytesPerSecond: 1000, windowMs: 100 },
    `${head('transfer-encoding: chunked')}1;`,
    /less than 1000 bytes per second over 100 ms$/,
  ],
  ['a body that takes too long in all', { timeoutMs: 200 }, head(), /^the download took more than 200 ms$/],
] as const) {
  test(`${what} is a sender that is too slow`, async (t) => {
    const server = await serve(t, (socket) => {
      socket.write(answer);
      return answer === '' ? undefined : repeat(socket, answer.startsWith('HTTP/1.1 102') ? answer : 'x', 10);
    });
    const startMs = performance.now();
    const failure = await failureOf(makeDownloader(t, options), `http://127.0.0.1:${server.port}/`);
    assert.match(failure.message, reason);
    assert.ok(failure instanceof TooSlow);
    assert.equal(failure.verdict, 'transient');
    assert.ok(performance.now() - startMs < 5000);
    await untilClosed(server);
  });
}

test('the rate floor is judged in every window, also after fast ones', async (t) => {
  const server = await serve(t, (socket) => {
    socket.write(head() + 'x'.repeat(90_000));
    return undefined;
  });
  const downloader = makeDownloader(t, { minBytesPerSecond: 10, windowMs: 100 });
  assert.ok((await failureOf(downloader, `http://127.0.0.1:${server.port}/`)) instanceof TooSlow);
});

test('a sender just above the floor is heard to its end', async (t) => {
  const server = await serve(t, (socket) => {
    socket.write(head());
    repeat(socket, Buffer.alloc(200), 10);
    setTimeout(() => socket.end(), 450);
    return undefined;
  });
  const downloader = makeDownloader(t, { minBytesPerSecond: 500, windowMs: 100 });
  assert.ok((await fetchText(downloader, `http://127.0.0.1:${server.port}/`)).length > 2000);
});

test('the time is for all hops together, the look-up among them', async (t) => {
  const downloader = makeDownloader(t, { timeoutMs: 100, resolve: () => new Promise(() => {}) });
  const failure = await failureOf(downloader, 'http://files.example.test/');
  assert.ok(failure instanceof TooSlow);
  assert.equal(failure.message, 'the download took more than 100 ms');
});

test('the time is for connecting, too, and what had not connected by then is closed', async (t) => {
  const deaf = new Socket();
  const downloader = makeDownloader(t, { timeoutMs: 100, dial: () => deaf });
  assert.ok((await failureOf(downloader, 'http://127.0.0.1/')) instanceof TooSlow);
  assert.ok(deaf.destroyed);
});

test('the caller breaks a download off at once, and its connection is closed', async (t) => {
  const server = await serve(t, (socket) => {
    socket.write(head('content-length: 10'));
    caller.abort();
    return undefined;
  });
  const caller = new AbortController();
  const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`, caller.signal);
  assert.deepEqual([message, verdict], ['the download was broken off', 'transient']);
  await untilClosed(server);
  const late = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`, caller.signal);
  assert.deepEqual([late.message, server.made()], ['the download was broken off', 1]);
});

test('closing breaks off what is under way, closes its connection, and takes no more', async (t) => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = await serve(t, () => void resolve());
  const sockets: Socket[] = [];
  const downloader = makeDownloader(t, {
    dial: (host, port) => {
      sockets.push(connect({ host, port }));
      return sockets.at(-1)!;
    },
  });
  const failing = failureOf(downloader, `http://127.0.0.1:${server.port}/`);
  await asked;
  await downloader.close();
  assert.deepEqual(
    sockets.map((socket) => socket.destroyed),
    [true],
  );
  assert.equal((await failing).message, 'the download was broken off');
  await untilClosed(server);
  assert.equal(
    (await failureOf(downloader, `http://127.0.0.1:${server.port}/`)).message,
    'the download was broken off',
  );
  assert.equal(sockets.length, 1);
});
