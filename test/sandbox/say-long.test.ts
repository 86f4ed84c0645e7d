import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { toConfig } from '../../src/config.ts';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import { readBot, writeBot } from '../../src/sandbox/wecom/bot-file.ts';
import { loadKeys } from '../../src/sandbox/wecom/make-bot.ts';
import { runCommand, startCommand } from '../support/command.ts';
import { dial, type ReceivedFrame, type SocketBot } from '../support/socket-bot.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const long = { integrationId: '', botId: 'BOT', secret: 'secret-1' };

/** A sandbox, and `say --long` beside it. */
async function start(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-say-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const side = await startWechatSide({ host: '127.0.0.1', port: 0 }, []);
  t.after(() => side.close());
  side.sockets.secrets.set(long.botId, long.secret);
  const keys = { integrationId: 'I', callbackUrl: side.url, token: 't', encodingAesKey: 'A'.repeat(43) };
  const botFile = join(folder, 'sandbox-bot.json');
  writeBot(botFile, { ...keys, sandboxUrl: side.url, long });
  const env = { DATABASE_URL: `sqlite:${folder}/test.db` };
  return {
    ...{ side, folder, botFile, keys },
    startSaying: (...args: string[]) => startCommand(t, ['say', '--long', ...args], env),
    say: (...args: string[]) => runCommand(t, ['say', '--long', ...args], env),
  };
}

/** A bot that answers each callback by its script. */
async function script(t: TestContext, url: string, answer: (told: ReceivedFrame, bot: SocketBot) => Promise<unknown>) {
  const bot = await dial(t, url);
  assert.equal(await bot.code('aibot_subscribe', { bot_id: long.botId, secret: long.secret }), 0);
  const failures: unknown[] = [];
  bot.socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ReceivedFrame;
    if (frame.cmd !== undefined) answer(frame, bot).catch((error) => failures.push(error));
  });
  return failures;
}

const stream = (content: string, finish = false, id = 's') => ({ msgtype: 'stream', stream: { id, finish, content } });

test(
  'say --long prints a bubble that grows, the bubbles and messages after it, cards and pictures',
  LONG,
  async (t) => {
    const { side, startSaying } = await start(t);
    const told: ReceivedFrame[] = [];
    const { promise: isSeen, resolve: goOn } = Promise.withResolvers<void>();
    const failures = await script(t, side.socketUrl, async (frame, bot) => {
      told.push(frame);
      const reqId = frame.headers.req_id;
      const respond = async (body: object) => assert.equal(await bot.code('aibot_respond_msg', body, reqId), 0);
      const target = { chatid: frame.body.from.userid, chat_type: 1 };
      const send = async (body: object) => assert.equal(await bot.code('aibot_send_msg', { ...target, ...body }), 0);
      const bytes = Buffer.alloc(123, 'p');
      const init = { type: 'image', filename: 'a.png', total_size: 123, total_chunks: 1 };
      const { body: begun } = await bot.ask('aibot_upload_media_init', init);
      const chunk = { upload_id: begun.upload_id, chunk_index: 0, base64_data: bytes.toString('base64') };
      await bot.ask('aibot_upload_media_chunk', chunk);
      const { body: image } = await bot.ask('aibot_upload_media_finish', { upload_id: begun.upload_id });

      await respond(stream('正在思考…'));
      await respond(stream('成人票'));
      await isSeen;
      await respond(stream('成人票 168 元。', true));
      await bot.ask('aibot_respond_msg', { msgtype: 'text', text: { content: '不可见' } }, reqId);
      await respond(stream('第二个气泡', true, 's2'));
      await send({ msgtype: 'markdown', markdown: { content: '单独的消息' } });
      await respond({ msgtype: 'template_card', template_card: { card_type: 'c', main_title: { title: '卡片' } } });
      await respond({ msgtype: 'image', image: { media_id: image.media_id } });
    });
    const saying = startSaying('--user', 'lisi', '成人票多少钱？');
    await saying.said('成人票'); // while the bubble is not finished
    goOn();
    const code = await saying.ended;
    assert.deepEqual(failures, []);
    assert.deepEqual([told[0]!.cmd, told[0]!.body.text.content], ['aibot_msg_callback', '成人票多少钱？']);
    assert.match(told[0]!.body.response_url, /^http:\/\/127\.0\.0\.1/);
    assert.equal(saying.stderr(), '[aibot_respond_msg was refused with 40008]\n');
    assert.equal(code, 0);
    const shown = ['第二个气泡', '单独的消息', '┌ c', '│ 卡片', '└', '[image 123 bytes]', ''];
    assert.match(saying.stdout(), new RegExp(`^(正在思考…\\n)?成人票 168 元。\\n${RegExp.escape(shown.join('\n'))}$`));
  },
);

test('a bubble that becomes another text is printed anew; what says nothing ends with 1', LONG, async (t) => {
  const { side, say, startSaying } = await start(t);
  const { promise: isSeen, resolve: goOn } = Promise.withResolvers<void>();
  const failures = await script(t, side.socketUrl, async (frame, bot) => {
    if (frame.body.text.content === '沉默') return;
    const respond = (body: object) => bot.code('aibot_respond_msg', body, frame.headers.req_id);
    assert.equal(await respond(stream('一二')), 0);
    await isSeen;
    assert.equal(await respond(stream('三四', true)), 0);
  });
  const changing = startSaying('问');
  const silence = say('--user', 'lisi', '沉默');
  await changing.said('一二');
  goOn();
  assert.deepEqual([await changing.ended, changing.stdout(), changing.stderr()], [0, '一二\n三四\n', '']);
  const silent = await silence;
  assert.equal(silent.code, 1);
  assert.match(silent.stdout, /nothing is said to that/);
  assert.deepEqual(failures, []);
});

test('entering shows the welcome; a group, a picture and a file are told as WeCom tells them', LONG, async (t) => {
  const { side, say, folder } = await start(t);
  const told: ReceivedFrame[] = [];
  const failures = await script(t, side.socketUrl, async (frame, bot) => {
    told.push(frame);
    const reqId = frame.headers.req_id;
    if (frame.cmd === 'aibot_event_callback') {
      const welcome = { msgtype: 'text', text: { content: '你好' } };
      assert.equal(await bot.code('aibot_respond_welcome_msg', welcome, reqId), 0);
    } else assert.equal(await bot.code('aibot_respond_msg', stream('好', true), reqId), 0);
  });
  const path = join(folder, 'notes.txt');
  writeFileSync(path, '闭馆时间是晚上九点。');
  const results = await Promise.all([
    say('--enter'),
    say('--user', 'lisi', '--chat', 'wrG1', '你好'),
    say('--user', 'lisi', '--image', path, '这是什么'),
    say('--file', path),
  ]);
  assert.deepEqual(
    results.map(({ code, stdout, stderr }) => [code, stdout, stderr]),
    [[0, '你好\n', ''], ...Array(3).fill([0, '好\n', ''])],
  );
  assert.deepEqual(failures, []);
  const bodyOf = (msgtype: string) => told.find(({ body }) => body.msgtype === msgtype)?.body;
  assert.equal(bodyOf('event').event.eventtype, 'enter_chat');
  assert.deepEqual([bodyOf('text').chattype, bodyOf('text').chatid], ['group', 'wrG1']);
  assert.match(bodyOf('text').text.content, /^@\S+ 你好$/);
  const [words, picture] = bodyOf('mixed').mixed.msg_item;
  assert.equal(words.text.content, '这是什么');
  const keys = [picture.image, bodyOf('file').file].map(({ aeskey }) => aeskey);
  assert.equal(new Set(keys).size, 2, 'a key for each');
  for (const { url, aeskey } of [picture.image, bodyOf('file').file]) {
    const key = Buffer.from(aeskey, 'base64');
    const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
    const sealed = Buffer.from(await (await fetch(url)).arrayBuffer());
    const plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
    assert.equal(plain.subarray(0, -plain.at(-1)!).toString(), '闭馆时间是晚上九点。');
  }
});

test('where no bot is connected say --long waits a little, tells it and ends with 1', LONG, async (t) => {
  const { side, say, botFile, keys } = await start(t);
  const { code, stdout, stderr } = await say('你好');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^the bot is not connected yet; waiting …\nno bot is connected to http:\/\/127\S+: is it bound/);
  writeBot(botFile, { ...keys, sandboxUrl: side.url });
  const old = await say('你好');
  assert.deepEqual([old.code, old.stdout], [1, '']);
  assert.match(old.stderr, /^there is no bot with a long connection yet: start `make run` again\n$/);
  await side.close();
  writeBot(botFile, { ...keys, sandboxUrl: side.url, long });
  const off = await say('你好');
  assert.equal(off.code, 1);
  assert.match(off.stderr, /is `make run` running/);
  const bad = await say('--no-poll', '你好');
  assert.deepEqual([bad.code, bad.stderr], [2, 'usage: wxmp-assistant say --long: without --bot and --no-poll\n']);
});

test('a bot that connects while say --long waits is told', LONG, async (t) => {
  const { side, startSaying } = await start(t);
  const saying = startSaying('你好');
  await until('say waits', () => saying.stderr().includes('not connected yet'));
  await script(t, side.socketUrl, (frame, bot) =>
    bot.code('aibot_respond_msg', stream('好', true), frame.headers.req_id),
  );
  assert.deepEqual([await saying.ended, saying.stdout()], [0, '好\n']);
});

test('a file of credentials from before long connections is read, and gets what it lacks', async (t) => {
  const { keys, botFile, folder, side } = await start(t);
  writeBot(botFile, { ...keys, sandboxUrl: side.url });
  const { long: made, ...kept } = loadKeys(toConfig({ DATABASE_URL: `sqlite:${folder}/test.db` }));
  assert.deepEqual(kept, { ...keys, sandboxUrl: side.url });
  assert.match(made.botId, /^sandbox-[0-9a-f]{16}$/);
  assert.match(made.secret, /^[0-9a-f]{48}$/);
  writeBot(botFile, { ...kept, long: made });
  assert.deepEqual(readBot(botFile)?.long, made);
});
