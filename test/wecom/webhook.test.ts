import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { DispatchService, DispatchState } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { makeBot as make } from '../support/make-bot.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { createWecomSide, type ResponseUrls, startResponseUrls, type WecomSide } from '../support/wecom-side.ts';

const appid = 'wx_wecom';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };

const vectors = JSON.parse(readFileSync(`${import.meta.dirname}/crypto-vectors.json`, 'utf8'));

for (const { name: dialect } of dialects) {
  describe(`a WeCom bot in callback mode on ${dialect}`, () => {
    let service: Service;
    let urls: ResponseUrls;
    let bots: Client<typeof IntegrationService>;
    let operator: Client<typeof DispatchService>;
    before(async () => {
      urls = await startResponseUrls();
      service = await startService({
        ...{ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元，儿童票是 98 元。')] },
        env: { WECOM_API_HOSTS: urls.host, WECOM_CALLBACK_MAX_AGE_SECONDS: '600' },
      });
      const transport = createGrpcTransport({ baseUrl: service.app.url });
      bots = createClient(IntegrationService, transport);
      operator = createClient(DispatchService, transport);
      await service.createLearned(appid);
    });
    after(async () => {
      await service?.stop();
      await urls?.close();
    });

    /** A bot, bound unless `trigger` is null. */
    const makeBot = (settings = {}, trigger: object | null = {}) => make(service, appid, { settings, trigger });
    const streamOf = async (wecom: WecomSide, userid: string, more?: object) =>
      (await wecom.say({ userid }, question, more)).frame.stream;
    const pending = async () =>
      (await operator.listDispatches({ states: [DispatchState.PENDING], kind: 'wecom.response' })).dispatches.length;

    test(
      'answers in a stream that is fetched: at once something, in the end the answer with its source',
      LONG,
      async () => {
        const { wecom } = await makeBot();
        const responseUrl = urls.make();
        const first = await streamOf(wecom, 'lisi', { response_url: responseUrl });
        assert.deepEqual([first.finish, first.content], [false, '正在思考…']);
        let last = first;
        await until('it is finished', async () => {
          last = (await wecom.poll({ userid: 'lisi' }, first.id)).frame.stream;
          return last.finish;
        });
        assert.equal(last.id, first.id);
        assert.match(last.content, /168 元/);
        assert.match(last.content, /https?:/, 'the source');
        assert.deepEqual(
          (await wecom.poll({ userid: 'lisi' }, first.id)).frame.stream,
          last,
          'the same to whoever asks again',
        );
        await until('its delivery is settled', async () => (await pending()) === 0);
        assert.deepEqual(
          urls.taken.filter(({ url }) => url === responseUrl),
          [],
          'and nothing goes by the response_url',
        );
      },
    );

    test('what nobody fetches goes by the response_url, once', LONG, async () => {
      const { wecom } = await makeBot();
      const responseUrl = urls.make();
      const { id } = await streamOf(wecom, 'wangwu', { response_url: responseUrl });
      await until('it has come', () => urls.taken.some(({ url }) => url === responseUrl), 60_000);
      const [{ body }] = urls.taken.filter(({ url }) => url === responseUrl) as [ResponseUrls['taken'][0]];
      assert.equal(body.msgtype, 'markdown');
      assert.match(body.markdown.content, /168 元/);
      const late = (await wecom.poll({ userid: 'wangwu' }, id)).frame.stream;
      assert.equal(late.finish, true);
      assert.doesNotMatch(late.content, /168/, 'who asks after that is not told it twice');
      assert.deepEqual(urls.refused, []);
    });

    test(
      'a response_url that is refused, leads elsewhere or is missing is told to operators, and not tried again',
      LONG,
      async () => {
        const { wecom, integrationId } = await makeBot();
        urls.errcode = 40_008;
        const refused = urls.make();
        await streamOf(wecom, 'u1', { response_url: refused });
        await streamOf(wecom, 'u2', { response_url: 'https://example.com/cgi-bin/aibot/response?response_code=x' });
        await streamOf(wecom, 'u3');
        const dead = async () => {
          const { dispatches } = await operator.listDispatches({
            states: [DispatchState.DEAD],
            kind: 'wecom.response',
          });
          return dispatches.map(({ reason }) => reason).sort();
        };
        await until('all three are given up', async () => (await dead()).length === 3, 60_000);
        urls.errcode = 0;
        assert.deepEqual(await dead(), [
          'nobody fetches it, and there is no response_url',
          'the response_url answered errcode 40008',
          'the response_url does not lead to WECOM_API_HOSTS',
        ]);
        assert.deepEqual(urls.refused.splice(0), [refused]);
        const { errors } = await bots.getIntegrationStatus({ integrationId });
        assert.deepEqual(
          errors.map(({ code, what }) => [code, what]),
          [[40_008, 'response_url']],
        );
      },
    );

    test('a message that comes again, also at once, has the same stream and one answer', LONG, async () => {
      const { wecom } = await makeBot();
      const msgid = 'bXNnLTE=/+';
      const answers = await Promise.all(Array.from({ length: 8 }, () => streamOf(wecom, 'zhao', { msgid })));
      const [{ id }] = answers as [{ id: string }];
      assert.equal(new Set(answers.map((each) => each.id)).size, 1);
      const text = await wecom.ask({ userid: 'zhao' }, question, { msgid });
      assert.match(text, /168/);
      assert.equal((await streamOf(wecom, 'zhao', { msgid })).id, id);
    });

    test('a stream is shown in the chat of its question alone', LONG, async () => {
      const { wecom } = await makeBot();
      const stranger = await makeBot();
      const { id } = await streamOf(wecom, 'own');
      await until('it is answered', async () => (await wecom.poll({ userid: 'own' }, id)).frame.stream.finish);
      const others = [
        await wecom.poll({ userid: 'other' }, id),
        await wecom.poll({ userid: 'own', chatid: 'group' }, id),
        await stranger.wecom.poll({ userid: 'own' }, id),
        await wecom.poll({ userid: 'own' }, 'none'),
      ];
      for (const { frame } of others) {
        assert.equal(frame.stream.finish, true);
        assert.doesNotMatch(frame.stream.content, /168/);
        assert.notEqual(frame.stream.content, '', 'an empty text would leave the bubble waiting');
      }
    });

    test('what is not signed, not encrypted, stale or garbage is refused with 4xx, and has no effect', async () => {
      const { wecom, integrationId } = await makeBot();
      const url = `${service.app.publicUrl}/api/wecom/webhook/${integrationId}`;
      const marker = 'kx9-unsigned';
      const body = { msgid: marker, from: { userid: marker }, msgtype: 'text', text: { content: `/new ${marker}` } };
      const post = async (query: string, text: string | Uint8Array<ArrayBuffer>) =>
        (await fetch(`${url}${query}`, { method: 'POST', body: text })).status;
      const signed = '?msg_signature=0&timestamp=1&nonce=2';
      assert.equal(await post('', JSON.stringify(body)), 400);
      assert.equal(await post(signed, JSON.stringify(body)), 400);
      assert.equal(await post(signed, JSON.stringify({ encrypt: 'AAAA' })), 403);
      for (const text of ['', '{', '[]', 'null', '{"encrypt":7}', '<xml/>', new Uint8Array([0xff, 0xfe])]) {
        assert.equal(await post(signed, text), 400);
      }
      assert.equal((await wecom.callBack(body, 700)).status, 403, 'stale');
      assert.equal((await wecom.callBack(body, -700)).status, 403, 'of the future');
      assert.equal((await fetch(url, { method: 'PUT', body: 'x' })).status, 405);
      assert.equal((await fetch(`${url}?echostr=x`)).status, 400);
      const big = 'x'.repeat(1_100_000);
      assert.equal(await post(signed, JSON.stringify({ encrypt: big })), 413);
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      try {
        assert.deepEqual(await findInTables(database, [marker]), []);
      } finally {
        await database.close();
      }
      await until('they were counted', async () => {
        const { badSignatures, callbacks, lastBadSignatureAt } = await bots.getIntegrationStatus({ integrationId });
        return badSignatures >= 3n && callbacks === 0n && Math.abs(lastBadSignatureAt - Date.now() / 1000) < 600;
      });
    });

    test('an unknown, a disabled and a deleted bot are answered alike', async () => {
      const disabled = await makeBot({ enabled: false });
      const deleted = await makeBot();
      await bots.deleteIntegration({ integrationId: deleted.integrationId });
      const unknown = createWecomSide(() => `${service.app.publicUrl}/api/wecom/webhook/01ARZ3NDEKTSV4RRFFQ69G5FAV`);
      const malformed = createWecomSide(() => `${service.app.publicUrl}/api/wecom/webhook/..%2fx`);
      for (const wecom of [disabled.wecom, deleted.wecom, unknown, malformed]) {
        const { status, text } = await wecom.say({ userid: 'u' }, question);
        assert.deepEqual([status, text], [404, 'not found']);
      }
    });

    test('signed nonsense is answered with an empty 200 or a 4xx, and the bot goes on', LONG, async () => {
      const { wecom } = await makeBot();
      const from = { from: { userid: 'u' } };
      const nonsense: object[] = [
        ...[
          {},
          [],
          { msgid: 'x' },
          { msgid: 5, ...from, msgtype: 'text' },
          { msgid: 'y', ...from, msgtype: 'unheard' },
        ],
        ...[{ msgid: 'z', msgtype: 'text', text: { content: 'nobody' } }],
        ...[{ msgid: 'e', ...from, msgtype: 'event', event: { eventtype: 'unheard' } }],
        ...[{ msgid: 'g', ...from, chattype: 'group', msgtype: 'text', text: { content: 'no chat' } }],
        ...[{ msgid: 's', from: { userid: 'sys' }, msgtype: 'text', text: { content: 'system' } }],
        ...[{ msgid: 'l'.repeat(200), ...from, msgtype: 'text', text: { content: 'long id' } }],
      ];
      for (const body of nonsense) assert.equal((await wecom.callBack(body)).status, 200, JSON.stringify(body));
      assert.match(await wecom.ask({ userid: 'u' }, question), /168/);
    });

    test('who may not ask, and whose bot is not bound, are told so in plain words', async () => {
      const unbound = await makeBot({ language: 'en' }, null);
      assert.match(await unbound.wecom.ask({ userid: 'u' }, question), /not bound to an assistant/);
      const disabled = await makeBot({ texts: { unbound: '未启用' } }, { enabled: false });
      assert.equal(await disabled.wecom.ask({ userid: 'u' }, question), '未启用');
      const closed = await makeBot({}, { allowUsers: ['lisi'] });
      assert.match(await closed.wecom.ask({ userid: 'u' }, question), /没有使用这个机器人的权限/);
      assert.match(await closed.wecom.ask({ userid: 'lisi' }, question), /168/);
    });

    test('who opens the chat is welcomed, in plain text', async () => {
      const event = { msgid: 'e', from: { userid: 'u' }, msgtype: 'event', event: { eventtype: 'enter_chat' } };
      const usual = await makeBot();
      assert.match((await usual.wecom.callBack(event)).frame.template_card.sub_title_text, /\/new/);
      const own = await makeBot({}, { welcome: '欢迎光临' });
      assert.equal((await own.wecom.callBack(event)).frame.template_card.sub_title_text, '欢迎光临');
    });

    test(
      '/new alone begins a session, before a question too, in groups behind a mention; the old one is not known there',
      LONG,
      async () => {
        const { wecom } = await makeBot({ botName: '小 助手' });
        const group = { userid: 'u', chatid: 'g1' };
        assert.match(await wecom.ask(group, '@小 助手  /NEW'), /已开始新的会话/);
        assert.match(await wecom.ask(group, `＠小 助手 新会话 ${question}`), /168/);
        assert.match(await wecom.ask({ userid: 'u' }, '/new'), /已开始新的会话/);
        assert.match(await wecom.ask({ userid: 'u' }, `/new ${question}`), /168/);
        const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
        try {
          const rows = await database.all<{ content: string }>(
            "select content from message where openid = 'u' and speaker = 'user' and content like '%小 助手%'",
          );
          assert.deepEqual(rows, [], 'the mention is no part of the question');
        } finally {
          await database.close();
        }
      },
    );

    test(
      'any process answers: what one has accepted is fetched from another, also when the first is gone',
      LONG,
      async () => {
        const { wecom, integrationId } = await makeBot();
        const path = `/api/wecom/webhook/${integrationId}`;
        const other = await service.startReplica();
        try {
          const elsewhere = createWecomSide(() => other.publicUrl + path, wecom);
          const { id } = await streamOf(wecom, 'roamer');
          let last = { finish: false, content: '' };
          await until('the other process has it', async () => {
            last = (await elsewhere.poll({ userid: 'roamer' }, id)).frame.stream;
            return last.finish;
          });
          assert.match(last.content, /168/);
          assert.deepEqual((await wecom.poll({ userid: 'roamer' }, id)).frame.stream, { ...last });
        } finally {
          await other.stop();
        }
      },
    );

    test(
      'of two processes that are asked at once, and a worker that would send it, one takes the answer',
      LONG,
      async () => {
        const { wecom, integrationId } = await makeBot();
        const other = await service.startReplica();
        try {
          const elsewhere = createWecomSide(() => `${other.publicUrl}/api/wecom/webhook/${integrationId}`, wecom);
          for (let round = 0; round < 5; round++) {
            const from = { userid: `racer-${round}` };
            const responseUrl = urls.make();
            const { id } = await streamOf(wecom, from.userid, { response_url: responseUrl });
            await until('both have seen its end', async () => {
              const both = await Promise.all([wecom.poll(from, id), elsewhere.poll(from, id)]);
              return both.every(({ frame }) => frame.stream.finish && /168/.test(frame.stream.content));
            });
            assert.ok(!urls.taken.some(({ url }) => url === responseUrl));
          }
          await until('all is settled', async () => (await pending()) === 0);
        } finally {
          await other.stop();
        }
      },
    );

    test('who is erased has left nothing with the bot, and may come back', LONG, async () => {
      const { wecom } = await makeBot();
      const userid = 'erased-u7';
      await wecom.ask({ userid }, question);
      await wecom.ask({ userid }, `/new ${question}`);
      await wecom.ask({ userid, chatid: 'erased-group' }, question);
      await until('all is delivered', async () => (await pending()) === 0);
      const erased = await service.call('/api/wxmp/message/erase_user', {
        appid,
        openid: userid,
        actor: 'a',
        reason: 'r',
      });
      assert.equal(erased.errcode, 0, erased.errmsg);
      assert.deepEqual([erased.conversations, erased.messages, erased.replies], [3, 6, 3]);
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      try {
        assert.deepEqual(await findInTables(database, [userid]), []);
      } finally {
        await database.close();
      }
      assert.match(await wecom.ask({ userid }, question), /168/);
    });

    test('after the time-out of a session the next message begins another', LONG, async () => {
      const { wecom, integrationId } = await makeBot({}, { sessionTimeoutSeconds: 60 });
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const generations = () =>
        database.all<{ generation: number }>('select generation from wecom_session where integration_id = ?', [
          integrationId,
        ]);
      try {
        await wecom.ask({ userid: 'idler' }, question);
        const [first] = await generations();
        await wecom.ask({ userid: 'idler' }, question);
        assert.deepEqual(await generations(), [first], 'the same one within the time');
        await until('the answer has kept it awake', async () => {
          const rows = await database.all(
            `select 1 from wecom_session s where integration_id = ? and active_at >
              (select max(created_at) from message where channel = ? and speaker = 'user')`,
            [integrationId, `wecom:${integrationId}`],
          );
          return rows.length === 1;
        });
        await database.run('update wecom_session set active_at = active_at - 61000 where integration_id = ?', [
          integrationId,
        ]);
        await wecom.ask({ userid: 'idler' }, question);
        assert.deepEqual(await generations(), [{ generation: first!.generation + 1 }]);
      } finally {
        await database.close();
      }
    });

    test('the URL verification is answered in bare text, by the vector', async () => {
      const { token, encoding_aes_key: encodingAesKey } = vectors.accounts.A;
      const request = { name: 'v', mode: Mode.WEBHOOK, token, encodingAesKey };
      const { callbackPath } = (await bots.createIntegration(request)).integration!;
      const { query_string, expected_http_body } = vectors.positive[0];
      const verify = (query: string) => fetch(`${service.app.publicUrl}${callbackPath}?${query}`);
      const response = await verify(query_string);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type')!, /^text\/plain/);
      assert.equal(await response.text(), expected_http_body);
      assert.equal((await verify(query_string.replace('msg_signature=1', 'msg_signature=2'))).status, 403);
      assert.equal((await verify(query_string.replace(/%2B/g, '+'))).status, 200, 'a plus that was decoded twice');
    });
  });
}

describe('the vectors through the listener', () => {
  let service: Service;
  const paths = new Map<string, string>();
  before(async () => {
    service = await startService({ env: { WECOM_CALLBACK_MAX_AGE_SECONDS: '1000000000' } });
    const bots = createClient(IntegrationService, createGrpcTransport({ baseUrl: service.app.url }));
    for (const [account, { token, encoding_aes_key, receive_id }] of Object.entries<Record<string, string>>(
      vectors.accounts,
    )) {
      const keys = { token: token!, encodingAesKey: encoding_aes_key!, receiveId: receive_id! };
      const { integration } = await bots.createIntegration({ name: account, mode: Mode.WEBHOOK, ...keys });
      paths.set(account, integration!.callbackPath);
    }
  });
  after(() => service?.stop());

  const post = async ({ account, timestamp, nonce, signature, encrypt }: Record<string, string>) => {
    const query = new URLSearchParams({ msg_signature: signature!, timestamp: timestamp!, nonce: nonce! });
    const url = `${service.app.publicUrl}${paths.get(account!)}?${query}`;
    return (await fetch(url, { method: 'POST', body: JSON.stringify({ encrypt }) })).status;
  };

  for (const vector of vectors.positive) {
    test(`${vector.id} is taken`, async () => assert.equal(await post(vector), 200));
  }
  for (const vector of vectors.negative) {
    test(`${vector.id} is refused`, async () =>
      assert.equal(await post(vector), vector.expect === 'reject:signature' ? 403 : 400));
  }
});
