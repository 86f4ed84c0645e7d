import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, fetchText, makeDownloader, ok, redirect, serve, untilClosed } from './serve.ts';

/** Redirects so often, then answers. */
const hops =
  (count: number, status = 302) =>
  (_socket: unknown, path: string) => {
    const hop = Number(path.slice(1));
    return hop < count ? redirect(`/${hop + 1}`, status) : ok('arrived');
  };

for (const status of [301, 302, 303, 307, 308]) {
  test(`three redirects by ${status} are followed, each on a connection of its own`, async (t) => {
    const server = await serve(t, hops(3, status));
    assert.equal(await fetchText(makeDownloader(t), `http://127.0.0.1:${server.port}/0`), 'arrived');
    assert.equal(server.made(), 4);
    assert.ok(server.requests.every((head) => head.startsWith('GET ') && !/\r\n(?:cookie|referer|auth)/i.test(head)));
    await untilClosed(server);
  });
}

for (const [what, count] of [
  ['a fourth redirect', 4],
  ['a loop of redirects', Number.POSITIVE_INFINITY],
] as const) {
  test(`${what} is refused`, async (t) => {
    const server = await serve(t, hops(count));
    const { message, verdict } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/0`);
    assert.equal(message, `more than 3 redirects, the last from 127.0.0.1:${server.port}`);
    assert.deepEqual({ verdict, made: server.made() }, { verdict: 'permanent', made: 4 });
    await untilClosed(server);
  });
}

test('cookies that a redirect sets are not sent on', async (t) => {
  const server = await serve(t, (_socket, path) =>
    path === '/a' ? redirect('/b\r\nset-cookie: session=1; path=/') : ok('arrived'),
  );
  assert.equal(await fetchText(makeDownloader(t), `http://127.0.0.1:${server.port}/a`), 'arrived');
  assert.doesNotMatch(server.requests[1]!, /cookie/i);
});

for (const [location, reason] of [
  ['http://10.1.2.3/secret', '10.1.2.3 is a private address and EGRESS_ALLOW does not name it'],
  ['http://169.254.169.254/secret', '169.254.169.254 is a link-local address and EGRESS_ALLOW does not name it'],
  ['//0x7f000002/secret', '127.0.0.2 is a loopback address and EGRESS_ALLOW does not name it'],
  ['http://[::ffff:10.1.2.3]/secret', '10.1.2.3 is a private address and EGRESS_ALLOW does not name it'],
  ['file:///etc/secret', 'the redirect from HOST is neither http nor https'],
  ['data:,secret', 'the redirect from HOST is neither http nor https'],
  ['http://user:secret@HOST/', 'the redirect from HOST carries a user name or password'],
  ['http://[secret/', 'the redirect from HOST is no valid URL'],
  [`/${'secret'.repeat(1500)}`, 'the redirect from HOST is longer than 8192 characters'],
  ['', 'HTTP 302 from HOST without one Location'],
  ['/a\r\nlocation: /secret', 'HTTP 302 from HOST without one Location'],
] as const) {
  test(`a redirect to ${JSON.stringify(location.slice(0, 40))} is refused, with its reason`, async (t) => {
    const host = () => `127.0.0.1:${server.port}`;
    const server = await serve(t, () => redirect(location.replace('HOST', host())));
    const { message, verdict } = await failureOf(makeDownloader(t), `http://${host()}/`);
    assert.deepEqual([message, verdict], [reason.replace('HOST', host()), 'permanent']);
    assert.equal(server.made(), 1);
    await untilClosed(server);
  });
}

test('a redirect is resolved against the address it came from, and its UTF-8 is understood', async (t) => {
  const utf8 = Buffer.from('../文件?名=1#x').toString('latin1');
  const server = await serve(t, (_socket, path) => (path === '/a/b/c' ? redirect(utf8) : ok('arrived')));
  assert.equal(await fetchText(makeDownloader(t), `http://127.0.0.1:${server.port}/a/b/c`), 'arrived');
  assert.match(server.requests[1]!, /^GET \/a\/%E6%96%87%E4%BB%B6\?%E5%90%8D=1 HTTP/);
});

test('the body of a redirect is not read, however long it is', async (t) => {
  const server = await serve(t, (socket, path) => {
    if (path === '/end') return ok('arrived');
    socket.write('HTTP/1.1 302 Elsewhere\r\nlocation: /end\r\ncontent-length: 1000000000\r\n\r\n');
    const flood = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
    };
    socket.on('drain', flood);
    flood();
    return undefined;
  });
  assert.equal(await fetchText(makeDownloader(t), `http://127.0.0.1:${server.port}/`), 'arrived');
  await untilClosed(server);
});
