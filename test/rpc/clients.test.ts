import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DescMethodUnary, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { BadRequestSchema, ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { HealthCheckResponse_ServingStatus, Health as HealthService } from '../../gen/grpc/health/v1/health_pb.ts';
import { ArticleService } from '../../gen/wxmp/article/v1/article_pb.ts';
import { AssistantService, GetAssistantResponseSchema } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { KnowledgeService } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createGrpc, refusalOf } from '../support/grpc.ts';
import { article, post, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_clients';
const root = join(import.meta.dirname, '../..');
const LONG = { timeout: 60_000 };
const { getAssistant } = AssistantService.method;
const { notifyMessage } = MessageService.method;

/** What a caller is told: the answer's name, or why there is none. */
interface Told {
  name?: string;
  code?: Code;
  message?: string;
  reason?: string | undefined;
  domain?: string | undefined;
  errcode?: string | undefined;
  field?: string | undefined;
}

/** Calls a method with a body in the contract's own keys. */
type Call = (method: DescMethodUnary, body: Record<string, JsonValue>) => Promise<Told>;

describe('every kind of client', () => {
  let service: Service;
  let transports: Record<string, Transport>;
  let grpc: ReturnType<typeof createGrpc>;
  before(async () => {
    service = await startService({ articles: [article('a1', '成人票是 168 元，儿童票是 98 元。')] });
    await service.createLearned(appid);
    await service.ask(appid, 'openid-1', 'msg-1', '成人票多少钱？');
    const baseUrl = service.app.url;
    transports = {
      'Connect JSON over HTTP/1.1': createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
      'Connect binary over HTTP/2': createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
      'gRPC-Web over HTTP/1.1': createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
      "Connect's gRPC": createGrpcTransport({ baseUrl }),
    };
    grpc = createGrpc(baseUrl);
  });
  after(async () => {
    grpc?.close();
    await service?.stop();
  });

  const message = { appid, openid: 'openid-1', msgid: 'msg-1', msg_type: 'text', text: { content: '儿童票多少钱？' } };
  const wanted: [what: string, method: DescMethodUnary, body: Record<string, JsonValue>, told: Told][] = [
    ['a success', getAssistant, { appid }, { name: '助手' }],
    [
      'a field that is missing',
      getAssistant,
      {},
      {
        ...{ code: Code.InvalidArgument, errcode: '40001', reason: 'INVALID_FIELD', field: 'appid' },
        ...{ domain: 'wxmp-assistant', message: 'appid: value is required' },
      },
    ],
    [
      'an assistant that there is not',
      getAssistant,
      { appid: 'wx_nobody' },
      {
        ...{ code: Code.NotFound, errcode: '40401', reason: 'NOT_FOUND', field: undefined },
        ...{ domain: 'wxmp-assistant', message: 'no such assistant: wx_nobody' },
      },
    ],
    [
      'a conflict',
      notifyMessage,
      message,
      {
        ...{ code: Code.AlreadyExists, errcode: '40901', reason: 'CONFLICT', field: undefined },
        ...{ domain: 'wxmp-assistant', message: 'msgid msg-1 was accepted with another payload' },
      },
    ],
  ];

  const callers: Record<string, () => Call> = {
    ...Object.fromEntries(
      ['Connect JSON over HTTP/1.1', 'Connect binary over HTTP/2', 'gRPC-Web over HTTP/1.1', "Connect's gRPC"].map(
        (name) => [name, () => callOver(transports[name]!)],
      ),
    ),
    '@grpc/grpc-js': () => async (method, body) => {
      try {
        return { name: nameIn(await grpc.call(method, toInput(body))) };
      } catch (error) {
        const { code, message: text, errorInfo, badRequest } = await refusalOf(Promise.reject(error));
        const { reason, domain, metadata } = errorInfo!;
        const field = badRequest?.fieldViolations[0]?.field;
        return { code, message: text, reason, domain, errcode: metadata.errcode, field };
      }
    },
    'buf curl over gRPC, by reflection': () => bufCurl(['--http2-prior-knowledge', '--protocol', 'grpc']),
    'buf curl over Connect, by the schema': () => bufCurl(['--schema', 'proto', '--protocol', 'connect']),
  };
  for (const [name, call] of Object.entries(callers)) {
    test(`${name}: the same success and the same refusals, with their details`, LONG, async () => {
      for (const [what, method, body, told] of wanted) assert.deepEqual(await call()(method, body), told, what);
    });
  }

  test('JSON: the same, as errcode and errmsg', async () => {
    const paths = new Map<DescMethodUnary, string>([
      [getAssistant, '/api/wxmp/assistant/detail'],
      [notifyMessage, '/api/wxmp/message/notify'],
    ]);
    for (const [what, method, body, told] of wanted) {
      const { errcode, errmsg, name } = await post(service.app.url, paths.get(method)!, body);
      assert.equal(String(errcode), told.errcode ?? '0', what);
      assert.equal(errmsg, told.message ?? 'ok', what);
      assert.equal(name, told.name, what);
    }
  });

  test('Ask streams its answer over Connect, gRPC-Web and gRPC', LONG, async () => {
    const request = { appid, content: '成人票多少钱？' };
    const texts: string[] = [];
    for (const transport of Object.values(transports)) {
      const answers = [];
      for await (const answer of createClient(MessageService, transport).ask(request)) answers.push(answer);
      assert.equal(answers.at(-1)?.isFinal, true);
      assert.equal(answers.at(-1)?.citations[0]?.title, 'a1 第1篇');
      texts.push(answers.at(-1)!.text);
    }
    const stream = await grpc.stream(MessageService.method.ask, request).toArray();
    texts.push(stream.at(-1).text);
    assert.match(texts[0]!, /168/);
    assert.deepEqual(new Set(texts).size, 1, 'the same answer to all');
    const refused = await refusalOf(grpc.stream(MessageService.method.ask, { appid }).toArray());
    assert.deepEqual([refused.code, refused.errorInfo?.metadata.errcode], [Code.InvalidArgument, '40001']);
  });

  test('a deadline of the client ends its call in time, over Connect and gRPC', LONG, async () => {
    const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    await whileLocked(database, async () => {
      const startedMs = performance.now();
      for (const transport of Object.values(transports)) {
        const client = createClient(AssistantService, transport);
        const told = await client.publishAssistant({ appid }, { timeoutMs: 100 }).catch((error) => error);
        assert.equal(ConnectError.from(told).code, Code.DeadlineExceeded);
      }
      const { publishAssistant } = AssistantService.method;
      assert.equal((await refusalOf(grpc.call(publishAssistant, { appid }, { deadlineMs: 100 }))).code, 4);
      assert.ok(performance.now() - startedMs < 5000);
    });
    await database.close();
  });

  test('Check knows each service, Watch tells of the stop and ends', LONG, async () => {
    const { check, watch } = HealthService.method;
    const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
    const services = [AssistantService, KnowledgeService, ArticleService, MessageService].map((each) => each.typeName);
    for (const name of ['', ...services]) assert.equal((await grpc.call(check, { service: name })).status, SERVING);
    assert.equal((await refusalOf(grpc.call(check, { service: 'wxmp.nope' }))).code, Code.NotFound);
    const statuses: HealthCheckResponse_ServingStatus[] = [];
    const watching = grpc.stream(watch, { service: MessageService.typeName });
    const ended = watching.forEach(({ status }) => void statuses.push(status));
    await until('it is watched', () => statuses.length === 1);
    await service.stopApp();
    await ended;
    assert.deepEqual(statuses, [SERVING, NOT_SERVING]);
    await service.restartApp();
  });

  function bufCurl(options: string[]): Call {
    return async (method, body) => {
      const url = `${service.app.url}/${method.parent.typeName}/${method.name}`;
      const { error, stdout, stderr } = await run(['curl', ...options, '-d', JSON.stringify(body), url]);
      if (error === null) return { name: JSON.parse(stdout).name };
      const { code, message: text, details } = JSON.parse(stderr);
      const [info, bad] = details.map(({ value }: { value: string }) => Buffer.from(value, 'base64'));
      const { reason, domain, metadata } = fromBinary(ErrorInfoSchema, info);
      const field = bad && fromBinary(BadRequestSchema, bad).fieldViolations[0]?.field;
      return { code: codeOf(code), message: text, reason, domain, errcode: metadata.errcode, field };
    };
  }
});

function callOver(transport: Transport): Call {
  return async (method, body) => {
    try {
      const { message } = await transport.unary(method, undefined, undefined, undefined, toInput(body));
      return { name: nameIn(message) };
    } catch (reason) {
      const error = ConnectError.from(reason);
      const [info] = error.findDetails(ErrorInfoSchema);
      return {
        code: error.code,
        message: error.rawMessage,
        reason: info?.reason,
        domain: info?.domain,
        errcode: info?.metadata.errcode,
        field: error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field,
      };
    }
  };
}

function nameIn(answer: unknown): string {
  return (toJson(GetAssistantResponseSchema, answer as never) as { name: string }).name;
}

/** The contract's own keys as protobuf-es has them. */
function toInput(body: Record<string, JsonValue>): Record<string, unknown> {
  const { msg_type, ...rest } = body;
  return { ...rest, ...(msg_type && { msgType: msg_type }) };
}

function run(args: string[]): Promise<{ error: Error | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: 30_000 };
    execFile(join(root, 'node_modules/.bin/buf'), args, options, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });
}

function codeOf(name: string): Code {
  const pascal = name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Code[pascal as keyof typeof Code];
}

/** As if the database hung. */
async function whileLocked(database: Database, work: () => Promise<void>): Promise<void> {
  await database.run('begin immediate');
  await work().finally(() => database.run('rollback'));
}
