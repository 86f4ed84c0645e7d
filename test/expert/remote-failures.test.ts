import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  answering,
  begin,
  type EngineCall,
  type Event,
  encode,
  end,
  type FakeRemoteExpert,
  final,
  frame,
  send,
  startFakeRemoteExpert,
} from '../support/fake-remote-expert.ts';
import { until } from '../support/until.ts';
import { assertFellBack, makeRemote } from './remote-setup.ts';

const secret = 'token sk-leak';
const ok = answering(final({ text: '十点。' }));
const engine = await startFakeRemoteExpert(ok);
after(() => engine.close());

/** Sends the headers and a draft, then misbehaves. */
const begun = (then: (call: EngineCall) => unknown) => (call: EngineCall) => {
  begin(call);
  send(call, '十');
  then(call);
};

const status = (code: number) => begun((call) => end(call, code, secret));
const raw = (...bytes: Uint8Array[]) =>
  begun((call) => {
    for (const each of bytes) call.stream.write(each);
    end(call);
  });

/** Sends again and again, as fast as it is read. */
const flood = (bytes: Uint8Array) =>
  begun(({ stream }) => {
    const more = () => {
      while (!stream.destroyed && stream.write(bytes)) sentBytes += bytes.length;
    };
    stream.on('drain', more);
    more();
  });
let sentBytes = 0;

const headers = (more: Record<string, string | number>) => (call: EngineCall) => {
  call.stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...more });
  call.stream.end(secret);
};

const tooLong: Event = { case: 'draft', value: { text: '字'.repeat(20_001) } };

/** What the engine does, and why the fallback answers. */
const failures: [string, FakeRemoteExpert['answer'], reason: string | RegExp][] = [
  ['a status before anything else', headers({ 'grpc-status': 14, 'grpc-message': secret }), 'remote: unavailable'],
  ['UNAVAILABLE', status(14), 'remote: unavailable'],
  ['INTERNAL', status(13), 'remote: internal'],
  ['RESOURCE_EXHAUSTED', status(8), 'remote: resource exhausted'],
  ['UNAUTHENTICATED', status(16), 'remote: unauthenticated'],
  ['DEADLINE_EXCEEDED', status(4), 'remote: deadline'],
  ['CANCELLED', status(1), 'remote: canceled'],
  ['a status that there is not', status(4711), /^remote: (unknown|internal)$/],
  ['a reset before the headers', ({ stream }) => stream.close(2), 'remote: no gRPC answer'],
  ['a reset in mid-stream', begun(({ stream }) => stream.close(2)), 'remote: cut stream'],
  [
    'a cut connection',
    begun(({ stream, session }) => stream.write(encode({ case: 'draft', value: {} }), () => session.destroy())),
    'remote: cut stream',
  ],
  ['an end without a status', begun(({ stream }) => stream.end()), 'remote: cut stream'],
  ['an end in the middle of a message', raw(frame(Buffer.from([1]), { claimed: 9 })), 'remote: cut stream'],
  ['a message that is none', raw(frame(Buffer.from('ffffffffff', 'hex'))), 'remote: cut stream'],
  ['a hang before the headers', () => {}, 'remote: deadline'],
  ['a hang after the headers', begin, 'remote: deadline'],
  ['a hang in mid-stream', begun(() => {}), 'remote: deadline'],
  ['no final', answering('十', '十点'), 'remote: no final'],
  ['no message at all', answering(), 'remote: no final'],
  ['events of no known kind', raw(frame(Buffer.alloc(0)), frame(Buffer.from([0x1a, 1, 65]))), 'remote: no final'],
  ['an empty final', answering(final({})), 'remote: empty answer'],
  ['a final of nothing that shows', answering(final({ text: ' \u0000\n ', cited: [1] })), 'remote: empty answer'],
  ['too long a draft', answering(tooLong, final({ text: '十点。' })), 'remote: too long'],
  ['too long a final', answering(final({ text: '𠀀'.repeat(20_001) })), 'remote: too long'],
  ['a message of 200 kB', answering(final({ text: 'x'.repeat(200_000) })), 'remote: too long'],
  ['a message that claims 4 GB', raw(frame(Buffer.from('x'), { claimed: 0xffffffff })), 'remote: too long'],
  ['drafts without end', flood(encode({ case: 'draft', value: { text: '字'.repeat(20_000) } })), 'remote: too long'],
  ['empty messages without end', flood(Buffer.alloc(5 * 1000)), 'remote: too long'],
  ['a compressed message', raw(frame(gzipSync(Buffer.alloc(1_000_000)), { flags: 1 })), 'remote: cut stream'],
  ['an HTTP status', headers({ ':status': 500 }), 'remote: no gRPC answer'],
  ['a redirect', headers({ ':status': 302, location: 'http://127.0.0.1:1/' }), 'remote: no gRPC answer'],
  ['a page', headers({ 'content-type': 'text/html' }), 'remote: no gRPC answer'],
  [
    'more headers than anybody needs',
    ({ stream }) => {
      stream.respond(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'y'.repeat(200)])));
    },
    /^remote: (no gRPC answer|deadline|no connection: ERR_HTTP2_\w+)$/,
  ],
];

describe('the extractive answer stands in, with the reason, after', () => {
  for (const [name, answer, reason] of failures) {
    test(name, async (t) => {
      engine.answer = answer;
      const { ask, reasons } = makeRemote(t);
      // Short only where it is waited for: else a busy machine would look like a slow engine.
      const began = performance.now();
      const result = await ask(engine.url, { timeoutMs: name.startsWith('a hang') ? 300 : 0 });
      assertFellBack(result.answer, reason);
      assert.ok(performance.now() - began < 10_000);
      assert.deepEqual(reasons, [result.answer.trace.fellBack]);
      assert.ok(!(JSON.stringify(result) + reasons).includes('sk-leak'));
    });
  }
});

test('no more than 64 MiB are read of an answer', async (t) => {
  sentBytes = 0;
  engine.answer = flood(encode({ case: 'draft', value: { text: '字'.repeat(20_000) } }));
  await makeRemote(t).ask(engine.url);
  assert.ok(sentBytes < 70 * 1024 * 1024, `${sentBytes} bytes`);
});

test('text of 20,000 characters is taken, of any kind', async (t) => {
  for (const text of ['𠀀'.repeat(20_000), '字'.repeat(20_000)]) {
    engine.answer = answering(text, final({ text, cited: [1, 2, 3] }));
    assert.equal((await makeRemote(t).ask(engine.url)).answer.text, text);
  }
});

test('a question of any size is sent within what gRPC servers take', async (t) => {
  engine.answer = ok;
  engine.calls.length = 0;
  const text = `${'\ud83d'.repeat(5)}${'字'.repeat(9994)}𠀀${'字'.repeat(1_000_000)}`;
  const passage = { source: { documentId: text, title: text, url: text }, heading: text, text, score: 1 };
  const { answer } = await makeRemote(t).ask(engine.url, {
    question: { text, instructions: text, account: text, history: Array(200).fill({ speaker: 'user', content: text }) },
    result: { passages: Array(100).fill(passage), support: 1 },
  });
  assert.equal(answer.text, '十点。');
  const { request } = engine.calls[0]!;
  assert.ok(request.question.startsWith('\ufffd'.repeat(5)));
  assert.deepEqual([request.question.length, request.history.length, request.passages.length], [9999, 50, 8]);
});

test('addresses that lead nowhere end in the extractive answer', async (t) => {
  const { ask } = makeRemote(t);
  const gone = await startFakeRemoteExpert(ok);
  await gone.close();
  assertFellBack((await ask(gone.url)).answer, 'remote: no connection: ECONNREFUSED');
  assertFellBack((await ask('http://engine.invalid:1')).answer, /^remote: no connection: (ENOTFOUND|EAI_AGAIN)$/);
  for (const bad of ['http://[::1', 'http://a:99999', ''])
    assertFellBack((await ask(bad)).answer, 'remote: bad address');
});

test('an engine at an IPv6 address is reached', async (t) => {
  const six = await startFakeRemoteExpert(ok, { host: '::1' }).catch(() => undefined);
  if (six === undefined) return t.skip('no IPv6 here');
  t.after(six.close);
  assert.equal((await makeRemote(t).ask(six.url)).answer.text, '十点。');
});

test('a server that speaks no HTTP/2 ends in the extractive answer', async (t) => {
  const http = createHttpServer((_, response) => response.end(secret)).listen(0, '127.0.0.1');
  const greeter = createServer((socket) => void socket.on('error', () => {}).end('220 hello\r\n')).listen(
    0,
    '127.0.0.1',
  );
  t.after(() => [http, greeter].map((server) => server.close()));
  for (const server of [http, greeter]) {
    if (!server.listening) await once(server, 'listening');
    const { answer } = await makeRemote(t).ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assertFellBack(answer, /^remote: (no gRPC answer|no connection: [A-Z0-9_]+)$/);
  }
});

test('a peer that accepts and says nothing costs the deadline, and no more', async (t) => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume())).listen(
    0,
    '127.0.0.1',
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  for (const scheme of ['http', 'https']) {
    const { ask, experts } = makeRemote(t);
    assertFellBack((await ask(`${scheme}://127.0.0.1:${port}`, { timeoutMs: 200 })).answer, 'remote: deadline');
    experts.close();
  }
  await until('close() has ended the connections', () => sockets.every(({ closed }) => closed), 10_000);
  assert.equal(sockets.length, 2);
});

test('the deadline ends the engine’s call as well', async (t) => {
  engine.answer = begun(() => {});
  engine.calls.length = 0;
  await makeRemote(t).ask(engine.url, { timeoutMs: 200 });
  assert.equal(await engine.calls[0]!.closed, 8); // CANCEL
});

test('five failures in a row open an address’s circuit, and no other’s; one good answer closes it', async (t) => {
  const other = await startFakeRemoteExpert(ok);
  t.after(other.close);
  engine.answer = status(14);
  engine.calls.length = 0;
  const { ask } = makeRemote(t, { circuitOpenMs: 300 });
  for (let i = 0; i < 5; i++) assertFellBack((await ask(engine.url)).answer, 'remote: unavailable');
  assertFellBack((await ask(engine.url)).answer, 'remote: circuit open');
  assert.equal(engine.calls.length, 5);
  assert.equal((await ask(other.url)).answer.text, '十点。');
  engine.answer = ok;
  await until('the circuit closes', async () => (await ask(engine.url)).answer.trace.fellBack === undefined, 10_000);
  assert.equal(engine.calls.length, 6);
});

test('what an engine dislikes of a question does not open its circuit', async (t) => {
  const { ask } = makeRemote(t);
  for (const answer of [status(3), answering(final({})), answering(tooLong)]) {
    engine.answer = answer;
    for (let i = 0; i < 6; i++) assert.notEqual((await ask(engine.url)).answer.trace.fellBack, 'remote: circuit open');
  }
});
