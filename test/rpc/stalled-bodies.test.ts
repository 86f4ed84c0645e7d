import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection, ServerReflectionRequestSchema } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { beginStream, endStream, type FakeLlm, sendDelta, startFakeLlm } from '../support/fake-llm.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const most = 8; // MAX_OPEN_CALLS
const notify = '/wxmp.message.v1.MessageService/NotifyMessage';
const reflect = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

describe('HTTP/2 requests whose body does not end', () => {
  let service: Service;
  let llm: FakeLlm;
  let session: http2.ClientHttp2Session;
  let manager: Http2SessionManager;
  before(async () => {
    llm = await startFakeLlm();
    service = await startService({
      articles: [article('a1', '成人票是 168 元，儿童票是 98 元。')],
      env: {
        ...{ LLM_BASE_URL: llm.url, LLM_MODEL: 'm', LLM_TIMEOUT_MS: '50000', ANSWER_TIMEOUT_MS: '60000' },
        ...{ MAX_OPEN_CALLS: String(most), REQUEST_TIMEOUT_MS: '5000' },
      },
    });
    await service.createLearned('wx1');
    await service.stopApp();
    await service.restartApp({ REQUEST_TIMEOUT_MS: '1000' });
    manager = new Http2SessionManager(service.app.url);
    session = http2.connect(service.app.url);
  });
  after(async () => {
    session?.destroy();
    manager?.abort();
    await service?.stop();
    await llm?.close();
  });

  const transport = () => createGrpcTransport({ baseUrl: service.app.url, sessionManager: manager });
  const openCalls = async () => {
    const text = await (await fetch(`${service.app.url}/metrics`)).text();
    return Number(/calls_now\{state="open"\} (\d+)/.exec(text)?.[1]) - 1; // this one is open as well
  };
  /** Sends headers and a part of the body, by one protocol or another. */
  const stall = (path: string, type: string, part: Uint8Array = Buffer.from('{"appid"')) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': type, te: 'trailers' });
    stream.on('error', () => {}).write(part);
    return stream.resume();
  };

  test('hold no place among the calls for long, and keep no supervisor and no answer waiting', LONG, async () => {
    const watching = new AbortController();
    const health = createClient(Health, transport());
    const statuses = health.watch({}, { signal: watching.signal })[Symbol.asyncIterator]();
    assert.equal((await statuses.next()).value?.status, Status.SERVING);
    llm.answer = ({ response }) => beginStream(response);
    const answers = createClient(MessageService, transport())
      .ask({ appid: 'wx1', content: '成人票多少钱？' })
      [Symbol.asyncIterator]();
    const first = answers.next();
    const { response } = await until('Ask asks the model', () => llm.asked[0]);

    const types = ['application/json', 'application/proto', 'application/grpc', 'application/grpc-web+proto'];
    const stalled: http2.ClientHttp2Stream[] = [];
    const ticking = setInterval(() => {
      for (const [at, stream] of stalled.entries()) if (at % 2 === 1 && stream.writable) stream.write(' ');
    }, 50);
    try {
      await until('there are as many as there may be', async () => {
        for (let at = 0; at < 12; at++) stalled.push(stall(notify, types[at % types.length]!));
        return (await openCalls()) >= most; // those beyond that are refused, and may be gone by now
      });
      assert.equal((await health.check({})).status, Status.SERVING);
      await until('they are cut off', async () => (await openCalls()) === 2);
      await until('all are told', () => stalled.every(({ closed }) => closed));
    } finally {
      clearInterval(ticking);
    }

    sendDelta(response, { content: '成人票是 168 元。[1]' });
    endStream(response);
    let text = (await first).value?.text ?? '';
    for (let next = await answers.next(); !next.done; next = await answers.next()) text = next.value.text;
    assert.match(text, /168/);
    const asked = { appid: 'wx1', openid: 'u1', msgid: 'm1', msgType: 'text', text: { content: '成人票多少钱？' } };
    const client = createClient(MessageService, transport());
    await until('there is room again', () => client.notifyMessage(asked).catch(() => undefined));
    const change = statuses.next();
    watching.abort();
    await assert.rejects(change);
  });

  test('a flood of health checks that stall does not refuse the one that does not', LONG, async () => {
    await until('more are open than there may be of any other kind', async () => {
      for (let at = 0; at < most; at++) stall('/grpc.health.v1.Health/Check', 'application/json');
      return (await openCalls()) > 2 * most + 1;
    });
    const check = createClient(Health, transport()).check({});
    assert.equal((await check).status, Status.SERVING);
    await until('none is open', async () => (await openCalls()) === 0);
  });

  test('a reflection stream that stays open ends as if all was asked, and another can be begun', LONG, async () => {
    const request = create(ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '' } });
    const client = createClient(ServerReflection, transport());
    for (let at = 0; at < 2; at++) {
      const staying = Promise.withResolvers<void>();
      const answers: string[] = [];
      async function* asked() {
        yield request;
        await staying.promise;
      }
      for await (const { messageResponse } of client.serverReflectionInfo(asked())) answers.push(messageResponse.case!);
      assert.deepEqual(answers, ['listServicesResponse']);
      staying.resolve();
    }
    const bytes = toBinary(ServerReflectionRequestSchema, request);
    const stream = stall(reflect, 'application/grpc', Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]));
    const [trailers] = (await once(stream, 'trailers')) as [http2.IncomingHttpHeaders];
    assert.equal(trailers['grpc-status'], '0');
    await once(stream, 'close'); // though this client does not end its side
    await until('nothing is open', async () => (await openCalls()) === 0);
  });
});
