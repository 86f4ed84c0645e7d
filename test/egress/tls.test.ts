import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { makeCertificate } from './make-certificate.ts';
import { failureOf, fetchText, makeDownloader, ok, redirect, serve, untilClosed } from './serve.ts';

const tls = makeCertificate(['files.example.test', '127.0.0.1']);
const untrusted = makeCertificate(['files.example.test']);
setDefaultCACertificates([...getCACertificates(), tls.cert]);

const resolve = async () => ['127.0.0.1'];

test('over TLS the name that is asked for, verified and sent is the one in the URL', async (t) => {
  const names: unknown[] = [];
  const server = await serve(
    t,
    (socket) => {
      names.push((socket as TLSSocket).servername);
      return ok('secure');
    },
    { tls },
  );
  const downloader = makeDownloader(t, { resolve });
  assert.equal(await fetchText(downloader, `https://files.example.test.:${server.port}/`), 'secure');
  assert.equal(await fetchText(downloader, `https://127.0.0.1:${server.port}/`), 'secure');
  assert.deepEqual(names, ['files.example.test', false]);
  assert.match(server.requests[0]!, /\r\nhost: files\.example\.test\.:/i);
  await untilClosed(server);
});

for (const [what, certificate, host, reason] of [
  ['for another name', tls, 'other.example.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['that nobody vouches for', untrusted, 'files.example.test', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
] as const) {
  test(`a certificate ${what} is refused, whatever the environment says, and nothing is sent`, async (t) => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    t.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
    const server = await serve(t, () => ok('secret'), { tls: certificate });
    const failure = await failureOf(makeDownloader(t, { resolve }), `https://${host}:${server.port}/secret`);
    assert.equal(failure.message, `no TLS connection with ${host}:${server.port}: ${reason}`);
    assert.equal(failure.verdict, 'transient');
    assert.deepEqual(server.requests, []);
    await untilClosed(server);
  });
}

test('a redirect from https to http is refused, and one from http to https followed', async (t) => {
  const plain = await serve(t, () => redirect(`https://127.0.0.1:${secure.port}/end`));
  const secure = await serve(
    t,
    (_socket, path) => (path === '/end' ? ok('secure') : redirect(`http://127.0.0.1:${plain.port}/`)),
    { tls },
  );
  const downloader = makeDownloader(t);
  assert.equal(await fetchText(downloader, `http://127.0.0.1:${plain.port}/`), 'secure');
  const { message, verdict } = await failureOf(downloader, `https://127.0.0.1:${secure.port}/start`);
  assert.equal(message, `the redirect from 127.0.0.1:${secure.port} leads from https to http`);
  assert.deepEqual({ verdict, made: plain.made() }, { verdict: 'permanent', made: 1 });
  await untilClosed(secure);
});

test('a port that speaks no TLS, or says nothing, fails in time and leaves no connection', async (t) => {
  const plain = createServer().listen(0, '127.0.0.1'); // of node:http, which answers nonsense at once
  t.after(() => plain.close());
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  const { message } = await failureOf(makeDownloader(t), `https://127.0.0.1:${port}/secret`);
  assert.equal(message, `no TLS connection with 127.0.0.1:${port}: ERR_SSL_WRONG_VERSION_NUMBER`);
  const silent = await serve(t, () => undefined);
  const slow = await failureOf(makeDownloader(t, { timeoutMs: 150 }), `https://127.0.0.1:${silent.port}/secret`);
  assert.equal(slow.message, 'the download took more than 150 ms');
  await untilClosed(silent);
});

test('a name that is dialled over TLS is dialled at the address that was judged', async (t) => {
  const server = await serve(t, () => ok('secure'), { tls });
  const dialled: string[] = [];
  const answers = [['93.184.216.34'], ['127.0.0.1']];
  const downloader = makeDownloader(t, {
    allow: '',
    resolve: async () => answers.shift()!,
    dial: (address) => {
      dialled.push(address);
      return connect(server.port, '127.0.0.1');
    },
  });
  assert.equal(await fetchText(downloader, 'https://files.example.test/'), 'secure');
  assert.deepEqual([dialled, answers.length], [['93.184.216.34'], 1]);
});
