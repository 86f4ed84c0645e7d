import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { AttemptOutcome, DispatchService, DispatchState, ListOrder } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { dialects } from '../support/databases.ts';
import { createGrpc, refusalOf } from '../support/grpc.ts';
import { asked } from '../support/operating.ts';
import { type Arrived, passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, post, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_operated';
const root = join(import.meta.dirname, '../..');
const everything = { scope: { case: 'everything', value: true } } as const;
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`DispatchService on ${dialect}`, () => {
    let service: Service;
    let receiver: Receiver;
    let operator: Client<typeof DispatchService>;
    /** Replies to these messages hang until they are let go. */
    const hanging = new Map<string, Arrived | undefined>();
    before(async () => {
      receiver = await startReceiver(async (call) => {
        const msgid = call.method === 'v2recvaireply' ? call.body.msgid : undefined;
        if (hanging.has(msgid)) hanging.set(msgid, call);
        else await passOn(call, service.wechat.url);
      });
      const articles = [article('a1', '成人票是 168 元，儿童票是 98 元。')];
      const env = { BIZCOMM_URL: receiver.url, BIZCOMM_TIMEOUT_MS: '40000', LEASE_SECONDS: '60' };
      service = await startService({ dialect, articles, env });
      await service.createLearned(appid);
      operator = createClient(DispatchService, createGrpcTransport({ baseUrl: service.app.url }));
    });
    after(async () => {
      await receiver?.close();
      await service?.stop();
    });

    const notify = async (openid: string, msgid: string) => {
      const message = { appid, openid, msgid, msg_type: 'text', text: { content: '成人票多少钱？' } };
      assert.equal((await service.call('/api/wxmp/message/notify', message)).errcode, 0);
    };
    /** Asks as a user; the reply to the first message hangs. Returns the ids of the dispatches and their lane. */
    const askHanging = async (openid: string, msgids: readonly string[]) => {
      hanging.set(msgids[0]!, undefined);
      for (const msgid of msgids) await notify(openid, msgid);
      const ids = [];
      for (const msgid of msgids) {
        const explained = () => service.call('/api/wxmp/message/explain', { appid, msgid });
        ids.push(
          await until(`${msgid} is answered`, async () => (await explained()).deliveries[0]?.dispatch_id as string),
        );
      }
      await until('the first reply hangs', () => hanging.get(msgids[0]!));
      const { dispatch } = await operator.getDispatch({ dispatchId: ids[0]! });
      return { ids, laneId: dispatch!.laneId };
    };
    const letGo = async (msgid: string) => {
      const call = hanging.get(msgid)!;
      hanging.delete(msgid);
      await passOn(call, service.wechat.url);
    };
    const arrivedOf = (openid: string) =>
      receiver.arrived.filter(({ body }) => body?.openid === openid).map(({ body }) => body.msgid as string);

    test('each command holds while a worker has the lane: cancel, retry, unblock, pause, resume', LONG, async () => {
      const { ids, laneId } = await askHanging('openid-1', ['m1', 'm2', 'm3', 'm4']);
      const [first, second, third] = ids as [string, string, string];
      const held = await operator.getDispatch({ dispatchId: first });
      assert.deepEqual([held.lane?.held, held.dispatch?.unendedAttempts, held.attempts], [true, 1, []]);
      const list = await operator.listDispatches({ laneId, order: ListOrder.OLDEST_FIRST });
      assert.deepEqual(
        list.dispatches.map(({ dispatchId, state }) => [dispatchId, state]),
        ids.map((id) => [id, DispatchState.PENDING]),
      );

      const cancelled = await operator.cancelDispatch({ dispatchId: first, ...asked });
      assert.deepEqual([cancelled.mayHaveArrived, cancelled.underWay], [true, true]);
      const waiting = await operator.cancelDispatch({ dispatchId: second, ...asked });
      assert.deepEqual([waiting.mayHaveArrived, waiting.underWay], [false, false]);
      const buried = await operator.unblockLane({ laneId, ...asked, buryHead: true });
      assert.deepEqual([buried.buriedDispatchId, buried.mayHaveArrived, buried.headDispatchId], [third, false, ids[3]]);
      await operator.pauseDelivery({ scope: everything, ...asked });
      await letGo('m1');
      await until('the holder has let go of the lane', async () => {
        const { lane, attempts } = await operator.getDispatch({ dispatchId: first });
        return lane?.held === false && attempts.length === 1;
      });
      assert.deepEqual(arrivedOf('openid-1'), ['m1'], 'what was being sent, and nothing after the pause');
      const after = await operator.getDispatch({ dispatchId: first });
      assert.deepEqual(
        [after.dispatch?.state, after.dispatch?.unendedAttempts, after.attempts[0]?.outcome],
        [DispatchState.CANCELLED, 0, AttemptOutcome.DELIVERED],
      );
      assert.deepEqual(
        after.lane?.pauses.map(({ scope, actor }) => [scope?.scope.case, actor]),
        [['everything', 'anna']],
      );
      assert.deepEqual(
        after.audit.map(({ action }) => action),
        ['CancelDispatch', 'UnblockLane'],
      );

      await operator.retryDispatch({ dispatchId: third, ...asked });
      assert.equal((await operator.resumeDelivery({ scope: everything, ...asked })).wasPaused, true);
      await until('what is left is delivered', async () => {
        const states = [DispatchState.PENDING];
        return (await operator.listDispatches({ laneId, states })).dispatches.length === 0;
      });
      assert.deepEqual(arrivedOf('openid-1'), ['m1', 'm3', 'm4'], 'in order, each once, and no cancelled one');
      const late = await operator.retryDispatch({ dispatchId: second, ...asked });
      assert.equal(late.isLate, true);
      await until('the late one is delivered', () => arrivedOf('openid-1').includes('m2'));
      const refused = await refusal(operator.retryDispatch({ dispatchId: third, ...asked }));
      assert.deepEqual(refused, [Code.FailedPrecondition, `dispatch ${third} is delivered: it isn't sent again`]);
    });

    test('an account is paused and resumed without others, and the pause is seen', LONG, async () => {
      const scope = { scope: { case: 'appid', value: appid } } as const;
      await operator.pauseDelivery({ scope, actor: 'ben', reason: 'they asked for it' });
      const { pauses } = await operator.listPauses({});
      assert.deepEqual(
        pauses.map(({ scope: paused, actor, reason }) => [paused?.scope.value, actor, reason]),
        [[appid, 'ben', 'they asked for it']],
      );
      const metrics = await (await fetch(`${service.app.url}/metrics`)).text();
      assert.match(metrics, /^wxmp_delivery_pauses\{scope="appid"\} 1$/m);
      assert.match(metrics, /^wxmp_delivery_pauses\{scope="global"\} 0$/m);
      await notify('openid-2', 'p1');
      const { deliveries } = await until('it is answered', async () => {
        const explained = await service.call('/api/wxmp/message/explain', { appid, msgid: 'p1' });
        return explained.deliveries[0] && explained;
      });
      await until('its lane is parked', async () => {
        const { lane } = await operator.getDispatch({ dispatchId: deliveries[0].dispatch_id });
        return lane?.held === false && lane.dueAt > Date.now() / 1000 + 60;
      });
      assert.deepEqual(arrivedOf('openid-2'), []);
      await operator.resumeDelivery({ scope, ...asked });
      await until('it arrives', () => arrivedOf('openid-2').length === 1);
    });

    test(
      'lists in pages, by state, lane, account, kind and age, and tells nothing of what people wrote',
      LONG,
      async () => {
        await until('the last delivery is recorded', async () => {
          const { dispatches } = await operator.listDispatches({ states: [DispatchState.PENDING] });
          return dispatches.length === 0;
        });
        const all = await operator.listDispatches({});
        assert.ok(all.dispatches.length >= 6);
        assert.doesNotMatch(
          JSON.stringify(all, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
          /168|元/,
        );
        const paged: string[] = [];
        let pageToken = '';
        do {
          const page = await operator.listDispatches({ pageSize: 2, pageToken, order: ListOrder.OLDEST_FIRST });
          assert.ok(page.dispatches.length <= 2);
          paged.push(...page.dispatches.map(({ dispatchId }) => dispatchId));
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        assert.deepEqual(
          paged.toReversed(),
          all.dispatches.map(({ dispatchId }) => dispatchId),
        );
        const count = async (request: Parameters<typeof operator.listDispatches>[0]) =>
          (await operator.listDispatches(request)).dispatches.length;
        const cancelled = { states: [DispatchState.CANCELLED, DispatchState.DEAD] };
        const one = all.dispatches.find(({ kind }) => kind === 'wxmp.reply.v2')!;
        assert.equal(await count(cancelled), 1);
        assert.equal(await count({ states: [DispatchState.DELIVERED] }), paged.length - 1);
        assert.equal(await count({ appid: 'wx_nobody' }), 0);
        assert.equal(await count({ appid }), paged.length);
        assert.equal(await count({ kind: 'wxmp.reply.v2' }), 5);
        assert.ok((await count({ laneId: one.laneId })) < paged.length);
        assert.equal(await count({ olderThanSeconds: 3600 }), 0);
        const { payload } = await operator.getDispatch({ dispatchId: one.dispatchId });
        assert.match(payload, /168/);
      },
    );

    test('each bad field is named with its rule, and nothing is done', LONG, async () => {
      const dispatchId = 'x'.repeat(33);
      const wrong: [call: () => Promise<unknown>, message: RegExp, code?: Code][] = [
        [() => operator.getDispatch({}), /^dispatch_id: /],
        [() => operator.getDispatch({ dispatchId }), /^dispatch_id: /],
        [() => operator.getDispatch({ dispatchId: 'none' }), /^no such dispatch: none$/, Code.NotFound],
        [() => operator.retryDispatch({ dispatchId: 'x', reason: 'r' }), /^actor: value is required$/],
        [() => operator.retryDispatch({ dispatchId: 'x', actor: 'a' }), /^reason: value is required$/],
        [() => operator.retryDispatch({ dispatchId: 'x', ...asked, windowSeconds: 2592001 }), /^window_seconds: /],
        [() => operator.cancelDispatch({ dispatchId: 'x', actor: 'a'.repeat(129), reason: 'r' }), /^actor: /],
        [() => operator.cancelDispatch({ dispatchId: 'x', actor: 'a', reason: 'r'.repeat(1001) }), /^reason: /],
        [() => operator.unblockLane({ ...asked }), /^lane_id: value is required$/],
        [() => operator.pauseDelivery({ ...asked }), /^scope: value is required$/],
        [() => operator.pauseDelivery({ scope: {}, ...asked }), /^scope.scope: /],
        [
          () => operator.pauseDelivery({ scope: { scope: { case: 'everything', value: false } }, ...asked }),
          /^scope.everything: /,
        ],
        [() => operator.resumeDelivery({ scope: { scope: { case: 'appid', value: '' } }, ...asked }), /^scope.appid: /],
        [() => operator.listDispatches({ states: [0] }), /^states\[0\]: /],
        [() => operator.listDispatches({ order: 9 as ListOrder }), /^order: /],
        [() => operator.listDispatches({ pageToken: 'nonsense' }), /^page_token: /],
        [
          () => operator.listDispatches({ pageToken: Buffer.from('{"after":"x/y"}').toString('base64url') }),
          /^page_token: /,
        ],
      ];
      for (const [call, message, code = Code.InvalidArgument] of wrong) {
        const [told, text] = await refusal(call());
        assert.match(String(text), message);
        assert.equal(told, code, String(text));
      }
      assert.deepEqual((await operator.listPauses({})).pauses, []);
    });

    test('every kind of client can call it, and there is no JSON route', LONG, async () => {
      const baseUrl = service.app.url;
      const clients = [
        createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
        createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
        createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
      ].map((transport) => createClient(DispatchService, transport));
      const { dispatches } = await operator.listDispatches({});
      for (const client of clients) assert.deepEqual((await client.listDispatches({})).dispatches, dispatches);
      const grpc = createGrpc(baseUrl);
      assert.deepEqual((await grpc.call(DispatchService.method.listDispatches, {})).dispatches, dispatches);
      const refused = await refusalOf(grpc.call(DispatchService.method.cancelDispatch, {}));
      grpc.close();
      assert.deepEqual(
        [refused.errorInfo?.metadata.errcode, refused.badRequest?.fieldViolations[0]?.field],
        ['40001', 'dispatch_id'],
      );
      const curl = await bufCurl(`${baseUrl}/dispatch.v1.DispatchService/ListDispatches`, { page_size: 1 });
      assert.equal(curl.dispatches[0].dispatch_id ?? curl.dispatches[0].dispatchId, dispatches[0]?.dispatchId);
      for (const path of ['/api/wxmp/dispatch/list', '/api/dispatch/list']) {
        assert.equal((await post(baseUrl, path, {})).errcode, 40401);
      }
    });
  });
}

test(
  'only the admin token opens DispatchService; without one it exists on a loopback listener alone',
  LONG,
  async () => {
    const tokens = { ADMIN_TOKEN: 'admin-of-the-test', WXMP_TOKEN: 'wxmp-of-the-test' };
    const call = async (service: Service, token: string | undefined) => {
      const grpc = createGrpc(service.app.url.replace('0.0.0.0', '127.0.0.1'));
      const codes = new Set<number>();
      for (const method of DispatchService.methods) {
        const options = token === undefined ? {} : { token };
        const done = grpc.call(method, {}, options).then(
          () => 0,
          ({ code }) => code,
        );
        codes.add(await done);
      }
      grpc.close();
      return codes;
    };
    const guarded = await startService({ env: { ...tokens, HTTP_ADDR: '0.0.0.0:0' } });
    for (const wrong of [undefined, tokens.WXMP_TOKEN, 'x']) {
      assert.deepEqual(await call(guarded, wrong), new Set([Code.Unauthenticated]));
    }
    assert.deepEqual(await call(guarded, tokens.ADMIN_TOKEN), new Set([0, Code.InvalidArgument]));
    await guarded.stop();
    const open = await startService({ env: { WXMP_TOKEN: tokens.WXMP_TOKEN } });
    assert.deepEqual(await call(open, undefined), new Set([0, Code.InvalidArgument]));
    await open.stop();
    const closed = await startService({ env: { WXMP_TOKEN: tokens.WXMP_TOKEN, HTTP_ADDR: '0.0.0.0:0' } });
    assert.deepEqual(await call(closed, tokens.WXMP_TOKEN), new Set([Code.Unimplemented]));
    await closed.stop();
  },
);

async function refusal(call: Promise<unknown>) {
  const error = ConnectError.from(
    await call.then(
      () => assert.fail('it was not refused'),
      (reason) => reason,
    ),
  );
  return [error.code, error.rawMessage] as const;
}

// biome-ignore lint/suspicious/noExplicitAny: it is looked at field by field
function bufCurl(url: string, body: unknown): Promise<any> {
  const args = ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', '-d', JSON.stringify(body), url];
  return new Promise((resolve, reject) => {
    execFile(join(root, 'node_modules/.bin/buf'), args, { cwd: root, timeout: 60_000 }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
  });
}
