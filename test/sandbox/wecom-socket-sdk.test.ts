/** WeCom's own client against the sandbox's end of long connections: what it sends is taken, what it hears it understands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WSClient } from '@wecom/aibot-node-sdk';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };

test('the bot SDK subscribes, answers, welcomes, uploads, sends, and ends when it is kicked', LONG, async (t) => {
  const side = await startWechatSide({ host: '127.0.0.1', port: 0 }, []);
  t.after(() => side.close());
  side.sockets.secrets.set('BOT', 'secret-1');
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const connect = () => {
    const client = new WSClient({ botId: 'BOT', secret: 'secret-1', wsUrl: side.socketUrl, logger });
    t.after(() => client.disconnect());
    client.on('error', () => {});
    return client.connect();
  };
  const client = connect();
  await until('it is subscribed', () => side.sockets.isConnected('BOT'));
  const failures: unknown[] = [];
  client.on('message.text', async (frame) => {
    try {
      for (const [content, isFinal] of [
        ['一', false],
        ['一二', false],
        ['一二三', true],
      ] as const) {
        assert.equal((await client.replyStream(frame, 's', content, isFinal)).errcode, 0);
      }
      const media = await client.uploadMedia(Buffer.alloc(1_200_000, 'p'), { type: 'image', filename: 'a.png' });
      await client.replyMedia(frame, 'image', media.media_id);
      await client.sendMessage('lisi', { msgtype: 'markdown', markdown: { content: '还有' } });
      await assert.rejects(client.reply(frame, { msgtype: 'text', text: { content: '不行' } }));
    } catch (error) {
      failures.push(error);
    }
  });
  client.on('event.enter_chat', (frame) => {
    client.replyWelcome(frame, { msgtype: 'text', text: { content: '你好' } }).catch((error) => failures.push(error));
  });
  const tell = (told: object) => side.sockets.tell('BOT', { msgtype: 'text', from: { userid: 'lisi' }, ...told })!;
  const asked = tell({ text: { content: '你好' } });
  const frames = await until('the last one has come', () => {
    if (failures.length > 0) throw failures[0];
    const said = side.sockets.framesOf(asked.reqId, asked.n)!;
    return said.at(-1)?.errcode === 40_008 && said;
  });
  assert.deepEqual(
    frames.map(({ cmd, errcode, media }) => [cmd, errcode, media?.bytes]),
    [
      ...Array(3).fill(['aibot_respond_msg', 0, undefined]),
      ['aibot_respond_msg', 0, 1_200_000],
      ['aibot_send_msg', 0, undefined],
      ['aibot_respond_msg', 40_008, undefined],
    ],
  );
  const entered = tell({ msgtype: 'event', event: { eventtype: 'enter_chat' } });
  const welcomed = () => side.sockets.framesOf(entered.reqId, entered.n)!.some(({ errcode }) => errcode === 0);
  await until('it has welcomed', welcomed);
  const kicked = new Promise<void>((resolve) => client.on('event.disconnected_event', () => resolve()));
  connect();
  await kicked;
  assert.deepEqual(failures, []);
});
