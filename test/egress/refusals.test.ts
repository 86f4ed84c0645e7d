import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { failureOf, fetchText, makeDownloader, ok, redirect, serve, signal, untilClosed } from './serve.ts';

test('an allowed address gives its bytes and its content type, by a plain GET that says nothing of us', async (t) => {
  const server = await serve(t, () => ok('\x00\xff\r\nbytes', 'Content-Type: application/pdf\r\n'));
  const downloader = makeDownloader(t);
  const url = `http://127.0.0.1:${server.port}/a%20b?sign=x#part`;
  const { bytes, contentType } = await downloader.download(url, signal());
  assert.deepEqual([...bytes], [...Buffer.from('\x00\xff\r\nbytes', 'latin1')]);
  assert.equal(bytes.buffer.byteLength, bytes.length, 'no room is left over');
  assert.equal(contentType, 'application/pdf');
  const [line, ...headers] = server.requests[0]!.trimEnd().split('\r\n');
  assert.equal(line, 'GET /a%20b?sign=x HTTP/1.1');
  assert.deepEqual(headers.map((header) => header.toLowerCase()).sort(), [
    'accept-encoding: identity',
    'accept: */*',
    'connection: close',
    `host: 127.0.0.1:${server.port}`,
    'user-agent: wxmp-assistant',
  ]);
  await untilClosed(server);
});

for (const [url, reason] of [
  ['file:///etc/passwd', 'the address is neither http nor https'],
  ['ftp://127.0.0.1/a', 'the address is neither http nor https'],
  ['data:text/plain,secret', 'the address is neither http nor https'],
  ['javascript:secret', 'the address is neither http nor https'],
  ['blob:http://127.0.0.1/a', 'the address is neither http nor https'],
  ['ws://127.0.0.1/a', 'the address is neither http nor https'],
  ['admin:secret@127.0.0.1/a', 'the address is neither http nor https'],
  ['http://user:secret@127.0.0.1/a', 'the address carries a user name or password'],
  ['http://secret@127.0.0.1/a', 'the address carries a user name or password'],
  ['http://:secret@127.0.0.1/a', 'the address carries a user name or password'],
  ['', 'the address is no valid URL'],
  ['/secret', 'the address is no valid URL'],
  ['//127.0.0.1/a', 'the address is no valid URL'],
  ['http://', 'the address is no valid URL'],
  ['http://[fe80::1%25eth0]/a', 'the address is no valid URL'],
  ['http://127.0.0.256/secret', 'the address is no valid URL'],
  ['http://127.0.0.1:65536/secret', 'the address is no valid URL'],
  ['http://127.0.0.1:0/secret', 'the address has port 0'],
  [`http://${'a'.repeat(254)}/`, 'the address has a host name beyond 253 characters'],
  [`http://127.0.0.1/${'secret'.repeat(2000)}`, 'the address is longer than 8192 characters'],
  ['http://[::ffff:127.0.0.2]/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://[::ffff:7f00:2]/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://2130706434/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://0x7f.2/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://017700000002/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://127.2/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://１２７.０.０.２/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://[::1]/secret', '::1 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://0/secret', '0.0.0.0 is an unspecified address and EGRESS_ALLOW does not name it'],
] as const) {
  test(`${url.slice(0, 40)} is refused for good, with its reason`, async (t) => {
    const { verdict, message } = await failureOf(makeDownloader(t, { allow: '127.0.0.1' }), url);
    assert.deepEqual({ verdict, message }, { verdict: 'permanent', message: reason });
  });
}

test('a rule with a port opens that port alone', async (t) => {
  const server = await serve(t, () => ok('yes'));
  const other = await serve(t, () => ok('no'));
  const downloader = makeDownloader(t, { allow: `127.0.0.0/8:${server.port}` });
  assert.equal(await fetchText(downloader, `http://127.0.0.1:${server.port}/`), 'yes');
  const { message } = await failureOf(downloader, `http://127.0.0.1:${other.port}/`);
  assert.equal(message, '127.0.0.1 is a loopback address and EGRESS_ALLOW does not name it');
  assert.equal(other.made(), 0);
});

test('a rule with a host opens what its name resolves to, and no other name or address', async (t) => {
  const server = await serve(t, () => ok('yes'));
  const downloader = makeDownloader(t, {
    allow: `files.example.test:${server.port}`,
    resolve: async () => ['127.0.0.1'],
  });
  assert.equal(await fetchText(downloader, `http://FILES.example.test.:${server.port}/`), 'yes');
  assert.match(server.requests[0]!, new RegExp(`\\r\\nhost: files\\.example\\.test\\.:${server.port}\\r\\n`, 'i'));
  for (const host of ['other.example.test', '127.0.0.1', 'files.example.test.evil.test']) {
    const { message } = await failureOf(downloader, `http://${host}:${server.port}/`);
    assert.match(message, /127\.0\.0\.1.* is a loopback address and EGRESS_ALLOW does not name it$/);
  }
  assert.equal(server.made(), 1);
});

test('a name is resolved once, and what it resolves to later is not dialled', async (t) => {
  const server = await serve(t, () => ok('public'));
  const answers = [['93.184.216.34'], ['10.0.0.1']];
  const asked: string[] = [];
  const dialled: string[] = [];
  const downloader = makeDownloader(t, {
    allow: '',
    resolve: async (name) => {
      asked.push(name);
      return answers[asked.length - 1]!;
    },
    dial: (address) => {
      dialled.push(address);
      return connect(server.port, '127.0.0.1');
    },
  });
  assert.equal(await fetchText(downloader, 'http://rebinding.example.test/'), 'public');
  assert.deepEqual({ asked, dialled }, { asked: ['rebinding.example.test'], dialled: ['93.184.216.34'] });
  const { message } = await failureOf(downloader, 'http://rebinding.example.test/');
  assert.equal(
    message,
    'rebinding.example.test resolves to 10.0.0.1, which is a private address and EGRESS_ALLOW does not name it',
  );
  assert.equal(dialled.length, 1);
});

test('each hop is resolved once: a redirect to the same name is judged by a look-up of its own', async (t) => {
  const server = await serve(t, () => redirect('http://rebinding.example.test/secret'));
  let asked = 0;
  const downloader = makeDownloader(t, {
    allow: '',
    resolve: async () => [asked++ === 0 ? '93.184.216.34' : '169.254.169.254'],
    dial: () => connect(server.port, '127.0.0.1'),
  });
  const { message, verdict } = await failureOf(downloader, 'http://rebinding.example.test/');
  assert.match(message, /resolves to 169\.254\.169\.254, which is a link-local address/);
  assert.deepEqual({ verdict, asked, made: server.made() }, { verdict: 'permanent', asked: 2, made: 1 });
});

test('of a name with a forbidden and a public address the public one is dialled', async (t) => {
  const server = await serve(t, () => ok('yes'));
  const dialled: string[] = [];
  const downloader = makeDownloader(t, {
    allow: '',
    resolve: async () => ['10.0.0.1', 'fd00::1', '93.184.216.34'],
    dial: (address) => {
      dialled.push(address);
      return connect(server.port, '127.0.0.1');
    },
  });
  assert.equal(await fetchText(downloader, 'http://files.example.test/'), 'yes');
  assert.deepEqual(dialled, ['93.184.216.34']);
});

test('an address that takes no connection is passed over for the next of the same name', async (t) => {
  const server = await serve(t, () => ok('yes'));
  const closed = connect(1, '127.0.0.1').on('error', () => {});
  const downloader = makeDownloader(t, {
    allow: '',
    resolve: async () => ['2400:3200::1', '93.184.216.34'],
    dial: (address) => (address.includes(':') ? closed : connect(server.port, '127.0.0.1')),
  });
  assert.equal(await fetchText(downloader, 'http://files.example.test/'), 'yes');
});

test('a name that does not resolve, or to nothing, may resolve another time', async (t) => {
  const failing = makeDownloader(t, {
    resolve: () => Promise.reject(Object.assign(new Error('secret'), { code: 'EAI_AGAIN' })),
  });
  const failure = await failureOf(failing, 'http://files.example.test/secret');
  assert.deepEqual([failure.message, failure.verdict], ['files.example.test does not resolve: EAI_AGAIN', 'transient']);
  const empty = await failureOf(makeDownloader(t, { resolve: async () => [] }), 'http://files.example.test/secret');
  assert.deepEqual([empty.message, empty.verdict], ['files.example.test resolves to no address', 'transient']);
});

test('the environment names no proxy for this', async (t) => {
  const server = await serve(t, () => ok('direct'));
  const proxy = await serve(t, () => ok('proxy'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY']) {
    process.env[name] = `http://127.0.0.1:${proxy.port}`;
    t.after(() => delete process.env[name]);
  }
  assert.equal(await fetchText(makeDownloader(t), `http://127.0.0.1:${server.port}/`), 'direct');
  assert.equal(proxy.made(), 0);
});
