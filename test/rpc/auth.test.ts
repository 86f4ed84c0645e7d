import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { HealthCheckResponse_ServingStatus, Health as HealthService } from '../../gen/grpc/health/v1/health_pb.ts';
import { ArticleService } from '../../gen/wxmp/article/v1/article_pb.ts';
import { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { KnowledgeService } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { createGrpc, refusalOf } from '../support/grpc.ts';
import { post, type Service, startService } from '../support/service.ts';

const WXMP_TOKEN = 'wxmp-token-of-the-test';
const ADMIN_TOKEN = 'admin-token-of-the-test';
const LONG = { timeout: 30_000 };

const services: DescService[] = [AssistantService, KnowledgeService, ArticleService, MessageService];
const methods = services.flatMap((service) => service.methods);
/** What the design keeps for operators; all else is the seed's. */
const adminNames = [
  'ListAssistants',
  'SetExpert',
  'GetExpert',
  'SyncArticles',
  'Ask',
  'ExplainMessage',
  'EraseUser',
  'ListDocuments',
  'ListPassages',
];
const isAdmin = ({ name }: DescMethod) => adminNames.includes(name);
const pathOf = (method: DescMethod) => String(getOption(method, http).pattern.value);

interface Setup {
  what: string;
  env: Record<string, string>;
  /** The token that a method wants; undefined: none. */
  wants(method: DescMethod): string | undefined;
  /** Whether the admin calls exist. */
  admin: boolean;
}

const setups: Setup[] = [
  { what: 'without tokens, on loopback', env: {}, wants: () => undefined, admin: true },
  {
    what: 'with both tokens',
    env: { WXMP_TOKEN, ADMIN_TOKEN },
    wants: (method) => (isAdmin(method) ? ADMIN_TOKEN : WXMP_TOKEN),
    admin: true,
  },
  {
    what: 'with ADMIN_TOKEN alone, on all interfaces',
    env: { ADMIN_TOKEN, HTTP_ADDR: '0.0.0.0:0' },
    wants: (method) => (isAdmin(method) ? ADMIN_TOKEN : undefined),
    admin: true,
  },
  { what: 'with WXMP_TOKEN alone, on loopback', env: { WXMP_TOKEN }, wants: () => WXMP_TOKEN, admin: true },
  {
    what: 'with WXMP_TOKEN alone, on all interfaces',
    env: { WXMP_TOKEN, HTTP_ADDR: '0.0.0.0:0' },
    wants: (method) => (isAdmin(method) ? undefined : WXMP_TOKEN),
    admin: false,
  },
];

for (const { what, env, wants, admin } of setups) {
  describe(what, () => {
    let service: Service;
    let grpc: ReturnType<typeof createGrpc>;
    before(async () => {
      service = await startService({ env });
      grpc = createGrpc(service.app.url);
    });
    after(async () => {
      grpc?.close();
      await service?.stop();
    });

    test('each call wants its token over JSON, and no other opens it', LONG, async () => {
      for (const method of methods.filter((each) => admin || !isAdmin(each))) {
        for (const [given, header] of headersFor(wants(method))) {
          const { errcode, errmsg } = await lastLine(pathOf(method), header);
          assert.equal(errcode === 40101, !given, `${method.name} with ${header.authorization}: ${errcode}`);
          assert.doesNotMatch(errmsg, /of-the-test/);
        }
      }
    });

    test('each call wants its token over gRPC, and no other opens it', LONG, async () => {
      for (const method of methods.filter((each) => admin || !isAdmin(each))) {
        for (const [given, { authorization }] of headersFor(wants(method))) {
          const token = authorization?.replace(/^bearer /i, '');
          const call = grpc.stream(method, {}, token === undefined ? {} : { token }).toArray();
          const refusal = await refusalOf(call.then(() => Promise.reject({ code: 0, metadata: noMetadata })));
          assert.equal(refusal.code === Code.Unauthenticated, !given, `${method.name} with ${authorization}`);
          if (given) continue;
          const { reason, metadata } = refusal.errorInfo!;
          assert.deepEqual([reason, metadata.errcode], ['UNAUTHENTICATED', '40101']);
          assert.match(metadata.request_id!, /^[0-9A-Z]{26}$/);
        }
      }
    });

    test(`calls of operators ${admin ? 'exist' : 'do not exist'}`, LONG, async () => {
      for (const method of methods.filter(isAdmin)) {
        const header = { authorization: `Bearer ${wants(method)}`, 'content-type': 'application/json' };
        const json = await fetch(service.app.url + pathOf(method), { method: 'POST', headers: header, body: '{}' });
        assert.equal(json.status, admin ? 200 : 404, method.name);
        const call = grpc.stream(method, {}, { token: wants(method) ?? '' }).toArray();
        const refusal = await refusalOf(call.then(() => Promise.reject({ code: 0, metadata: noMetadata })));
        assert.equal(refusal.code === Code.Unimplemented, !admin, method.name);
      }
    });

    test('health, reflection and the operators’ pages are open', LONG, async () => {
      const { status } = await grpc.call(HealthService.method.check, {});
      assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
      assert.ok(await reflects(service.app.url));
      for (const page of ['/healthz', '/readyz', '/metrics']) {
        assert.equal((await fetch(service.app.url + page)).status, 200, page);
      }
    });

    /** What a JSON answer ends with. */
    async function lastLine(path: string, header: Record<string, string>) {
      const headers = { 'content-type': 'application/json', ...header };
      const response = await fetch(service.app.url + path, { method: 'POST', headers, body: '{}' });
      assert.equal(response.status, 200, path);
      return JSON.parse((await response.text()).trim().split('\n').at(-1)!);
    }
  });
}

test('a wrong token is refused before the body is read, over JSON, Connect and gRPC', LONG, async () => {
  const service = await startService({ env: { WXMP_TOKEN, ADMIN_TOKEN } });
  const { hostname, port } = new URL(service.app.url);
  for (const path of ['/api/wxmp/assistant/detail', '/wxmp.assistant.v1.AssistantService/GetAssistant']) {
    const socket = net.connect(Number(port), hostname);
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nauthorization: Bearer x\r\n`;
    socket.write(`${head}content-length: 500000\r\n\r\n{`); // and no more
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /40101|unauthenticated/);
    socket.destroy();
  }
  const session = http2.connect(service.app.url);
  const stream = session.request({
    ...{ ':path': '/wxmp.assistant.v1.AssistantService/GetAssistant', ':method': 'POST' },
    ...{ 'content-type': 'application/grpc', te: 'trailers', authorization: 'Bearer x' },
  });
  stream.resume();
  const [trailers] = (await once(stream, 'trailers')) as [http2.IncomingHttpHeaders];
  assert.equal(trailers['grpc-status'], String(Code.Unauthenticated));
  session.destroy();
  await service.stop();
});

test('the scheme may be written in any case, the token may not', async () => {
  const service = await startService({ env: { WXMP_TOKEN } });
  const detail = (authorization: string) =>
    post(service.app.url, '/api/wxmp/assistant/detail', { appid: 'wx_nobody' }, { authorization });
  for (const right of [`bearer ${WXMP_TOKEN}`, `BEARER  ${WXMP_TOKEN}`])
    assert.equal((await detail(right)).errcode, 40401);
  for (const wrong of [
    WXMP_TOKEN,
    `Basic ${WXMP_TOKEN}`,
    `Bearer ${WXMP_TOKEN.toUpperCase()}`,
    `Bearer ${WXMP_TOKEN}x`,
  ]) {
    assert.equal((await detail(wrong)).errcode, 40101, wrong);
  }
  await service.stop();
});

const noMetadata = { get: () => [], getMap: () => ({}) };

/** Headers that open a call which wants this token, and some that don't. */
function* headersFor(token: string | undefined): Generator<[opens: boolean, headers: Record<string, string>]> {
  yield [token === undefined, {}];
  for (const each of [WXMP_TOKEN, ADMIN_TOKEN, 'wrong', '']) {
    yield [token === undefined || token === each, { authorization: `Bearer ${each}` }];
  }
}

/** Asks reflection for its services, over gRPC. */
async function reflects(url: string): Promise<boolean> {
  const session = http2.connect(url);
  const stream = session.request({
    ...{ ':path': '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', ':method': 'POST' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  });
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0x3a, 0])); // list_services: ''
  const bytes = Buffer.concat(await stream.toArray());
  session.destroy();
  return bytes.includes('wxmp.message.v1.MessageService');
}
