import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { AppError } from '../../src/errors.ts';
import { toConnectError, toEnvelope } from '../../src/rpc/errors.ts';
import { createGrpc, refusalOf } from '../support/grpc.ts';
import { post, type Service, startService } from '../support/service.ts';

const LONG = { timeout: 60_000 };
const appid = 'wx_bodies';
const maxBytes = 4096;

describe('bodies over Connect and gRPC', () => {
  let service: Service;
  before(async () => {
    service = await startService({ env: { MAX_BODY_BYTES: String(maxBytes) } });
    await service.createLearned(appid);
  });
  after(() => service?.stop());

  const over = { appid, x: 'x' };
  const large = { appid, content: '字'.repeat(2 * maxBytes) };
  const transports = (): [string, Transport][] => {
    const baseUrl = service.app.url;
    const compressing = { sendCompression: compressionGzip, compressMinBytes: 1 };
    return [
      ['Connect over HTTP/1.1', createConnectTransport({ baseUrl, httpVersion: '1.1' })],
      ['Connect over HTTP/2', createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true })],
      ['Connect, compressed', createConnectTransport({ baseUrl, httpVersion: '1.1', ...compressing })],
      ['gRPC-Web', createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
      ['gRPC', createGrpcTransport({ baseUrl })],
      ['gRPC, compressed', createGrpcTransport({ baseUrl, ...compressing })],
    ];
  };

  test(
    'what is too large, compressed or not, is refused as over JSON: invalid, and not to be sent again',
    LONG,
    async () => {
      const json = await post(service.app.url, '/api/wxmp/assistant/detail', { ...over, x: 'x'.repeat(maxBytes) });
      assert.deepEqual([json.errcode, json.errmsg], [40001, `a body may have at most ${maxBytes} bytes`]);
      for (const [name, transport] of transports()) {
        const client = createClient(MessageService, transport);
        for (const call of [
          () => client.notifyMessage({ appid, text: { content: large.content } }),
          () => first(client.ask(large)),
        ]) {
          const error = await call().then(() => assert.fail(`${name} was taken`), ConnectError.from);
          assert.equal(error.code, Code.InvalidArgument, `${name}: ${error.message}`);
          assert.equal(error.rawMessage, json.errmsg, name);
          const [info] = error.findDetails(ErrorInfoSchema);
          assert.deepEqual([info?.reason, info?.metadata.errcode], ['INVALID_FIELD', '40001'], name);
          assert.deepEqual(error.findDetails(RetryInfoSchema), [], name);
        }
        assert.equal((await createClient(AssistantService, transport).getAssistant({ appid })).name, '助手', name);
      }
      const grpc = createGrpc(service.app.url);
      const call = grpc.call(MessageService.method.notifyMessage, { appid, text: { content: large.content } });
      const refusal = await refusalOf(call);
      assert.deepEqual([refusal.code, refusal.errorInfo?.metadata.errcode], [Code.InvalidArgument, '40001']);
      grpc.close();
    },
  );

  test('what fits is taken to the last byte, and a length that nobody told is counted', LONG, async () => {
    const session = http2.connect(service.app.url);
    try {
      const send = async (bytes: number) => {
        const body = JSON.stringify({ appid }).padEnd(bytes);
        const stream = session.request({
          ...{ ':method': 'POST', ':path': '/wxmp.assistant.v1.AssistantService/GetAssistant' },
          'content-type': 'application/json',
        });
        stream.write(body.slice(0, 100));
        stream.end(body.slice(100));
        return JSON.parse(Buffer.concat(await stream.toArray()).toString());
      };
      assert.equal((await send(maxBytes)).name, '助手');
      assert.equal((await send(maxBytes + 100)).code, 'invalid_argument');
    } finally {
      session.destroy();
    }
  });
});

test('what is too much always tells when it may be sent again', () => {
  for (const [error, seconds] of [
    [new AppError('TOO_MUCH', 'much'), 1],
    [new AppError('TOO_MUCH', 'much', { retryAfterSeconds: 7 }), 7],
  ] as const) {
    const told = toConnectError(error, 'id');
    assert.equal(told.findDetails(RetryInfoSchema).length, 1);
    assert.equal(toEnvelope(told).body.retry_after, seconds);
    assert.equal(toEnvelope(told).body.errcode, 42901);
  }
});

async function first<T>(answers: AsyncIterable<T>): Promise<T | undefined> {
  for await (const answer of answers) return answer;
  return undefined;
}
