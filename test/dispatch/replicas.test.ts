import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { DispatchService, DispatchState } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { openDatabase } from '../../src/db/database.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { asked } from '../support/operating.ts';
import { passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_paused';
const everything = { scope: { case: 'everything', value: true } } as const;
const account = { scope: { case: 'appid', value: appid } } as const;

for (const { name: dialect, create } of dialects) {
  describe(`two processes that are paused, on ${dialect}`, () => {
    let database: TestDatabase;
    let wechat: WechatSide;
    let receiver: Receiver;
    const processes: ServiceProcess[] = [];
    /** What arrives beyond so many replies hangs until it is opened. */
    let gate = { limit: 0, opened: Promise.withResolvers<void>() };
    const replies = () => receiver.arrived.filter(({ method }) => method === 'v2recvaireply');
    before(async () => {
      database = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [
        article('a1', '成人票是 168 元，儿童票是 98 元。'),
      ]);
      receiver = await startReceiver(async (call) => {
        if (call.method === 'v2recvaireply' && replies().length > gate.limit) await gate.opened.promise;
        await passOn(call, wechat.url);
      });
      const env = {
        ...testEnv(database.url, receiver.url),
        DISPATCH_WORKERS: '2',
        BIZCOMM_TIMEOUT_MS: '40000',
        LEASE_SECONDS: '60',
      };
      for (const _ of [1, 2]) processes.push((await spawnService(env))!);
    });
    after(async () => {
      for (const process of processes) process.kill('SIGKILL');
      await Promise.all(processes.map(({ ended }) => ended));
      await receiver.close();
      await wechat.close();
      await database.drop();
    });

    test('nothing arrives after the answer but what was being sent; after the resume all arrive once, in order', {
      timeout: 240_000,
    }, async () => {
      const [first, second] = processes.map(({ url }) =>
        createClient(DispatchService, createGrpcTransport({ baseUrl: url })),
      );
      const urls = processes.map(({ url }) => url);
      await post(urls[0]!, '/api/wxmp/assistant/create', { appid, name: 'n' });
      await until('it has learned', async () => {
        const { status } = await post(urls[0]!, '/api/wxmp/assistant/detail', { appid });
        return status === 2;
      });
      const openids = ['o1', 'o2', 'o3', 'o4', 'o5'];
      const numbers = Array.from({ length: 8 }, (_, index) => String(index));
      // All wait at first, so that there is something to drain.
      await first!.pauseDelivery({ scope: everything, ...asked });
      for (const [index, number] of numbers.entries()) {
        for (const openid of openids) {
          const text = { content: '成人票多少钱？' };
          await post(urls[index % 2]!, '/api/wxmp/message/notify', {
            appid,
            openid,
            msgid: `${openid}-${number}`,
            msg_type: 'text',
            text,
          });
        }
      }
      await until('all are answered', async () => {
        const { dispatches } = await first!.listDispatches({ kind: 'wxmp.reply.v2', pageSize: 200 });
        return dispatches.length === 40;
      });
      assert.equal(replies().length, 0);
      const direct = openDatabase({ url: database.url, poolSize: 1, queryTimeoutMs: 10_000 });
      const begun = async () => {
        const [row] = await direct.all<{ many: number }>('select sum(started) many from dispatch');
        return Number(row!.many);
      };
      for (const scope of [everything, account]) {
        gate = { limit: replies().length + 5, opened: Promise.withResolvers<void>() };
        await second!.resumeDelivery({ scope: everything, ...asked });
        await until('some have arrived, and some are being sent', () => replies().length > gate.limit);
        await second!.pauseDelivery({ scope, ...asked });
        const begunBefore = await begun();
        gate.opened.resolve();
        await until('no process holds a lane', async () => {
          return (await direct.all('select 1 from lane where lease_token is not null')).length === 0;
        });
        assert.equal(await begun(), begunBefore, 'no try was begun after the answer');
        assert.ok(replies().length < 40, 'something is left');
        const pending = await first!.listDispatches({ states: [DispatchState.PENDING], pageSize: 200 });
        assert.equal(
          replies().length,
          40 - pending.dispatches.length,
          'what was being sent has arrived and is recorded',
        );
      }
      await direct.close();
      gate.limit = 40;
      await first!.resumeDelivery({ scope: account, ...asked });
      await until('all have arrived', () => replies().length >= 40);
      await until('all is recorded', async () => {
        return (await first!.listDispatches({ states: [DispatchState.PENDING] })).dispatches.length === 0;
      });
      for (const openid of openids) {
        const msgids = replies().map(({ body }) => body.msgid as string);
        assert.deepEqual(
          msgids.filter((msgid) => msgid.startsWith(`${openid}-`)),
          numbers.map((number) => `${openid}-${number}`),
        );
      }
    });
  });
}
