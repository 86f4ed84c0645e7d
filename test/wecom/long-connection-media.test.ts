import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type DialledBot, type DialledService, startDialledService } from '../support/dialled-service.ts';
import { sendPieces } from '../support/fake-llm.ts';
import { type MediaHost, startMediaHost } from '../support/media-host.ts';
import { findInTables } from '../support/search-tables.ts';
import { type RejectionWatch, watchRejections } from '../support/watch-rejections.ts';
import type { From } from '../support/wecom-chats.ts';

const LONG = { timeout: 120_000 };
const rules = '差旅制度\n\n出差住宿每晚的上限是 450 元，超出部分自己承担。\n\n市内交通凭发票实报实销。\n';
const question = '出差住宿每晚的上限是多少？';

for (const { name: dialect } of dialects) {
  describe(`files that come over a long connection, on ${dialect}`, () => {
    let all: DialledService;
    let host: MediaHost;
    let bot: DialledBot;
    let watch: RejectionWatch;
    let users = 0;
    before(async () => {
      watch = watchRejections();
      host = await startMediaHost();
      all = await startDialledService('wx_dialled_files', { dialect, env: { MAX_FILE_BYTES: '100000' } });
      bot = await all.dial();
    });
    after(async () => {
      await all?.stop();
      await host?.close();
      watch.stop();
    });
    beforeEach(() => {
      // Whoever was given the file knows.
      all.llm.answer = (one) => sendPieces([one.user.includes('450 元') ? '上限是 450 元。[1]' : '不知道。'])(one);
    });
    afterEach(() => assert.deepEqual(watch.seen, []));

    const user = (): From => ({ userid: `f${++users}` });
    const newKey = () => randomBytes(32).toString('base64');
    const ask = async (from: From, content: string | object) => {
      const count = all.chats.chat(from).length;
      all.chats.say(bot.botId, from, content);
      return (await all.chats.finished(from, count + 1)).at(-1)!;
    };
    const file = (url: string, aeskey?: unknown) => ({ msgtype: 'file', file: { url, aeskey } });
    const errors = async () =>
      (await all.clients.bots.getIntegrationStatus({ integrationId: bot.integrationId })).errors;

    test('each is read with its own key, of 43 or of 44 characters, and answered from', LONG, async () => {
      for (const key of [newKey(), newKey().slice(0, 43)]) {
        const from = user();
        const url = host.put(key, rules, { 'content-disposition': 'attachment; filename="rules.txt"' });
        assert.match(await ask(from, file(url, key)), /450 元/);
        const answer = await ask(from, question);
        assert.match(answer, /450 元/);
        assert.match(answer, /rules\.txt/);
        const left = await findInTables(all.database, [key.slice(0, 43), new URL(url).pathname]);
        assert.deepEqual(left, [], 'neither key nor link is kept');
      }
    });

    test('two files of one user each need their own key: that of the other reads nothing', LONG, async () => {
      const [mine, others] = [newKey(), newKey()];
      const from = user();
      assert.match(await ask(from, file(host.put(mine, rules), others)), /文件无法读取/);
      assert.match((await errors())[0]!.reason, /not readable with this key/);
      assert.doesNotMatch(await ask(from, question), /450/);
      assert.match(await ask(from, file(host.put(mine, rules), mine)), /450 元/);
      assert.match(await ask(from, question), /450/);
    });

    test('a key that is none ends with a text and its reason, and nothing of it is shown', LONG, async () => {
      const key = newKey();
      const bad: [key: unknown, reason: RegExp][] = [
        [undefined, /key-length/],
        ['', /key-length/],
        [key.slice(0, 42), /key-length/],
        [`${key.slice(0, 43)}==`, /key-length/],
        [`${key}=`, /key-length/],
        [`-_${key.slice(2)}`, /key-length/],
        [`\u0000${key.slice(1)}`, /key-length/],
        ['钥'.repeat(43), /key-length/],
        [Buffer.from(key, 'base64').toString('hex'), /key-length/],
        [7, /./],
        [null, /./],
        [{ key }, /./],
        [[key], /./],
        ['A'.repeat(100_000), /./],
      ];
      for (const [aeskey, reason] of bad) {
        assert.match(await ask(user(), file(host.put(key, rules), aeskey)), /文件无法读取/, JSON.stringify(aeskey));
        const [last] = await errors();
        assert.equal(last!.what, 'media');
        assert.match(last!.reason, reason);
        if (typeof aeskey === 'string' && aeskey !== '') assert.ok(!last!.reason.includes(aeskey));
      }
    });

    test('a link into the own network, or of any other kind, is not followed', LONG, async () => {
      const key = newKey();
      host.files.set('/inward', (_, response) => response.writeHead(302, { location: 'http://10.1.2.3/x' }).end());
      const cases: [url: unknown, reason: RegExp][] = [
        ['https://10.9.9.9/x?sign=presigned-secret', /a private address/],
        ['https://169.254.169.254/latest/meta-data', /link-local/],
        ['https://[::1]/x', /loopback/],
        ['https://[::ffff:10.0.0.1]/x', /private|refused|mapped/],
        ['https://2130706434/x', /loopback/],
        ['http://10.9.9.9/x', /no https, and EGRESS_ALLOW/],
        [`${host.url}/inward`, /10\.1\.2\.3 is a private address/],
        ['file:///etc/passwd', /no https|neither http/],
        ['data:text/plain,450', /no https|neither http/],
        ['nonsense', /no valid URL/],
      ];
      for (const [url, reason] of cases) {
        assert.match(await ask(user(), { msgtype: 'file', file: { url, aeskey: key } }), /文件无法读取/, `${url}`);
        const [last] = await errors();
        assert.match(last!.reason, reason, `${url}`);
        assert.doesNotMatch(last!.reason, /presigned-secret|sign=/);
      }
      for (const url of ['', 7, null, {}, `https://x.invalid/${'x'.repeat(9000)}`]) {
        assert.match(await ask(user(), { msgtype: 'file', file: { url, aeskey: key } }), /文件无法读取/, `${url}`);
      }
    });

    test('what is sealed wrongly, or is too large, ends with a text, and the next file is read', LONG, async () => {
      const key = newKey();
      host.files.set('/short', Buffer.alloc(15));
      host.files.set('/noise', randomBytes(64));
      host.files.set('/empty', '');
      const odd = ['/short', '/noise', '/empty'].map((path) => host.url + path);
      for (const url of [...odd, host.put(key, 'x'.repeat(100_001)), host.put(key, '')]) {
        assert.match(await ask(user(), file(url, key)), /文件无法读取/, url);
      }
      assert.match(await ask(user(), file(host.put(key, rules), key)), /450 元/);
      assert.equal(all.side.sockets.length, 1, 'the connection went on all the while');
    });
  });
}
