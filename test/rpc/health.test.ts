import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListRequestSchema,
  HealthListResponseSchema,
  Health as HealthService,
} from '../../gen/grpc/health/v1/health_pb.ts';
import { createHealth, MAX_WATCHERS } from '../../src/rpc/health.ts';
import { listenOnePort } from '../../src/rpc/one-port.ts';

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;
const LONG = { timeout: 10_000 };
const SERVICE = 'wxmp.article.v1.ArticleService';

async function serve(t: TestContext) {
  const health = createHealth([SERVICE]);
  const shutdown = new AbortController();
  const { port, close } = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    onRequest: connectNodeAdapter({ routes: health.routes, shutdownSignal: shutdown.signal }),
    sniffTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
  });
  t.after(() => close(0));
  return { ...health, port, close, shutdown };
}

function connectClient(port: number, httpVersion: '1.1' | '2' = '1.1') {
  return createClient(HealthService, createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion }));
}

/** The calls as @grpc/grpc-js makes them. Statuses are awaited one by one: `next` is undefined at the end. */
function grpcClient(t: TestContext, port: number) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const ask = (service: string) =>
    Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
  const readStatus = (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes).status;
  const unary = <T>(method: string, request: Buffer, read: (bytes: Buffer) => T) =>
    new Promise<T | undefined>((resolve, reject) => {
      const path = `/grpc.health.v1.Health/${method}`;
      const passOn = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(path, passOn, read, request, (error, value) => (error ? reject(error) : resolve(value)));
    });
  return {
    check: (service = '') => unary('Check', ask(service), readStatus),
    list: () =>
      unary('List', Buffer.from(toBinary(HealthListRequestSchema, create(HealthListRequestSchema))), (bytes) =>
        fromBinary(HealthListResponseSchema, bytes),
      ),
    watch(service = '') {
      const call = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', ask, readStatus, service);
      const statuses: AsyncIterator<HealthCheckResponse_ServingStatus> = call[Symbol.asyncIterator]();
      return { next: async () => (await statuses.next()).value, cancel: () => call.cancel() };
    },
  };
}

test('nothing is healthy before it is said to be', LONG, async (t) => {
  const { port, set } = await serve(t);
  const { check } = grpcClient(t, port);
  assert.equal(await check(), NOT_SERVING);
  set('SERVING');
  assert.equal(await check(), SERVING);
});

test('Check and List know the server and its services, over gRPC and Connect', LONG, async (t) => {
  const { port, set } = await serve(t);
  set('SERVING');
  const { check, list } = grpcClient(t, port);
  const client = connectClient(port);
  for (const service of ['', SERVICE]) {
    assert.equal(await check(service), SERVING);
    assert.equal((await client.check({ service })).status, SERVING);
  }
  for (const response of [await list(), await client.list({})]) {
    assert.deepEqual(
      Object.entries(response?.statuses ?? {}).map(([name, { status }]) => [name, status]),
      [
        ['', SERVING],
        [SERVICE, SERVING],
      ],
    );
  }
});

test('Check of an unknown service is NOT_FOUND', LONG, async (t) => {
  const { port } = await serve(t);
  await assert.rejects(grpcClient(t, port).check('wxmp.Nothing'), { code: grpc.status.NOT_FOUND });
  await assert.rejects(connectClient(port).check({ service: 'constructor' }), { code: Code.NotFound });
});

test('Watch sends the status at once and each change, and NOT_SERVING before its end', LONG, async (t) => {
  const { port, set, end } = await serve(t);
  const { watch, check } = grpcClient(t, port);
  const watched = watch(SERVICE);
  const overConnect = connectClient(port, '2').watch({ service: '' })[Symbol.asyncIterator]();
  const next = async () => [await watched.next(), (await overConnect.next()).value?.status];
  assert.deepEqual(await next(), [NOT_SERVING, NOT_SERVING]);
  set('SERVING');
  assert.deepEqual(await next(), [SERVING, SERVING]);
  set('SERVING');
  set('NOT_SERVING');
  assert.deepEqual(await next(), [NOT_SERVING, NOT_SERVING]);
  set('SERVING');
  assert.deepEqual(await next(), [SERVING, SERVING]);
  end();
  assert.deepEqual(await next(), [NOT_SERVING, NOT_SERVING]);
  assert.deepEqual(await next(), [undefined, undefined]);
  set('SERVING');
  assert.equal(await check(), NOT_SERVING, 'the end is the end');
});

test('Watch of an unknown service sends SERVICE_UNKNOWN and stays open until the end', LONG, async (t) => {
  const { port, set, end } = await serve(t);
  const unknown = grpcClient(t, port).watch('wxmp.Nothing');
  const known = grpcClient(t, port).watch();
  assert.equal(await unknown.next(), SERVICE_UNKNOWN);
  await known.next();
  const next = unknown.next();
  set('SERVING');
  await known.next(); // a change that the other stream has seen is none for this one
  assert.equal(await Promise.race([next, 'open']), 'open');
  end();
  assert.equal(await next, undefined);
});

test('a Watch that starts after the end sends NOT_SERVING and ends', LONG, async (t) => {
  const { port, end } = await serve(t);
  end();
  const { next } = grpcClient(t, port).watch();
  assert.deepEqual([await next(), await next()], [NOT_SERVING, undefined]);
});

test('a watcher too many is RESOURCE_EXHAUSTED, and one that goes makes room', LONG, async (t) => {
  const { port } = await serve(t);
  const { watch, check } = grpcClient(t, port);
  const watchers = Array.from({ length: MAX_WATCHERS }, () => watch());
  await Promise.all(watchers.map(({ next }) => next()));
  await assert.rejects(watch().next(), { code: grpc.status.RESOURCE_EXHAUSTED });
  assert.equal(await check(), NOT_SERVING, 'Check has no such limit');
  const last = watchers.at(-1)!;
  last.cancel();
  await assert.rejects(last.next(), { code: grpc.status.CANCELLED });
  let status: unknown;
  while (status === undefined)
    status = await watch()
      .next()
      .catch(() => undefined); // until the server has noticed
  assert.equal(status, NOT_SERVING);
});

test(
  'an open Watch does not hold the server back: the end ends it, and so does its shutdown signal',
  LONG,
  async (t) => {
    for (const stop of ['end', 'shutdown'] as const) {
      const { port, end, shutdown, close } = await serve(t);
      const { next } = grpcClient(t, port).watch();
      await next();
      if (stop === 'end') end();
      else shutdown.abort();
      await close(60_000);
    }
  },
);

test('an HTTP/1.1 watcher whose connection breaks makes room', LONG, async (t) => {
  const { port } = await serve(t);
  const client = connectClient(port);
  const abort = new AbortController();
  const statuses = Array.from({ length: MAX_WATCHERS }, () =>
    client.watch({}, { signal: abort.signal })[Symbol.asyncIterator](),
  );
  await Promise.all(statuses.map((status) => status.next()));
  await assert.rejects(client.watch({})[Symbol.asyncIterator]().next(), { code: Code.ResourceExhausted });
  abort.abort();
  const { watch } = grpcClient(t, port);
  let status: unknown;
  while (status === undefined)
    status = await watch()
      .next()
      .catch(() => undefined);
  assert.equal(status, NOT_SERVING);
});
