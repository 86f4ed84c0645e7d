import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createRandom } from '../support/random.ts';
import { type Service, startService } from '../support/service.ts';

const appid = 'wx_bodies';
const detail = '/api/wxmp/assistant/detail';
const maxBodyBytes = 1024 * 1024;
const LONG = { timeout: 20_000 };

describe('a body that is not this protocol', () => {
  let service: Service;
  before(async () => {
    service = await startService({ env: { REQUEST_TIMEOUT_MS: '1000' } });
    await service.createLearned(appid);
  });
  after(() => service?.stop());

  const send = async (
    body: string | Uint8Array<ArrayBuffer> | undefined,
    { path = detail, headers = {}, method = 'POST' } = {},
  ) => {
    const init = { method, headers: { 'content-type': 'application/json', ...headers }, ...(body && { body }) };
    const response = await fetch(service.app.url + path, { ...init, signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === '' ? {} : JSON.parse(text), text };
  };
  const works = async () => assert.equal((await send(JSON.stringify({ appid }))).json.errcode, 0, 'the next one works');

  const shapes: [what: string, body: string | Uint8Array<ArrayBuffer>, errcode: number][] = [
    ['not JSON', 'appid=wx', 40002],
    ['half of JSON', '{"appid":"wx_', 40002],
    ['empty', '', 40002],
    ['an array', '[{"appid":"wx_bodies"}]', 40002],
    ['null', 'null', 40002],
    ['a text', '"wx_bodies"', 40002],
    ['two objects', '{"appid":"wx_bodies"}{"appid":"wx_bodies"}', 40002],
    ['invalid UTF-8', Buffer.from('{"appid":"wx_\xff\xfe"}', 'latin1'), 40002],
    ['100,000 open brackets', '['.repeat(100_000), 40002],
    ['100,000 nested arrays', '['.repeat(100_000) + ']'.repeat(100_000), 40002],
    ['100,000 nested objects as a field', `{"appid":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`, 40002],
    ['100,000 nested objects as an unknown key', `{"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`, 40001],
    ['a key twice: the last one counts', '{"appid":"wx_nobody","appid":"wx_bodies"}', 0],
    ['a key of all objects', '{"__proto__":{"appid":"wx_bodies"}}', 40001],
    ['a byte order mark before it', '\ufeff{"appid":"wx_bodies"}', 0],
  ];
  for (const [what, body, errcode] of shapes) {
    test(`${what} is answered with HTTP 200 and ${errcode}`, LONG, async () => {
      const { status, json } = await send(body);
      assert.deepEqual([status, json.errcode], [200, errcode], json.errmsg);
      await works();
    });
  }

  test('every refusal carries a request id, the caller’s own where it gave a harmless one', LONG, async () => {
    const given = { 'x-request-id': 'caller-1' };
    for (const [body, init] of [
      ['nope', {}],
      ['{}', {}],
      ['{}', { path: '/api/wxmp/nope' }],
      ['{}', { headers: { 'content-type': 'text/plain' } }],
    ] as const) {
      assert.match((await send(body, init)).headers.get('x-request-id') ?? '', /^[0-9A-Z]{26}$/);
      const own = { ...init, headers: { ...('headers' in init && init.headers), ...given } };
      assert.equal((await send(body, own)).headers.get('x-request-id'), 'caller-1');
    }
    const harmful = { 'x-request-id': 'a b"c' };
    assert.match((await send('{}', { headers: harmful })).headers.get('x-request-id') ?? '', /^[0-9A-Z]{26}$/);
  });

  test('another method is 405 with Allow, an unknown path 404', LONG, async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
      const { status, headers } = await send(undefined, { method });
      assert.deepEqual([status, headers.get('allow')], [405, 'POST'], method);
    }
    for (const path of ['/api/wxmp/assistant/nope', '/api/wxmp/', '/api/wxmp/assistant/detail/', '/api/other']) {
      const { status, json } = await send('{}', { path });
      assert.deepEqual([status, json.errcode], [404, 40401], path);
    }
    assert.equal((await send('{}', { path: '/wxmp.nope.v1.Nope/Nope' })).status, 404);
    assert.equal((await send(JSON.stringify({ appid }), { path: `${detail}?appname=x` })).json.errcode, 0);
    await works();
  });

  test('another content type or encoding is 415', LONG, async () => {
    const body = JSON.stringify({ appid });
    const types = ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=gbk', 'json', ''];
    for (const type of types) {
      const { status, json } = await send(body, { headers: { 'content-type': type } });
      assert.deepEqual([status, json.errcode], [415, 40002], type);
    }
    const zipped = await send(gzipSync(body), { headers: { 'content-encoding': 'gzip' } });
    assert.equal(zipped.status, 415);
    for (const type of ['application/json; charset=UTF-8', 'Application/JSON;charset="utf-8"']) {
      assert.equal((await send(body, { headers: { 'content-type': type } })).json.errcode, 0, type);
    }
    await works();
  });

  const padded = (bytes: number) => {
    const frame = JSON.stringify({ appid, x: '' });
    return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
  };

  test(
    'a body of 1 MiB is taken; one byte more is 413, told by its length or not, over HTTP/1.1 and HTTP/2',
    LONG,
    async () => {
      const [just, over] = [padded(maxBodyBytes), padded(maxBodyBytes + 1)];
      assert.deepEqual([just.length, over.length], [maxBodyBytes, maxBodyBytes + 1]);
      assert.equal((await send(just)).json.errcode, 0);
      const parts = () => ReadableStream.from([Buffer.from(over.slice(0, 500_000)), Buffer.from(over.slice(500_000))]);
      for (let round = 0; round < 5; round++) {
        assert.equal((await send(over)).status, 413, 'by content-length');
        const init = { method: 'POST', body: parts() as ReadableStream, duplex: 'half' as const };
        const response = await fetch(service.app.url + detail, {
          ...init,
          headers: { 'content-type': 'application/json' },
        });
        assert.deepEqual(
          [response.status, ((await response.json()) as { errcode: number }).errcode],
          [413, 40001],
          'chunked',
        );
        assert.equal((await send('x'.repeat(20 * maxBodyBytes))).status, 413, 'far too large');
      }
      assert.equal(await overHttp2(Buffer.from(over)), 413);
      await works();
    },
  );

  test('a body that never ends is 408 in time, over HTTP/1.1 and HTTP/2', LONG, async () => {
    const { hostname, port } = new URL(service.app.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(`POST ${detail} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`);
    const drip = setInterval(() => socket.write(' '), 100); // keeps on coming, slowly
    const received = (await socket.on('error', () => {}).toArray()).join('');
    clearInterval(drip);
    assert.match(received, /^HTTP\/1\.1 408 .*connection: close.*"errcode":40002/is);
    assert.equal(await overHttp2(Buffer.from('{'), { ends: false }), 408);
    await works();
  });

  test('a caller that breaks off in mid-body, or in mid-answer, harms nobody', LONG, async () => {
    const { hostname, port } = new URL(service.app.url);
    for (let round = 0; round < 20; round++) {
      const socket = net.connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(
        `POST ${detail} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"a`,
      );
      socket.resetAndDestroy();
    }
    const question = JSON.stringify({ appid, content: '成人票多少钱？' });
    for (let round = 0; round < 20; round++) {
      const leave = new AbortController();
      const headers = { 'content-type': 'application/json' };
      const asked = fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers,
        body: question,
        signal: leave.signal,
      });
      setImmediate(() => leave.abort());
      await asked.then((response) => response.text()).catch(() => {});
    }
    await works();
  });

  test('200 requests with garbage at once are all answered, and so is the next one', LONG, async (t) => {
    const { seed, below } = createRandom();
    t.diagnostic(`TEST_SEED=${seed}`);
    const garbage = () => {
      const bytes = Buffer.from(Array.from({ length: below(3000) }, () => below(256)));
      const kind = below(3);
      if (kind === 0) return bytes;
      const text = JSON.stringify({ appid, openid: 'o', msgid: 'm', msg_type: 'text', text: { content: '你好' } });
      const at = below(text.length);
      return kind === 1 ? Buffer.from(text.slice(0, at)) : Buffer.from(text.slice(0, at) + bytes + text.slice(at));
    };
    const paths = [detail, '/api/wxmp/message/notify', '/api/wxmp/article/event_notity', '/api/wxmp/message/ask'];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => send(garbage(), { path: paths[index % paths.length]! })),
    );
    for (const { status, json } of answers) {
      assert.equal(status, 200);
      // 40401: a byte put into the appid can leave a well-formed body that names no assistant.
      assert.ok([40001, 40002, 40401, 0].includes(json.errcode), `seed ${seed}: ${JSON.stringify(json)}`);
    }
    await works();
  });

  /** Posts over HTTP/2, and returns the status once the server has closed the stream. */
  async function overHttp2(body: Buffer, { ends = true } = {}): Promise<number> {
    const session = http2.connect(service.app.url);
    const stream = session.request({ ':path': detail, ':method': 'POST', 'content-type': 'application/json' });
    stream.on('error', () => {});
    if (ends) stream.end(body);
    else stream.write(body);
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & { ':status': number }];
    stream.resume();
    await once(stream, 'close');
    session.destroy();
    return headers[':status'];
  }
});
