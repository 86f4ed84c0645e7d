import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ConversationService } from '../../gen/wecom/v1/conversation_pb.ts';
import { IntegrationService } from '../../gen/wecom/v1/integration_pb.ts';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { beginErasing, eraseConversation } from '../../src/message/erase-conversation.ts';
import { pruneMessages } from '../../src/message/prune-messages.ts';
import { dialects } from '../support/databases.ts';
import { holdBack } from '../support/file-host.ts';
import { makeBot as make } from '../support/make-bot.ts';
import { encryptMedia, type MediaHost, png, startMediaHost } from '../support/media-host.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { createWecomSide } from '../support/wecom-side.ts';

const appid = 'wx_media';
const LONG = { timeout: 120_000 };
const rules = '差旅制度\n\n出差住宿每晚的上限是 450 元，超出部分自己承担。\n\n市内交通凭发票实报实销。\n';

for (const { name: dialect } of dialects) {
  describe(`what a WeCom user sends beside words, on ${dialect}`, () => {
    let service: Service;
    let host: MediaHost;
    let folder: string;
    let bots: Client<typeof IntegrationService>;
    let database: Database;
    before(async () => {
      host = await startMediaHost();
      folder = mkdtempSync(join(tmpdir(), 'wxmp-words-'));
      const words = join(folder, 'words.txt');
      writeFileSync(words, '禁词甲\n');
      service = await startService({
        ...{ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元，儿童票是 98 元。')] },
        env: {
          SAFETY_WORDS_FILE: words,
          MAX_FILE_BYTES: '100000',
          BIZCOMM_TIMEOUT_MS: '800',
          QUERY_TIMEOUT_MS: '3000',
          LEASE_SECONDS: '5',
        },
      });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const transport = createGrpcTransport({ baseUrl: service.app.url });
      bots = createClient(IntegrationService, transport);
      await service.createLearned(appid);
    });
    after(async () => {
      await database?.close();
      await service?.stop();
      await host?.close();
      rmSync(folder, { recursive: true });
    });

    const makeBot = async (settings = {}) => {
      const bot = await make(service, appid, { settings });
      const { integrationId, wecom } = bot;
      const errors = async () => (await bots.getIntegrationStatus({ integrationId })).errors;
      return { ...bot, key: wecom.encodingAesKey, errors };
    };
    const file = (url: string) => ({ msgtype: 'file', text: undefined, file: { url } });
    const image = (url: string) => ({ msgtype: 'image', text: undefined, image: { url } });
    const mixed = (...items: object[]) => ({ msgtype: 'mixed', text: undefined, mixed: { msg_item: items } });
    const textItem = (content: string) => ({ msgtype: 'text', text: { content } });
    const imageItem = (url: string) => ({ msgtype: 'image', image: { url } });

    test(
      'a file is read, and what is asked after it is answered from it, by its name, and from what was learned',
      LONG,
      async () => {
        const { wecom, key } = await makeBot();
        const from = { userid: 'filer' };
        const disposition = `attachment; filename="${encodeURIComponent('差旅 制度')}+v2.txt"`;
        const url = host.put(key, rules, { 'content-disposition': disposition });
        assert.match(await wecom.ask(from, '', file(url)), /文件已经读取/);
        const answer = await wecom.ask(from, '出差住宿每晚的上限是多少？');
        assert.match(answer, /450/);
        assert.match(answer, /《差旅 制度 v2\.txt》/);
        assert.match(await wecom.ask(from, '成人票多少钱？'), /168/);
        assert.doesNotMatch(await wecom.ask(from, '/new 出差住宿每晚的上限是多少？'), /450/, 'not in another session');
        assert.doesNotMatch(
          await wecom.ask({ userid: 'other' }, '出差住宿每晚的上限是多少？'),
          /450/,
          'not to another',
        );
        const secrets = await findInTables(database, ['presigned-secret', new URL(url).pathname]);
        assert.deepEqual(secrets, [], 'the link is forgotten');
      },
    );

    test('operators see what came with a message, what it quotes, and what became of it', LONG, async () => {
      const { wecom, key, integrationId } = await makeBot();
      const from = { userid: 'seen' };
      const quote = { msgtype: 'text', text: { content: '见上一条' } };
      const named = host.put(key, rules, { 'content-disposition': 'attachment; filename="a.txt"' });
      await wecom.ask(from, '', { ...file(named), quote });
      await wecom.ask(from, '', image(host.put(key, png)));
      const operator = createClient(ConversationService, createGrpcTransport({ baseUrl: service.app.url }));
      const [conversation] = (await operator.listConversations({ integrationId })).conversations;
      const { messages } = await operator.getConversation({ conversationId: conversation!.conversationId });
      const asked = messages.filter(({ speaker }) => speaker === 'user');
      assert.deepEqual(
        asked.map(({ msgType, quoted, attachments }) => [
          ...[msgType, quoted],
          ...attachments.map(({ kind, name, state, origin }) => [kind, name, state, origin].join()),
        ]),
        [
          ['file', '见上一条', 'file,a.txt,ready,own'],
          ['image', '', 'image,,failed,own'],
        ],
      );
      assert.match(asked[1]!.attachments[0]!.reason, /./);
    });

    test(
      'a quote is context: what it says is searched for, its file is read, and a command in it does nothing',
      LONG,
      async () => {
        const { wecom, key, integrationId } = await makeBot();
        const from = { userid: 'quoter' };
        const generation = async () => {
          const sql = 'select generation from wecom_session where integration_id = ?';
          return (await database.all<{ generation: number }>(sql, [integrationId]))[0]?.generation;
        };
        await wecom.ask(from, '成人票多少钱？');
        const before = await generation();
        const quote = { msgtype: 'text', text: { content: '/new 本馆的儿童票' } };
        assert.match(await wecom.ask(from, '这个多少钱呢？', { quote }), /98/);
        assert.equal(await generation(), before);
        const quotedMixed = { msgtype: 'mixed', mixed: { msg_item: [textItem('本馆的'), textItem('儿童票')] } };
        assert.match(await wecom.ask({ userid: 'q2' }, '这个多少钱呢？', { quote: quotedMixed }), /98/);
        const quotedVoice = { msgtype: 'voice', voice: { content: '本馆的儿童票' } };
        assert.match(await wecom.ask({ userid: 'q3' }, '这个多少钱呢？', { quote: quotedVoice }), /98/);
        const quotedFile = { msgtype: 'file', file: { url: host.put(key, rules) } };
        assert.match(await wecom.ask({ userid: 'q4' }, '出差住宿每晚的上限是多少？', { quote: quotedFile }), /450/);
        for (const bad of ['x', 7, { msgtype: 5 }, { msgtype: 'text', text: { content: 5 } }]) {
          assert.match(await wecom.ask({ userid: 'q5' }, '成人票多少钱？', { quote: bad }), /168/, 'the rest is read');
        }
        const rows = await database.all("select 1 from message where content like '%/new%' and channel = ?", [
          `wecom:${integrationId}`,
        ]);
        assert.deepEqual(rows, [], 'it is never among the words of the user');
      },
    );

    test(
      'where nobody sees, a picture is not fetched, and is said not to be looked at; the words with it are answered',
      LONG,
      async () => {
        const { wecom, key, errors } = await makeBot({ botName: '小助手' });
        const url = host.put(key, png);
        const from = { userid: 'painter' };
        const group = { userid: 'painter', chatid: 'g' };
        assert.match(await wecom.ask(from, '', image(url)), /看不懂图片/);
        assert.match(await wecom.ask(group, '', mixed(textItem('@小助手 '), imageItem(url))), /看不懂图片/);
        const words = [textItem('@小助手 '), imageItem(url), textItem('成人票'), textItem('多少钱？')];
        const answer = await wecom.ask(group, '', mixed(...words));
        assert.match(answer, /168[\s\S]*没有查看图片/);
        const quote = { msgtype: 'image', image: { url } };
        assert.match(await wecom.ask(from, '成人票多少钱？', { quote }), /168[\s\S]*没有查看图片/);
        assert.match(await wecom.ask(from, '', mixed(textItem('/new 成人票多少钱？'), imageItem(url))), /168/);
        assert.deepEqual(
          host.asked.filter((path) => url.includes(path)),
          [],
        );
        assert.deepEqual(await errors(), []);
        const unnamed = await makeBot();
        assert.match(await unnamed.wecom.ask(group, '', mixed(textItem('@某 '), imageItem(url))), /看不懂图片/);
      },
    );

    test(
      'videos, unknown kinds, voice without a transcript and empty words are each told what to do',
      LONG,
      async () => {
        const { wecom } = await makeBot();
        const from = { userid: 'u' };
        const say = (more: object) => wecom.ask(from, '', { text: undefined, ...more });
        assert.match(await say({ msgtype: 'video', video: { url: 'https://x.invalid/v' } }), /不支持视频/);
        assert.match(await say({ msgtype: 'hologram', hologram: {} }), /不支持这种消息/);
        assert.match(await say({ msgtype: 'voice', voice: { content: '' } }), /用文字输入/);
        assert.match(await say({ msgtype: 'voice' }), /用文字输入/);
        assert.match(await say({ msgtype: 'text', text: { content: '  ' } }), /用文字输入/);
        assert.match(await say({ msgtype: 'voice', voice: { content: '成人票多少钱？' } }), /168/);
        const english = await makeBot({ language: 'en', texts: { type_unsupported: 'No.' } });
        assert.match(await english.wecom.ask(from, '', { msgtype: 'voice', text: undefined }), /type your question/);
        assert.equal(await english.wecom.ask(from, '', { msgtype: 'x', text: undefined }), 'No.');
      },
    );

    test(
      'what is dead, too large, private, not decrypted or not readable ends with a text, and its reason for operators',
      LONG,
      async () => {
        const { wecom, key, errors } = await makeBot();
        const otherKey = createWecomSide(() => '').encodingAesKey;
        host.files.set('/dead', 403);
        host.files.set('/private', (_, response) => response.writeHead(302, { location: 'http://10.1.2.3/x' }).end());
        host.files.set('/metadata', (_, response) =>
          response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
        );
        host.files.set('/lies', (_, response) => {
          response.writeHead(200, { 'content-length': '40' });
          response.end(encryptMedia(key, 'x'.repeat(90_000)).subarray(0, 40));
        });
        host.files.set('/endless', (_, response) => {
          response.writeHead(200);
          const more = () => response.write(Buffer.alloc(65_536), () => setImmediate(more));
          more();
        });
        host.files.set('/empty', '');
        const cases: [url: string, reason: RegExp][] = [
          [`${host.url}/dead`, /HTTP 403 from 127\.0\.0\.1/],
          [`${host.url}/none`, /HTTP 404/],
          [`${host.url}/private`, /10\.1\.2\.3 is a private address/],
          [`${host.url}/metadata`, /169\.254\.169\.254 is a link-local/],
          ['http://10.9.9.9/x?sign=presigned-secret', /no https, and EGRESS_ALLOW/],
          ['https://10.9.9.9/x?sign=presigned-secret', /a private address/],
          ['file:///etc/passwd', /no https|neither http/],
          ['nonsense', /no valid URL/],
          [`${host.url}/lies`, /not readable with this key: ciphertext-length/],
          [`${host.url}/empty`, /not readable with this key: ciphertext-length/],
          [`${host.url}/endless`, /larger than 100032 bytes/],
          [host.put(key, 'x'.repeat(100_033)), /larger than 100032 bytes/],
          [host.put(key, 'x'.repeat(100_001)), /larger than 100000 bytes/],
          [host.put(otherKey, rules), /not readable with this key: padding/],
          [host.put(key, Buffer.from('\x7fELF\x02\x01 program')), /it is a program/],
          [host.put(key, ''), /.+/],
        ];
        for (const [at, [url, reason]] of cases.entries()) {
          assert.match(await wecom.ask({ userid: `bad-${at}` }, '', file(url)), /文件无法读取/, url);
          const [last] = await errors();
          assert.equal(last!.what, 'media');
          assert.match(last!.reason, reason, url);
          assert.doesNotMatch(last!.reason, /presigned-secret|sign=/);
        }
        const withWords = { quote: { msgtype: 'file', file: { url: `${host.url}/dead` } } };
        assert.match(await wecom.ask({ userid: 'w' }, '成人票多少钱？', withWords), /168[\s\S]*附带的文件无法读取/);
        assert.match(await wecom.ask({ userid: 'w' }, '成人票多少钱？'), /168/);
      },
    );

    test(
      'a file just within its limit is read, and one that fails at first is fetched again within its five minutes',
      LONG,
      async () => {
        const { wecom, key } = await makeBot();
        const line = '展柜里放着青铜铃铛。\n';
        const most = Buffer.from(rules + line.repeat(4000)).subarray(0, 100_000 - 1);
        assert.match(await wecom.ask({ userid: 'most' }, '', file(host.put(key, most))), /文件已经读取/);
        assert.match(await wecom.ask({ userid: 'most' }, '出差住宿每晚的上限是多少？'), /450/);
        let asked = 0;
        host.files.set('/flaky', (_, response) => {
          asked += 1;
          if (asked === 1) response.destroy();
          else if (asked === 2) response.writeHead(503).end();
          else response.end(encryptMedia(key, rules));
        });
        assert.match(await wecom.ask({ userid: 'flaky' }, '', file(`${host.url}/flaky`)), /文件已经读取/);
        assert.equal(asked, 3);
      },
    );

    test(
      'a question waits for its file, not for one of somebody else, and is not answered without it',
      LONG,
      async () => {
        const { wecom, key } = await makeBot();
        const held = holdBack(host, '/held', encryptMedia(key, rules));
        const from = { userid: 'patient' };
        const { id } = (await wecom.say(from, '', file(`${host.url}/held`))).frame.stream;
        await until('it is fetched', () => held.isAsked());
        assert.match(await wecom.ask({ userid: 'quick' }, '成人票多少钱？'), /168/);
        assert.equal((await wecom.poll(from, id)).frame.stream.finish, false);
        held.release();
        await until('it is answered', async () => (await wecom.poll(from, id)).frame.stream.finish);
      },
    );

    test('a link that nobody could fetch in five minutes is given up', LONG, async () => {
      const { wecom } = await makeBot();
      host.files.set('/late', 503);
      const from = { userid: 'late' };
      const { id } = (await wecom.say(from, '', file(`${host.url}/late`))).frame.stream;
      await until('it was tried', () => host.asked.includes('/late'));
      await until('it is too late', () =>
        database.run(
          "update attachment set created_at = created_at - 300000 where state = 'pending' and lease_token is null and created_at > 1000000",
        ),
      );
      const last = await until('it is answered', async () => {
        const { stream } = (await wecom.poll(from, id)).frame;
        return stream.finish ? stream : undefined;
      });
      assert.match(last.content, /文件无法读取/);
    });

    test('of two processes one fetches, and what came goes with its user', LONG, async () => {
      const { wecom, key, callbackPath } = await makeBot();
      const other = await service.startReplica();
      try {
        const elsewhere = createWecomSide(() => other.publicUrl + callbackPath, wecom);
        const urls = Array.from({ length: 6 }, () => host.put(key, `${rules}\nkxmark9 的文件`));
        const userid = 'erased-m3';
        for (const [at, url] of urls.entries()) {
          const side = at % 2 === 0 ? wecom : elsewhere;
          assert.match(await side.ask({ userid }, '', file(url)), /文件已经读取/);
        }
        for (const url of urls) {
          assert.equal(host.asked.filter((path) => url.includes(path)).length, 1, 'fetched once');
        }
        const held = holdBack(host, '/erased', encryptMedia(key, 'kxmark9 的秘密'));
        await wecom.say({ userid }, '', file(`${host.url}/erased`));
        await until('it is fetched', () => held.isAsked());
        await until('all is delivered', async () => {
          const rows = await database.all("select 1 from dispatch where state = 'pending'");
          return rows.length === 0;
        });
        const erase = { appid, openid: userid, actor: 'a', reason: 'r' };
        assert.equal((await service.call('/api/wxmp/message/erase_user', erase)).errcode, 0);
        held.release();
        await until(
          'nothing of it is left',
          async () => (await findInTables(database, ['kxmark9', userid])).length === 0,
        );
      } finally {
        await other.stop();
      }
    });

    test('while a conversation is being erased, what is still fetched for it makes nothing due', LONG, async () => {
      const { wecom, key } = await makeBot();
      const held = holdBack(host, '/taken', encryptMedia(key, rules));
      await wecom.say({ userid: 'taken' }, '', file(`${host.url}/taken`));
      await until('it is fetched', () => held.isAsked());
      const lost = async () => {
        let sum = 0; // whichever replica fetches it
        for (const url of service.urls()) {
          const text = await (await fetch(`${url}/metrics`)).text();
          sum += Number(/leases_lost_total\{table="attachment"\} (\d+)/.exec(text)?.[1] ?? 0);
        }
        return sum;
      };
      const before = await lost();
      const find =
        'select c.conversation_id id, c.scope_key scope, c.due_at due, m.state state from conversation c ' +
        "join message m on m.conversation_id = c.conversation_id where m.openid = 'taken' and m.speaker = 'user'";
      const rows = () => database.all<{ id: string; scope: string; due: number | null; state: string }>(find);
      const { scope } = (await rows())[0]!;
      await database.tx((tx) => beginErasing(tx, { appid, scopeKey: scope, userHash: 'h' }));
      held.release();
      await until('its lease is found gone', async () => (await lost()) > before);
      const [after] = await rows();
      assert.deepEqual([after!.due, after!.state], [null, 'pending']);
      await eraseConversation(
        database,
        { id: after!.id, partOf: undefined, auditId: undefined },
        AbortSignal.timeout(30_000),
      );
      assert.deepEqual(await rows(), []);
      assert.deepEqual(await database.all('select 1 from attachment where conversation_id = ?', [after!.id]), []);
    });

    test('what came with a message goes with it when its time is over', LONG, async () => {
      const { wecom, key, integrationId } = await makeBot();
      await wecom.ask({ userid: 'old' }, '', file(host.put(key, rules)));
      const ofBot = () => database.all('select 1 from attachment where integration_id = ?', [integrationId]);
      assert.equal((await ofBot()).length, 1);
      await until(
        'it is delivered',
        async () => (await database.all("select 1 from dispatch where state = 'pending'")).length === 0,
      );
      await database.run('update message set created_at = created_at - 864000000 where channel = ?', [
        `wecom:${integrationId}`,
      ]);
      const context = { database, config: toConfig({}) } as unknown as Context;
      assert.equal(await pruneMessages(context, AbortSignal.timeout(30_000)), 2);
      assert.deepEqual(await ofBot(), []);
    });

    test('a file or a quote that the safety checks flag is not answered from', LONG, async () => {
      const { wecom, key, errors } = await makeBot();
      const flagged = host.put(key, `${rules}\n禁词甲\n`);
      assert.match(await wecom.ask({ userid: 'flagged' }, '', file(flagged)), /文件无法读取/);
      assert.match((await errors())[0]!.reason, /^file: withheld by the safety checks: word list$/);
      const quote = { msgtype: 'text', text: { content: '禁词甲' } };
      assert.doesNotMatch(await wecom.ask({ userid: 'flagged' }, '成人票多少钱？', { quote }), /168/);
    });
  });
}
