import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { DispatchService, DispatchState } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import { findFreePort } from '../support/free-port.ts';
import type { Bot } from '../support/make-bot.ts';
import { createRandom } from '../support/random.ts';
import { type Replica, superviseReplica } from '../support/replica.ts';
import { article, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';
import { type From, type ResponseUrls, startResponseUrls } from '../support/wecom-side.ts';

const LONG = { timeout: 240_000 };

/** Short leases, so that what a dead process held is taken up soon. */
const quick = { QUERY_TIMEOUT_MS: '2000', LEASE_SECONDS: '5', DATABASE_POOL_SIZE: '6', LOG_LEVEL: 'fatal' };

for (const { name: dialect, create } of dialects) {
  describe(`processes that are killed while users of a WeCom bot ask, on ${dialect}`, () => {
    let database: TestDatabase;
    let wechat: WechatSide;
    let urls: ResponseUrls;
    let bots: EchoBots;
    let bot: Bot;
    /** Each with the address of its callbacks, which stays. */
    const replicas: { replica: Replica; publicUrl: string }[] = [];
    const random = createRandom();

    before(async () => {
      console.log(`TEST_SEED=${random.seed}`);
      database = await create();
      wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [article('a1', '本馆的成人票是 168 元。')]);
      urls = await startResponseUrls();
      const env = { ...testEnv(database.url, wechat.url), ...quick, WECOM_API_HOSTS: urls.host };
      for (const name of ['a', 'b']) {
        const address = `127.0.0.1:${await findFreePort()}`;
        const replica = superviseReplica(name, { ...env, PUBLIC_ADDR: address });
        replicas.push({ replica, publicUrl: `http://${address}` });
        await replica.serves();
      }
      bots = await startEchoBots(() => replicas[0]!.replica.url!, 'wx_kills');
      bot = await bots.makeBot(() => random.pick(replicas).publicUrl);
    }, LONG);
    after(async () => {
      await Promise.all(replicas.map(({ replica }) => replica.stop()));
      await bots?.close();
      await urls?.close();
      await wechat?.close();
      await database?.drop();
    });

    /** As WeCom does: calls again, with the same msgid, until somebody has taken it. */
    const say = async (from: From, words: string, url?: string) => {
      const more = { msgid: randomBytes(9).toString('hex'), ...(url !== undefined && { response_url: url }) };
      return until('it is accepted', async () => {
        const answered = await bot.wecom.say(from, words, more).catch(() => undefined);
        // Whoever is asked to say it again has not been heard.
        return answered?.frame?.stream.finish === false ? (answered.frame.stream.id as string) : undefined;
      });
    };
    const fetchAll = async (from: From, streamId: string) =>
      until('its stream is finished', async () => {
        const answered = await bot.wecom.poll(from, streamId).catch(() => undefined);
        const stream = answered?.frame?.stream;
        return stream?.finish ? (stream.content as string) : undefined;
      });
    const taken = (url: string) =>
      urls.taken.filter((each) => each.url === url).map(({ body }) => body.markdown.content);
    /** Why the answers that could not be told were given up. */
    const listGivenUp = async () => {
      const { replica } = await until('one serves', () => replicas.find(({ replica }) => replica.url !== undefined));
      const operator = createClient(DispatchService, createGrpcTransport({ baseUrl: replica.url! }));
      const { dispatches } = await operator.listDispatches({ kind: 'wecom.response', states: [DispatchState.DEAD] });
      return dispatches.map(({ reason }) => reason);
    };

    test('what was acknowledged right before all were killed is answered', LONG, async () => {
      const from = { userid: 'lisi' };
      const id = await say(from, '刚才的问题');
      for (const { replica } of replicas) replica.kill();
      assert.equal(await fetchAll(from, id), echo('刚才的问题'));
    });

    test('what was acknowledged is answered, once, by the route of its question', LONG, async () => {
      let isOver = false;
      const killing = (async () => {
        while (!isOver) {
          await sleep(400 + random.below(1500));
          const { replica } = random.pick(replicas);
          await replica.serves();
          if (!isOver) replica.kill();
        }
      })();
      bots.delayMs = () => random.below(600);
      const asking = Array.from({ length: 5 }, async (_, user) => {
        const from = { userid: `user-${user}` };
        const unheard: string[] = [];
        for (let round = 0; round < 4; round++) {
          const words = `${from.userid}的第${round}问`;
          // The even ones are fetched; the others are left to the response_url.
          if (round % 2 === 0) {
            const text = await fetchAll(from, await say(from, words, urls.make()));
            if (text !== echo(words)) unheard.push(`${words}: ${text}`);
          } else {
            const url = urls.make();
            await say(from, words, url);
            await until('it has come or was given up', async () => {
              return taken(url).length > 0 || (await listGivenUp().catch(() => [])).length > 0;
            });
            if (taken(url).length === 0) unheard.push(words);
            else assert.deepEqual(taken(url), [echo(words)]);
          }
        }
        return unheard;
      });
      const unheard = (await Promise.all(asking)).flat();
      isOver = true;
      await killing;
      const kills = replicas.reduce((sum, { replica }) => sum + replica.kills, 0);
      assert.ok(kills >= 3, `${kills} kills`);
      console.log(`${kills} kills; not heard: ${unheard.join(', ') || 'none'}`);
      // A call to the one response_url that a kill has cut off is not made again: that is said, and nothing is silent.
      const reasons = await listGivenUp();
      for (const reason of reasons) assert.match(reason, /was used before|what became of it is not known/);
      assert.ok(unheard.length <= reasons.length, `${unheard.join()}; given up: ${reasons.join()}`);
      assert.deepEqual(urls.refused, [], 'no address was called twice');
    });
  });
}
