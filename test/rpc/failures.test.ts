import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { createConnection } from 'mysql2/promise';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { mysql } from '../../src/db/dialect.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createInterceptors } from '../../src/rpc/interceptors.ts';
import { dialects } from '../support/databases.ts';
import { createGrpc, refusalOf } from '../support/grpc.ts';
import { type Service, startService } from '../support/service.ts';

const appid = 'wx_failures';
const requestTimeoutMs = 700;

/** What would tell of the inside. */
const inside =
  /select|insert|update |from |table|sql|column|errno|127\.0\.0\.1|localhost|node_modules|\.ts\b|at \/|Error:/i;

for (const { name: dialect } of dialects) {
  describe(`a failing database on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, env: { REQUEST_TIMEOUT_MS: String(requestTimeoutMs) } });
      await service.createLearned(appid);
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 10_000 });
    });
    after(async () => {
      await database?.close();
      await service?.stop();
    });

    const json = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(20_000) };
      const response = await fetch(service.app.url + path, init);
      const text = await response.text();
      return { status: response.status, id: response.headers.get('x-request-id') ?? '', text, body: JSON.parse(text) };
    };
    const detail = () => json('/api/wxmp/assistant/detail', { appid });

    test('our fault is 50001 with HTTP 500 and the id of the request, over JSON', async () => {
      await withoutTable(async () => {
        for (const [path, body] of [
          ['/api/wxmp/assistant/detail', { appid }],
          ['/api/wxmp/assistant/publish', { appid }],
          ['/api/wxmp/message/ask', { appid, content: '你好' }],
        ] as const) {
          const answer = await json(path, body);
          assert.deepEqual([answer.status, answer.body.errcode], [500, 50001], path);
          assert.match(answer.id, /^[0-9A-Z]{26}$/);
          assert.ok(answer.body.errmsg.includes(answer.id), answer.text);
          assert.doesNotMatch(answer.text, inside);
        }
      });
    });

    test('it is internal, with the same in its details, over Connect and gRPC', async () => {
      const grpc = createGrpc(service.app.url);
      await withoutTable(async () => {
        const connect = await json('/wxmp.assistant.v1.AssistantService/GetAssistant', { appid });
        assert.deepEqual([connect.status, connect.body.code], [500, 'internal']);
        const { reason, metadata } = connect.body.details[0].debug;
        assert.deepEqual([reason, metadata], ['INTERNAL', { errcode: '50001', request_id: connect.id }]);
        assert.doesNotMatch(connect.text, inside);
        const unary = await refusalOf(grpc.call(AssistantService.method.getAssistant, { appid }));
        const stream = grpc.stream(MessageService.method.ask, { appid, content: '你好' });
        for (const told of [unary, await refusalOf(stream.toArray())]) {
          assert.equal(told.code, Code.Internal);
          const [id] = told.metadata.get('x-request-id');
          assert.deepEqual(told.errorInfo?.metadata, { errcode: '50001', request_id: id });
          assert.ok(told.message.includes(String(id)));
          assert.doesNotMatch(told.message + JSON.stringify(told.metadata.getMap()), inside);
        }
      }).finally(grpc.close);
    });

    test('a database that does not answer is 50301 with HTTP 503, in time', async () => {
      const grpc = createGrpc(service.app.url);
      await whileLocked(async () => {
        const startedMs = performance.now();
        const answer = await json('/api/wxmp/assistant/publish', { appid });
        assert.deepEqual([answer.status, answer.body.errcode], [503, 50301]);
        assert.doesNotMatch(answer.text, inside);
        const told = await refusalOf(grpc.call(AssistantService.method.publishAssistant, { appid }));
        assert.equal(told.code, Code.DeadlineExceeded);
        assert.equal(told.errorInfo?.metadata.errcode, '50301');
        assert.ok(performance.now() - startedMs < 10 * requestTimeoutMs);
      }).finally(grpc.close);
    });

    test('a deadline of the caller is honoured by the service', async () => {
      await whileLocked(async () => {
        const headers = { 'content-type': 'application/json', 'connect-timeout-ms': '50' };
        const startedMs = performance.now();
        const response = await fetch(`${service.app.url}/wxmp.assistant.v1.AssistantService/PublishAssistant`, {
          ...{ method: 'POST', headers, body: JSON.stringify({ appid }) },
        });
        const { code } = (await response.json()) as { code: string };
        assert.equal(code, 'deadline_exceeded');
        assert.ok(performance.now() - startedMs < requestTimeoutMs, 'long before our own');
      });
    });

    test('once the database is back, so is the service', async () => {
      assert.equal((await detail()).body.errcode, 0);
      assert.equal((await json('/api/wxmp/assistant/publish', { appid })).body.errcode, 0);
    });

    /** As if somebody had dropped a table. */
    async function withoutTable(work: () => Promise<void>): Promise<void> {
      await database.run('alter table assistant rename to assistant_gone');
      await work().finally(() => database.run('alter table assistant_gone rename to assistant'));
    }

    /** As if the database hung. */
    async function whileLocked(work: () => Promise<void>): Promise<void> {
      if (dialect === 'sqlite') {
        await database.run('begin immediate');
        await work().finally(() => database.run('rollback'));
        return;
      }
      const connection = await createConnection(service.databaseUrl);
      await connection.query('lock tables assistant write');
      await work().finally(() => connection.end());
    }
  });
}

test('a database that can not be reached is told without its host; the log has it, with the id', async () => {
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => void lines.push(line) });
  const config = { REQUEST_TIMEOUT_MS: 1000 };
  const context = { config, logger, metrics: createMetrics(), database: { dialect: mysql } } as unknown as Context;
  const method = AssistantService.method.getAssistant;
  const failing = async () => {
    throw Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:3306'), { code: 'ECONNREFUSED' });
  };
  const chain = createInterceptors(context).reduceRight<(request: unknown) => Promise<unknown>>(
    (next, interceptor) => interceptor(next as never) as never,
    failing,
  );
  const request = { stream: false, service: method.parent, method, signal: new AbortController().signal };
  const header = new Headers({ 'x-request-id': 'id-1' });
  const message = { $typeName: method.input.typeName, appid, view: 0 };
  const error = await chain({ ...request, header, message }).then(
    () => assert.fail('it was answered'),
    (reason) => ConnectError.from(reason),
  );
  assert.equal(error.code, Code.Unavailable);
  assert.deepEqual(error.findDetails(ErrorInfoSchema)[0]?.metadata, { errcode: '50301', request_id: 'id-1' });
  assert.doesNotMatch(error.message, /10\.1|3306|ECONN/);
  const [entry] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([entry.requestId, entry.error], ['id-1', 'connect ECONNREFUSED 10.1.2.3:3306']);
});
