import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type BizcommClient, createBizcommClient } from '../../src/bizcomm/client.ts';
import { classify } from '../../src/dispatch/classify.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

/** What the receiver answers, and what follows from it. */
interface Case {
  answer(response: ServerResponse): void;
  verdict: 'delivered' | 'permanent' | 'transient';
  reason?: RegExp;
  retryAfterMs?: number;
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const raw =
  (status: number, text: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(text);
const status = (code: number, verdict: Case['verdict']): [string, Case] => [
  `HTTP ${code}`,
  { answer: json(code, { errcode: 0 }), verdict, reason: new RegExp(`HTTP ${code}`) },
];
const errcode = (code: number, verdict: Case['verdict']): [string, Case] => [
  `errcode ${code}`,
  { answer: json(200, { errcode: code, errmsg: 'because' }), verdict, reason: new RegExp(`errcode ${code} because`) },
];

const cases: [string, Case][] = [
  ['errcode 0', { answer: json(200, { errcode: 0, errmsg: 'ok' }), verdict: 'delivered' }],
  ['an object without errcode', { answer: json(200, {}), verdict: 'delivered' }],
  ['keys that the contract does not have', { answer: json(200, { errcode: 0, trace: [1] }), verdict: 'delivered' }],
  ['an empty body', { answer: raw(200, ''), verdict: 'delivered' }],
  ['204', { answer: raw(204, ''), verdict: 'delivered' }],
  ...[400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 451].map((code) => status(code, 'permanent')),
  ...[401, 402, 403, 404, 407, 408, 409, 412, 418, 425, 429].map((code) => status(code, 'transient')),
  ...[500, 501, 502, 503, 504, 507, 599].map((code) => status(code, 'transient')),
  ...[40003, 40013, 43004, 45002, 45015, 48001, 48002, 47001].map((code) => errcode(code, 'permanent')),
  ...[-1, 40001, 42001, 45009, 45047, 50001, 50301, 1, 99_999_999].map((code) => errcode(code, 'transient')),
  ['an errcode that is no number', { answer: json(200, { errcode: 'x' }), verdict: 'transient', reason: /errcode/ }],
  ['not JSON', { answer: raw(200, '<html>502</html>'), verdict: 'transient', reason: /not JSON/ }],
  ['half of a JSON', { answer: raw(200, '{"errcode":'), verdict: 'transient', reason: /not JSON/ }],
  ['a list', { answer: json(200, []), verdict: 'transient', reason: /no object/ }],
  ['null', { answer: json(200, null), verdict: 'transient', reason: /no object/ }],
  ...[301, 302, 303, 307, 308].map((code): [string, Case] => [
    `a redirect by ${code}`,
    { answer: raw(code, '', { location: '/elsewhere' }), verdict: 'transient', reason: new RegExp(`HTTP ${code}`) },
  ]),
  ['a reset connection', { answer: ({ socket }) => void socket?.resetAndDestroy(), verdict: 'transient' }],
  ['a connection that is closed', { answer: ({ socket }) => void socket?.destroy(), verdict: 'transient' }],
  [
    'a body that breaks off',
    {
      answer: (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"errcode":0', () => response.destroy());
      },
      verdict: 'transient',
    },
  ],
  ['no answer at all', { answer: () => {}, verdict: 'transient', reason: /time-?out/i }],
  [
    'Retry-After in seconds',
    { answer: json(503, {}, { 'retry-after': '7' }), verdict: 'transient', retryAfterMs: 7000 },
  ],
  [
    'Retry-After beside an errcode',
    { answer: json(200, { errcode: -1 }, { 'retry-after': '3' }), verdict: 'transient', retryAfterMs: 3000 },
  ],
  [
    'Retry-After as a date that is over',
    {
      answer: json(429, {}, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
      verdict: 'transient',
      retryAfterMs: 0,
    },
  ],
];

describe('what became of a call', () => {
  let receiver: Receiver;
  let client: BizcommClient;
  let answer: Case['answer'];
  before(async () => {
    receiver = await startReceiver(({ response }) => answer(response));
    client = connect(receiver.url);
  });
  after(async () => {
    await receiver.close();
    await client.close();
  });

  for (const [name, { answer: given, verdict, reason, retryAfterMs }] of cases) {
    test(`${name}: ${verdict}`, async () => {
      answer = given;
      receiver.arrived.length = 0;
      const told = await reply(client);
      assert.equal(told?.verdict ?? 'delivered', verdict);
      if (reason !== undefined) assert.match(told?.reason ?? '', reason);
      if (retryAfterMs !== undefined) assert.equal(told?.retryAfterMs, retryAfterMs);
      if (told !== undefined) assert.match(told.reason, /^V2RecvAiReply: /, 'the reason names the call');
      assert.equal(receiver.arrived.length, 1, 'one call, no second one behind a redirect or a failure');
    });
  }

  test('Retry-After as a date is the time until then', async () => {
    answer = json(503, {}, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    const told = await reply(client);
    assert.ok(Math.abs(Number(told?.retryAfterMs) - 60_000) < 5000, `${told?.retryAfterMs}`);
  });

  test('a Retry-After that is neither says nothing', async () => {
    answer = json(503, {}, { 'retry-after': 'soon' });
    assert.equal((await reply(client))?.retryAfterMs, undefined);
  });

  for (const [name, url] of [
    ['a name that does not exist', () => 'http://wechat.invalid'],
    ['a port where nobody listens', () => 'http://127.0.0.1:1'],
    ['TLS with a peer that speaks none', () => receiver.url.replace('http:', 'https:')],
  ] as const) {
    test(`${name}: transient, with a reason`, async () => {
      const elsewhere = connect(url());
      const told = await reply(elsewhere);
      assert.equal(told?.verdict, 'transient');
      assert.ok(told.reason.length > 'V2RecvAiReply: '.length, told.reason);
      await elsewhere.close();
    });
  }

  test('whatever else is thrown is transient, and its reason is kept to a bearable length', () => {
    for (const thrown of [new TypeError('x'.repeat(10_000)), 'a string', undefined, new AggregateError([])]) {
      const told = classify(thrown);
      assert.equal(told.verdict, 'transient');
      assert.ok(told.reason.length <= 1000);
    }
  });

  test('a call after a failure takes the next address', async () => {
    answer = json(200, { errcode: 0 });
    const both = connect('http://127.0.0.1:1', receiver.url);
    assert.equal((await reply(both))?.verdict, 'transient');
    assert.equal(await reply(both), undefined);
    await both.close();
  });
});

function connect(...urls: string[]): BizcommClient {
  return createBizcommClient({ urls, appname: 'test', timeoutMs: 400 });
}

/** Sends a reply; the verdict on its failure, or undefined. */
async function reply(client: BizcommClient) {
  const request = { msgid: 'm', openid: 'o', msgs: [{ type: 'text', content: 'c' }] };
  try {
    await client.v2RecvAiReply(request, new AbortController().signal);
    return undefined;
  } catch (error) {
    return classify(error);
  }
}
