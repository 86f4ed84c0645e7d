import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { create, createFileRegistry, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import { file_grpc_health_v1_health } from '../../gen/grpc/health/v1/health_pb.ts';
import * as v1 from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import * as v1alpha from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { file_wxmp_article_v1_article } from '../../gen/wxmp/article/v1/article_pb.ts';
import { file_wxmp_message_v1_message } from '../../gen/wxmp/message/v1/message_pb.ts';
import { createHealth } from '../../src/rpc/health.ts';
import { listenOnePort } from '../../src/rpc/one-port.ts';
import { MAX_REQUESTS, registerReflection } from '../../src/rpc/reflection.ts';

const LONG = { timeout: 30_000 };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = [file_grpc_health_v1_health, file_wxmp_article_v1_article, file_wxmp_message_v1_message];

type Asked = MessageInitShape<typeof v1.ServerReflectionRequestSchema>;

async function serve(t: TestContext) {
  const health = createHealth([]);
  health.set('SERVING');
  const shutdown = new AbortController();
  const { port, close } = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    onRequest: connectNodeAdapter({
      routes: (router) => {
        health.routes(router);
        registerReflection(router, FILES);
      },
      shutdownSignal: shutdown.signal,
    }),
    sniffTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
  });
  t.after(() => close(0));
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  t.after(() => sessionManager.abort());
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return { baseUrl, shutdown, close, transport, client: createClient(v1.ServerReflection, transport) };
}

/** Asks one question. */
async function ask(t: TestContext, messageRequest: NonNullable<Asked['messageRequest']>, host = '') {
  const { client } = await serve(t);
  const asked: Asked = { host, messageRequest };
  const responses = await collect(client.serverReflectionInfo(toAsync([asked])));
  assert.equal(responses.length, 1);
  return responses[0]!;
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The names of the files that an answer describes. They must link without any other file. */
function linkedFiles({ messageResponse }: v1.ServerReflectionResponse): string[] {
  assert.equal(messageResponse.case, 'fileDescriptorResponse');
  const file = messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const byName = new Map(file.map((proto) => [proto.name, proto]));
  const ordered = new Set<FileDescriptorProto>(); // a file set has the imported before the importing
  const add = (proto: FileDescriptorProto | undefined) => {
    assert.ok(proto);
    if (ordered.has(proto)) return;
    for (const name of proto.dependency) add(byName.get(name));
    ordered.add(proto);
  };
  add(file[0]);
  assert.equal(ordered.size, file.length, 'nothing but what it imports');
  createFileRegistry(create(FileDescriptorSetSchema, { file: [...ordered] }));
  return file.map(({ name }) => name);
}

async function bufCurl(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'node_modules/.bin/buf',
    ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', ...args],
    { cwd: ROOT },
  );
  return stdout;
}

for (const protocol of ['grpc-v1', 'grpc-v1alpha']) {
  test(`buf curl lists the services and methods and calls one by reflection ${protocol}`, LONG, async (t) => {
    const { baseUrl } = await serve(t);
    const reflect = ['--reflect-protocol', protocol];
    assert.deepEqual((await bufCurl(...reflect, baseUrl, '--list-services')).trim().split('\n'), [
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'wxmp.article.v1.ArticleService',
      'wxmp.message.v1.MessageService',
    ]);
    const methods = (await bufCurl(...reflect, baseUrl, '--list-methods')).trim().split('\n');
    assert.ok(methods.includes('grpc.health.v1.Health/Watch'));
    for (const { services } of FILES) {
      for (const { typeName, methods: described } of services) {
        for (const { name } of described) assert.ok(methods.includes(`${typeName}/${name}`), name);
      }
    }
    const answer = await bufCurl(...reflect, '--data', '{}', `${baseUrl}/grpc.health.v1.Health/Check`);
    assert.deepEqual(JSON.parse(answer), { status: 'SERVING' });
  });
}

test('a file comes first, then all it imports, and they link', LONG, async (t) => {
  const names = linkedFiles(await ask(t, { case: 'fileByFilename', value: 'wxmp/message/v1/message.proto' }));
  assert.equal(names[0], 'wxmp/message/v1/message.proto');
  for (const name of ['buf/validate/validate.proto', 'google/api/http.proto', 'google/protobuf/descriptor.proto']) {
    assert.ok(names.includes(name), name);
  }
});

const symbols: [symbol: string, file: string][] = [
  ['grpc.health.v1.Health', 'grpc/health/v1/health.proto'],
  ['grpc.health.v1.Health.Check', 'grpc/health/v1/health.proto'],
  ['grpc.health.v1.HealthCheckResponse', 'grpc/health/v1/health.proto'],
  ['grpc.health.v1.HealthCheckResponse.status', 'grpc/health/v1/health.proto'],
  ['grpc.health.v1.HealthCheckResponse.ServingStatus', 'grpc/health/v1/health.proto'],
  ['grpc.health.v1.HealthCheckResponse.SERVICE_UNKNOWN', 'grpc/health/v1/health.proto'],
  ['grpc.reflection.v1.ServerReflectionRequest.message_request', 'grpc/reflection/v1/reflection.proto'],
  ['buf.validate.Ignore', 'buf/validate/validate.proto'],
  ['buf.validate.IGNORE_ALWAYS', 'buf/validate/validate.proto'],
  ['buf.validate.field', 'buf/validate/validate.proto'],
  ['google.protobuf.Timestamp', 'google/protobuf/timestamp.proto'],
];
test('a symbol leads to its file, and so does an extension', LONG, async (t) => {
  for (const [symbol, file] of symbols) {
    const answer = await ask(t, { case: 'fileContainingSymbol', value: symbol });
    assert.equal(linkedFiles(answer)[0], file, symbol);
  }
  const extension = { containingType: 'google.protobuf.MethodOptions', extensionNumber: 72295728 };
  const answer = await ask(t, { case: 'fileContainingExtension', value: extension });
  assert.equal(linkedFiles(answer)[0], 'google/api/annotations.proto');
});

test('the extension numbers of a message are told, none included', LONG, async (t) => {
  const numbersOf = async (value: string) => {
    const { messageResponse } = await ask(t, { case: 'allExtensionNumbersOfType', value });
    assert.equal(messageResponse.case, 'allExtensionNumbersResponse');
    assert.equal(messageResponse.value.baseTypeName, value);
    return messageResponse.value.extensionNumber;
  };
  assert.deepEqual(await numbersOf('google.protobuf.MethodOptions'), [72295728]);
  assert.deepEqual(await numbersOf('grpc.health.v1.HealthCheckRequest'), []);
});

const unknowns: NonNullable<Asked['messageRequest']>[] = [
  { case: 'fileByFilename', value: 'wxmp/nothing.proto' },
  { case: 'fileByFilename', value: 'wxmp/message/v1/message' },
  { case: 'fileContainingSymbol', value: 'wxmp.Nothing' },
  { case: 'fileContainingSymbol', value: '' },
  { case: 'fileContainingExtension', value: { containingType: 'wxmp.Nothing', extensionNumber: 1 } },
  { case: 'fileContainingExtension', value: { containingType: 'google.protobuf.MethodOptions', extensionNumber: 1 } },
  { case: 'allExtensionNumbersOfType', value: 'wxmp.Nothing' },
];
test('what is not there is an error_response NOT_FOUND, and no question is INVALID_ARGUMENT', LONG, async (t) => {
  for (const [messageRequest, code] of [
    ...unknowns.map((unknown) => [unknown, Code.NotFound] as const),
    [{ case: undefined }, Code.InvalidArgument] as const,
  ]) {
    const { messageResponse } = await ask(t, messageRequest);
    assert.equal(messageResponse.case, 'errorResponse');
    assert.equal(messageResponse.value.errorCode, code);
    assert.ok(messageResponse.value.errorMessage.length > 0);
  }
});

test('each answer carries its request and host, in both versions', LONG, async (t) => {
  const { transport } = await serve(t);
  for (const service of [v1.ServerReflection, v1alpha.ServerReflection]) {
    const values = ['grpc.health.v1.Health', 'wxmp.Nothing'];
    const questions = values.map((value) => ({
      host: `${value}.example`,
      messageRequest: { case: 'fileContainingSymbol' as const, value },
    }));
    const responses = await collect(createClient(service, transport).serverReflectionInfo(toAsync(questions)));
    assert.deepEqual(
      responses.map(({ validHost, originalRequest }) => [validHost, originalRequest?.messageRequest.value]),
      values.map((value) => [`${value}.example`, value]),
    );
    assert.deepEqual(
      responses.map(({ messageResponse }) => messageResponse.case),
      ['fileDescriptorResponse', 'errorResponse'],
    );
  }
});

test('a stream that asks too much ends with RESOURCE_EXHAUSTED', LONG, async (t) => {
  const { client } = await serve(t);
  const asked: Asked = { messageRequest: { case: 'listServices', value: '' } };
  let answers = 0;
  await assert.rejects(
    async () => {
      for await (const _ of client.serverReflectionInfo(toAsync(Array<Asked>(MAX_REQUESTS + 1).fill(asked)))) answers++;
    },
    { code: Code.ResourceExhausted },
  );
  assert.equal(answers, MAX_REQUESTS);
});

test('an open stream does not hold the server back: its shutdown signal ends it', LONG, async (t) => {
  const { baseUrl, shutdown, close } = await serve(t);
  const client = new grpc.Client(new URL(baseUrl).host, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const stream = client.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (asked: v1.ServerReflectionRequest) => Buffer.from(toBinary(v1.ServerReflectionRequestSchema, asked)),
    (bytes) => fromBinary(v1.ServerReflectionResponseSchema, bytes),
  );
  stream.write(create(v1.ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '' } }));
  await once(stream, 'data');
  const failed = once(stream, 'error');
  shutdown.abort(new ConnectError('the service is stopping', Code.Unavailable));
  const [error] = await failed;
  assert.equal(error.code, grpc.status.UNAVAILABLE);
  await close(60_000);
});
