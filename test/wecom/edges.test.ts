import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService } from '../../gen/wecom/v1/integration_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { showDraft, takeFetched, takeUrl } from '../../src/wecom/stream-store.ts';
import { dialects } from '../support/databases.ts';
import { type EchoBots, echo, startEchoBots } from '../support/echo-bots.ts';
import { findFreePort } from '../support/free-port.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { type ResponseUrls, startResponseUrls } from '../support/wecom-side.ts';

const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`the edges of a WeCom bot, on ${dialect}`, () => {
    let service: Service;
    let urls: ResponseUrls;
    let bots: EchoBots;
    let database: Database;
    /** Where nobody listens at first. */
    let lateHost: string;
    before(async () => {
      urls = await startResponseUrls();
      lateHost = `127.0.0.1:${await findFreePort()}`;
      const env = { WECOM_API_HOSTS: `${urls.host},${lateHost}` };
      service = await startService({ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元。')], env });
      bots = await startEchoBots(() => service.app.url, 'wx_edges');
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 10_000 });
    });
    after(async () => {
      await database?.close();
      await service?.stop();
      await bots?.close();
      await urls?.close();
    });
    const makeBot = (settings = {}) => bots.makeBot(service.publicUrl, {}, settings);

    test('a claim whose commit took effect unseen is found again by its owner, and by nobody else', LONG, async () => {
      const bot = await makeBot();
      const { id } = (await bot.wecom.say({ userid: 'lisi' }, '问题', { response_url: urls.make() })).frame.stream;
      const stateOf = async () => {
        const [row] = await database.all<{ state: string }>('select state from reply where reply_id = ?', [id]);
        return row!.state;
      };
      await until('it is answered', async () => (await stateOf()) === 'final');
      const take = (claim: string) => database.tx((tx) => takeUrl(tx, id, 'final', claim));
      assert.deepEqual([await take('mine'), await take('mine'), await take('another')], [true, true, false]);
      assert.equal(await database.tx((tx) => takeFetched(tx, id)), false);
    });

    test('what could not be sent since nobody was reached is sent once somebody is', LONG, async () => {
      const bot = await makeBot();
      const url = `http://${lateHost}/cgi-bin/aibot/response?response_code=late`;
      await bot.wecom.say({ userid: 'wangwu' }, '迟到的问题', { response_url: url });
      const operator = createClient(IntegrationService, createGrpcTransport({ baseUrl: service.app.url }));
      await until('it was tried', async () => {
        const { errors } = await operator.getIntegrationStatus({ integrationId: bot.integrationId });
        return errors.some(({ reason }) => reason.includes('was not reached'));
      });
      const taken: string[] = [];
      const host = createServer((request, response) => {
        request.on('data', (data) => taken.push(String(data)));
        request.on('end', () => response.end('{"errcode":0,"errmsg":"ok"}'));
      });
      await new Promise<void>((resolve) => host.listen(Number(lateHost.split(':')[1]), '127.0.0.1', resolve));
      try {
        await until('it has come', () => taken.length > 0, 60_000);
        assert.deepEqual(
          taken.map((body) => JSON.parse(body).markdown.content),
          [echo('迟到的问题')],
        );
      } finally {
        host.closeAllConnections();
        await new Promise((resolve) => host.close(resolve));
      }
    });

    test('a draft of whoever does not hold the conversation any more is not shown', LONG, async () => {
      const bot = await makeBot();
      bots.delayMs = () => 1500;
      const from = { userid: 'zhao' };
      const { id } = (await bot.wecom.say(from, '慢慢来')).frame.stream;
      const [row] = await database.all<{ message_id: string }>('select message_id from reply where reply_id = ?', [id]);
      await showDraft(database, { messageId: row!.message_id, leaseToken: 'of a former holder' }, '旧的草稿');
      assert.doesNotMatch((await bot.wecom.poll(from, id)).frame.stream.content, /旧的草稿/);
      bots.delayMs = () => 0;
      const isFinished = async () => (await bot.wecom.poll(from, id)).frame.stream.finish;
      await until('it is answered', isFinished);
    });

    test('odd parts are left out, and the rest of a message is read', LONG, async () => {
      const bot = await makeBot();
      const from = { userid: 'odd' };
      const say = async (more: object) => (await bot.wecom.say(from, '多少钱？', more)).frame.stream;
      for (const more of [
        { chatid: null, aibotid: null, response_url: null, event: null, stream: null, quote: 7 },
        { response_url: `https://${'x'.repeat(5000)}` },
        { voice: { content: null }, image: 'x', mixed: [] },
        {
          msgtype: 'mixed',
          mixed: {
            msg_item: [null, 7, ...Array.from({ length: 150 }, () => ({ msgtype: 'text', text: { content: '钱' } }))],
          },
        },
      ]) {
        assert.equal((await say(more)).finish, false, JSON.stringify(more).slice(0, 80));
      }
      assert.match((await say({ msgtype: 'voice', voice: {} })).content, /文字/);
      assert.match((await say({ msgtype: 'hologram', text: 'x' })).content, /暂时不支持/);
    });

    test('what is signed and of no form at all is told to operators', LONG, async () => {
      const bot = await makeBot();
      assert.deepEqual((await bot.wecom.callBack({ anything: 'ALIEN' })).text, '');
      const operator = createClient(IntegrationService, createGrpcTransport({ baseUrl: service.app.url }));
      const { errors } = await operator.getIntegrationStatus({ integrationId: bot.integrationId });
      assert.deepEqual(
        errors.map(({ code, what }) => [code, what]),
        [[40_001, 'callback']],
      );
      assert.doesNotMatch(JSON.stringify(errors.map(({ reason }) => reason)), /ALIEN/);
    });

    test('nobody has an answer or a callback opened as the echo of a verification', async () => {
      const bot = await makeBot();
      const callback = { msgid: 'm', from: { userid: 'x' }, msgtype: 'text', text: { content: '秘密' } };
      const { text } = await bot.wecom.callBack(callback);
      const { encrypt, msgsignature, timestamp, nonce } = JSON.parse(text);
      const query = new URLSearchParams({ msg_signature: msgsignature, timestamp, nonce, echostr: encrypt });
      const response = await fetch(`${bot.wecom.url()}?${query}`);
      assert.deepEqual([response.status, await response.text()], [400, 'refused']);
    });

    test(
      'after its time a stream promises more where that can be kept, and leaves the answer to the response_url',
      LONG,
      async () => {
        const bot = await makeBot();
        bots.delayMs = () => 1000;
        const url = urls.make();
        const from = { userid: 'late' };
        const { id } = (await bot.wecom.say(from, '太晚了', { response_url: url })).frame.stream;
        const other = (await bot.wecom.say({ userid: 'mute' }, '也太晚了')).frame.stream.id;
        await database.run('update reply set closes_at = 1 where reply_id in (?, ?)', [id, other]);
        const poll = async () => (await bot.wecom.poll(from, id)).frame.stream;
        assert.match((await poll()).content, /稍后继续/);
        assert.match((await bot.wecom.poll({ userid: 'mute' }, other)).frame.stream.content, /没能回答/);
        await until('it has come', async () => {
          assert.match((await poll()).content, /稍后继续/, 'also once the answer is there');
          return urls.taken.some((each) => each.url === url);
        });
        bots.delayMs = () => 0;
        assert.deepEqual(
          urls.taken.filter((each) => each.url === url).map(({ body }) => body.markdown.content),
          [echo('太晚了')],
        );
      },
    );

    test('where the assistant is deleted meanwhile, the bubble says so in place of waiting', LONG, async () => {
      const appid = 'wx_edges_gone';
      const gone = await startEchoBots(() => service.app.url, appid);
      gone.delayMs = () => 3000;
      const bot = await gone.makeBot(service.publicUrl);
      const from = { userid: 'gone' };
      const { id } = (await bot.wecom.say(from, '还在吗？')).frame.stream;
      await service.call('/api/wxmp/assistant/delete', { appid });
      const { finish, content } = (await bot.wecom.poll(from, id)).frame.stream;
      assert.deepEqual([finish, /没有绑定助手/.test(content)], [true, true]);
      await gone.close();
    });
  });
}
