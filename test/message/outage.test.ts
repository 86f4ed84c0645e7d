import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { writeWave } from '../../src/message/voice/write-wave.ts';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { createGate } from '../support/accounts.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { type FakeAsr, startFakeAsr } from '../support/fake-asr.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { passOn, type Receiver, startReceiver } from '../support/receiver.ts';
import { article, post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const mysql = dialects.find(({ name }) => name === 'mysql');
const appid = 'wx_away';
const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。')];
const answer = sendPieces(['成人票是 168 元。[1]']);

describe('a database that goes away while an answer is made', {
  skip: mysql === undefined && 'there is no MySQL',
}, () => {
  let fresh: TestDatabase;
  let proxy: TcpProxy;
  let direct: Database;
  let wechat: WechatSide;
  let front: Receiver;
  let llm: FakeLlm;
  let asr: FakeAsr;
  let service: ServiceProcess;
  /** What the WeChat side does when a recording is fetched from it. */
  let onFetch = async () => {};

  before(async () => {
    fresh = await mysql!.create();
    proxy = await startTcpProxy(new URL(fresh.url));
    direct = openDatabase({ url: fresh.url, poolSize: 1, queryTimeoutMs: 10_000 });
    wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
    front = await startReceiver(async (call) => {
      if (call.method === 'fetchmediabyid') await onFetch();
      await passOn(call, wechat.url);
    });
    llm = await startFakeLlm();
    asr = await startFakeAsr();
    asr.answers = [{ status: 200, text: '成人票多少钱？' }];
    const models = { LLM_BASE_URL: llm.url, LLM_MODEL: 'm', ASR_BASE_URL: asr.url, ASR_MODEL: 'ears' };
    const quick = { LEASE_SECONDS: '6', QUERY_TIMEOUT_MS: '3000', MUTANT: 'impatient' };
    service = (await spawnService({ ...testEnv(proxy.through(fresh.url), front.url), ...models, ...quick }))!;
    await post(service.url, '/api/wxmp/assistant/create', { appid, name: 'n' });
    await until('it has learned', async () => {
      return (await post(service.url, '/api/wxmp/assistant/detail', { appid })).status === 2;
    });
  });
  after(async () => {
    service.kill('SIGTERM');
    assert.equal(await service.ended, 0);
    await direct.close();
    await proxy.close();
    for (const server of [front, wechat, llm, asr]) await server.close();
    await fresh.drop();
  });

  const goAway = () => {
    proxy.cut = () => 'before';
  };
  /** Back again after so long that whoever waits for .3 s has given up, a few times in a row. */
  const comeBack = async () => {
    const endMs = performance.now() + 2000;
    await until('it was away for long enough', () => performance.now() > endMs);
    proxy.cut = undefined;
  };
  const deaths = async (openid: string) => {
    const [row] = await direct.all<{ deaths: number }>(
      'select started - finished deaths from conversation where scope_key like ?',
      [`%${openid}`],
    );
    return row!.deaths;
  };
  const ask = async (openid: string, said: object) => {
    await post(service.url, '/api/wxmp/message/notify', { appid, openid, msgid: openid, ...said });
  };
  const text = { msg_type: 'text', text: { content: '成人票多少钱？' } };
  const replyTo = (openid: string) => wechat.state.replies.find((reply) => reply.openid === openid);
  const isAnswered = async (openid: string) => {
    const reply = await until('it is answered', () => replyTo(openid));
    assert.match(reply.segments[0]!.content, /168/);
    await until('that is recorded', async () => (await deaths(openid)) === 0);
  };
  /** The question has killed four processes before: another death, and it gets the "sorry". */
  const noteDeaths = (openid: string) =>
    direct.run('update conversation set started = started + 4 where scope_key like ?', [`%${openid}`]);

  test('an answer that is ready is committed once it is back', async () => {
    const asked = createGate();
    llm.answer = async (completion) => {
      await noteDeaths('ready');
      goAway();
      await answer(completion);
      asked.open();
    };
    await ask('ready', text);
    await asked.opened;
    await comeBack();
    await isAnswered('ready');
    assert.equal(llm.asked.length, 1, 'and is not made anew');
  });

  test('a try that failed meanwhile is a failure, and no death', async () => {
    wechat.state.media.set('recording', writeWave(new Uint8Array(48_000), 24_000));
    llm.answer = answer;
    const failed = createGate();
    let fetches = 0;
    onFetch = async () => {
      if (fetches++ > 0) return;
      await noteDeaths('failed');
      goAway();
      failed.open();
      throw new Error('it breaks off');
    };
    await ask('failed', { msg_type: 'voice', voice: { media_id: 'recording', format: 4 } });
    await failed.opened;
    await comeBack();
    await isAnswered('failed');
    assert.equal(fetches, 2);
  });

  test('a try that lost its lease meanwhile is no death', async () => {
    const cutOff = createGate();
    let tries = 0;
    let counted = '';
    llm.answer = async (completion) => {
      if (tries++ === 0) {
        completion.response.once('close', () => cutOff.open());
        goAway();
      } else {
        const isEnded = until('the try before counts as ended', async () => (await deaths('lost')) === 1, 10_000);
        counted = await isEnded.then(
          () => 'as ended',
          () => 'as a death',
        );
        await answer(completion);
      }
    };
    await ask('lost', text);
    await cutOff.opened;
    await comeBack();
    await isAnswered('lost');
    assert.equal(tries, 2);
    assert.equal(counted, 'as ended');
  });
});
