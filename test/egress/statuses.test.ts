import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, makeDownloader, serve } from './serve.ts';

for (const [statuses, verdict] of [
  [[400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 416, 422, 431, 451], 'permanent'],
  [[201, 204, 206, 300, 304, 408, 425, 429, 500, 501, 502, 503, 504, 507], 'transient'],
] as const) {
  test(`these statuses are failures, ${verdict}: ${statuses.join(', ')}`, async (t) => {
    const server = await serve(
      t,
      (_socket, path) => `HTTP/1.1 ${path.slice(1)} secret\r\nconnection: close\r\n\r\nsecret`,
    );
    const downloader = makeDownloader(t);
    for (const status of statuses) {
      const failure = await failureOf(downloader, `http://127.0.0.1:${server.port}/${status}`);
      assert.equal(failure.message, `HTTP ${status} from 127.0.0.1:${server.port}`);
      assert.deepEqual([failure.status, failure.verdict], [status, verdict]);
    }
  });
}

for (const [header, least, most] of [
  ['120', 120_000, 120_000],
  ['0', 0, 0],
  ['999999999', 86_400_000, 86_400_000],
  [new Date(Date.now() + 60_000).toUTCString(), 50_000, 60_000],
  [new Date(Date.now() - 60_000).toUTCString(), 0, 0],
] as const) {
  test(`Retry-After: ${header} is told in milliseconds, a day at most`, async (t) => {
    const server = await serve(t, () => `HTTP/1.1 503 Later\r\nretry-after: ${header}\r\ncontent-length: 0\r\n\r\n`);
    const { retryAfterMs } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
    assert.ok(retryAfterMs! >= least && retryAfterMs! <= most, String(retryAfterMs));
  });
}

test('a Retry-After that says nothing is left out', async (t) => {
  const server = await serve(t, () => 'HTTP/1.1 429 Later\r\nretry-after: soon\r\ncontent-length: 0\r\n\r\n');
  const { retryAfterMs } = await failureOf(makeDownloader(t), `http://127.0.0.1:${server.port}/`);
  assert.equal(retryAfterMs, undefined);
});
