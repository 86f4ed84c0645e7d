import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startWechatSide, type WechatSide } from '../../src/sandbox/wechat-side.ts';
import { keepIn } from '../../src/sandbox/wecom/keep-in.ts';
import { createFrameLog } from '../../src/sandbox/wecom/socket/frame-log.ts';
import { dial, type SocketBot } from '../support/socket-bot.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const minuteMs = 60_000;

interface Stand {
  side: WechatSide;
  clock: { nowMs: number };
}

async function start(t: TestContext, options = {}): Promise<Stand> {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const settings = { nowMs: () => clock.nowMs, ackMs: 5, ...options };
  const side = await startWechatSide({ host: '127.0.0.1', port: 0 }, [], settings);
  t.after(() => side.close());
  side.sockets.secrets.set('BOT', 'secret-1').set('OTHER', 'secret-2');
  return { side, clock };
}

async function subscribed(t: TestContext, { side }: Stand, bot_id = 'BOT'): Promise<SocketBot> {
  const bot = await dial(t, side.socketUrl);
  assert.equal(await bot.code('aibot_subscribe', { bot_id, secret: side.sockets.secrets.get(bot_id) }), 0);
  return bot;
}

/** Tells the bot something, and returns the req_id of it. */
function tell({ side }: Stand, told: object = {}, botId = 'BOT'): string {
  const message = { msgtype: 'text', from: { userid: 'lisi' }, text: { content: '你好' }, ...told };
  return side.sockets.tell(botId, message)!.reqId;
}

const enter = { msgtype: 'event', event: { eventtype: 'enter_chat' } };
const click = {
  msgtype: 'event',
  event: { eventtype: 'template_card_event', template_card_event: { event_key: 'k' } },
};
const stream = (id: string, content: string, finish = false) => ({
  msgtype: 'stream',
  stream: { id, finish, content },
});
const markdown = (content: string) => ({ msgtype: 'markdown', markdown: { content } });
const text = { msgtype: 'text', text: { content: '你好' } };
const card = (task_id: string) => ({
  msgtype: 'template_card',
  template_card: { card_type: 'button_interaction', task_id },
});
const toLisi = { chatid: 'lisi', chat_type: 1 };

test('nothing is taken before the subscription; then each frame is acknowledged', LONG, async (t) => {
  const stand = await start(t);
  const bot = await dial(t, stand.side.socketUrl);
  for (const cmd of ['ping', 'aibot_send_msg']) assert.equal(await bot.code(cmd), 846_609);
  assert.equal(stand.side.sockets.isConnected('BOT'), false);
  assert.equal(await bot.code('aibot_subscribe', { bot_id: 'BOT', secret: 'secret-1' }), 0);
  assert.deepEqual(
    [await bot.code('ping'), await bot.code('aibot_subscribe', { bot_id: 'BOT', secret: 'secret-1' })],
    [0, 45_009],
  );
  assert.equal(await bot.code('aibot_nonsense'), 40_058);
});

test(
  'what comes before the subscription is acknowledged is 846609, and what comes after it is not',
  LONG,
  async (t) => {
    const stand = await start(t, { ackMs: 300 });
    const bot = await dial(t, stand.side.socketUrl);
    bot.send('aibot_subscribe', 'sub', { bot_id: 'BOT', secret: 'secret-1' });
    assert.equal(await bot.code('ping', undefined, 'early'), 846_609);
    assert.equal(bot.received[0]!.headers.req_id, 'sub');
    assert.equal(stand.side.sockets.isConnected('BOT'), true);
    assert.equal(await bot.code('ping'), 0);
  },
);

test('a wrong secret or an unknown bot is 853000, and the connection stays open', LONG, async (t) => {
  const stand = await start(t);
  const bot = await dial(t, stand.side.socketUrl);
  for (const body of [
    { bot_id: 'BOT', secret: 'secret-2' },
    { bot_id: 'NONE', secret: 'secret-1' },
  ]) {
    const { errcode, errmsg } = await bot.ask('aibot_subscribe', body);
    assert.equal(errcode, 853_000);
    assert.match(errmsg!, /^invalid bot_id or secret, hint: \[/);
  }
  assert.equal(await bot.code('aibot_subscribe', { bot_id: 'BOT', secret: 'secret-1' }), 0);
});

test('a new subscription kicks the connection before, a refused one does not', LONG, async (t) => {
  const stand = await start(t);
  const first = await subscribed(t, stand);
  const wrong = await dial(t, stand.side.socketUrl);
  assert.equal(await wrong.code('aibot_subscribe', { bot_id: 'BOT', secret: 'x' }), 853_000);
  assert.equal(await first.code('ping'), 0);
  const closed = once(first.socket, 'close');
  const second = await subscribed(t, stand);
  await closed;
  const [event] = first.received.filter(({ cmd }) => cmd === 'aibot_event_callback');
  assert.equal(event?.body.event.eventtype, 'disconnected_event');
  assert.equal(await second.code('ping'), 0);
  tell(stand);
  await until('it is told', () => second.received.some(({ cmd }) => cmd === 'aibot_msg_callback'));
  assert.equal(second.received.filter(({ cmd }) => cmd === 'aibot_event_callback').length, 0);
});

test('of two frames on their way with one req_id the second is 6000, with two req_ids none', LONG, async (t) => {
  const stand = await start(t, { ackMs: 200 });
  const bot = await subscribed(t, stand);
  const reqId = tell(stand);
  for (const content of ['一', '二']) bot.send('aibot_respond_msg', reqId, stream('s', content));
  await until('both are acknowledged', () => bot.acks(reqId).length === 2);
  assert.deepEqual(
    bot.acks(reqId).map(({ errcode }) => errcode),
    [0, 6000],
  );
  assert.equal(await bot.code('aibot_respond_msg', stream('s', '三'), reqId), 0);
  const codes = await Promise.all([bot.code('ping'), bot.code('ping')]);
  assert.deepEqual(codes, [0, 0]);
});

test('what a command does not take is 40008: text in answers and messages, streams in messages', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const reqId = tell(stand);
  assert.equal(await bot.code('aibot_respond_msg', text, reqId), 40_008);
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...text }), 40_008);
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...stream('s', '好') }), 40_008);
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...markdown('好') }), 0);
  assert.equal(await bot.code('aibot_respond_welcome_msg', markdown('好'), tell(stand, enter)), 40_008);
});

test("a req_id that is none, another bot's or of another kind is 846605", LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const other = await subscribed(t, stand, 'OTHER');
  const reqId = tell(stand);
  assert.equal(await bot.code('aibot_respond_msg', stream('s', '好'), 'none'), 846_605);
  assert.equal(await other.code('aibot_respond_msg', stream('s', '好'), reqId), 846_605);
  for (const told of [enter, click]) {
    assert.equal(await bot.code('aibot_respond_msg', stream('s', '好'), tell(stand, told)), 846_605);
  }
  assert.equal(await bot.code('aibot_respond_welcome_msg', text, reqId), 846_605);
  stand.clock.nowMs += 25 * 60 * minuteMs;
  assert.equal(await bot.code('aibot_respond_msg', stream('s', '好'), reqId), 846_605);
});

test('a welcome is taken once, and a card is updated once, within five seconds', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const update = { response_type: 'update_template_card', ...card('t1') };
  for (const [cmd, told, body] of [
    ['aibot_respond_welcome_msg', enter, text],
    ['aibot_respond_update_msg', click, update],
  ] as const) {
    const reqId = tell(stand, told);
    assert.deepEqual([await bot.code(cmd, body, reqId), await bot.code(cmd, body, reqId)], [0, 846_606], cmd);
    const late = tell(stand, told);
    stand.clock.nowMs += 5001;
    assert.equal(await bot.code(cmd, body, late), 846_605, cmd);
  }
  assert.equal(await bot.code('aibot_respond_update_msg', update, tell(stand)), 846_606);
});

test('a stream ends ten minutes after its first frame, whatever came between; another goes on', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const reqId = tell(stand);
  const codes: unknown[] = [];
  for (let minute = 0; minute <= 11; minute++) {
    codes.push(await bot.code('aibot_respond_msg', stream('s', `第 ${minute} 分钟`), reqId));
    stand.clock.nowMs += minuteMs;
  }
  assert.deepEqual(codes, [...Array(11).fill(0), 846_608]);
  assert.equal(await bot.code('aibot_respond_msg', stream('s2', '好', true), reqId), 0);
});

test('a blank final changes nothing; after a final the same is taken again, another is 846606', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const { reqId, n } = stand.side.sockets.tell('BOT', { msgtype: 'text', from: { userid: 'lisi' } })!;
  const codes: unknown[] = [];
  for (const [content, finish] of [
    ['想', false],
    [' \u200b\n', true],
    ['好', true],
    ['好', true],
    ['坏', true],
  ] as const) {
    codes.push(await bot.code('aibot_respond_msg', stream('s', content, finish), reqId));
  }
  assert.deepEqual(codes, [0, 0, 0, 0, 846_606]);
  const said = stand.side.sockets.framesOf(reqId, n)!.filter(({ errcode }) => errcode === 0);
  assert.deepEqual(
    said.map(({ body }) => (body as ReturnType<typeof stream>).stream.content),
    ['想', '好'],
  );
});

test('a chat takes thirty in a minute and a thousand in an hour, drafts counted, refusals not', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const reqId = tell(stand);
  const respond = (content: string) => bot.code('aibot_respond_msg', stream('s', content), reqId);
  for (let count = 0; count < 5; count++) assert.equal(await bot.code('aibot_respond_msg', text, reqId), 40_008);
  for (let count = 0; count < 29; count++) assert.equal(await respond(`${count}`), 0);
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...markdown('好') }), 0);
  assert.equal(await respond('更多'), 846_607);
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...markdown('好') }), 846_607);
  const elsewhere = tell(stand, { from: { userid: 'wangwu' } });
  assert.equal(await bot.code('aibot_respond_msg', stream('s', '好'), elsewhere), 0);
  stand.clock.nowMs += minuteMs;
  assert.equal(await respond('更多'), 0);
  for (let taken = 31, some = 9; taken < 1000; taken += some, some = 30) {
    stand.clock.nowMs += minuteMs;
    const sending = Array.from({ length: some }, () => bot.code('aibot_send_msg', { ...toLisi, ...markdown('好') }));
    assert.deepEqual(await Promise.all(sending), Array(some).fill(0));
  }
  stand.clock.nowMs += minuteMs;
  assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...markdown('好') }), 846_607);
});

test('contents of more than 20,480 bytes are 45002, by bytes and not by characters', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const reqId = tell(stand);
  const most = `${'票'.repeat(6826)}ab`;
  for (const [content, code] of [
    [most, 0],
    [`${most}c`, 45_002],
  ] as const) {
    assert.equal(await bot.code('aibot_respond_msg', stream(`s${code}`, content, true), reqId), code);
    assert.equal(await bot.code('aibot_send_msg', { ...toLisi, ...markdown(content) }), code);
  }
});

test('a message goes where somebody has written, by its exact chatid and kind; a task_id once', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  tell(stand);
  tell(stand, { chattype: 'group', chatid: 'wrG1' });
  const send = (target: object, body: object = markdown('好')) => bot.code('aibot_send_msg', { ...target, ...body });
  assert.equal(await send(toLisi), 0);
  assert.equal(await send({ chatid: 'wrG1', chat_type: 2 }), 0);
  assert.equal(await send({ chatid: 'wrG1' }), 0);
  for (const target of [
    { chatid: 'wangwu', chat_type: 1 },
    { chatid: 'wrG1', chat_type: 1 },
    { chatid: 'wrg1', chat_type: 2 },
    { chatid: 'group:wrG1', chat_type: 2 },
  ]) {
    assert.equal(await send(target), 93_006, JSON.stringify(target));
  }
  assert.deepEqual([await send(toLisi, card('t1')), await send(toLisi, card('t1'))], [0, 42_014]);
});

test('a file is uploaded in chunks of any order, checked by size and md5, and then may be sent', LONG, async (t) => {
  const stand = await start(t);
  const bot = await subscribed(t, stand);
  const bytes = Buffer.alloc(700_000, 'png');
  const md5 = createHash('md5').update(bytes).digest('hex');
  const init = { type: 'image', filename: 'a.png', total_size: bytes.length, total_chunks: 2, md5 };
  const chunkBytes = 512 * 1024;
  const upload = async (of: object, indexes: number[], content = bytes) => {
    const { errcode, body } = await bot.ask('aibot_upload_media_init', { ...init, ...of });
    assert.equal(errcode, 0);
    for (const chunk_index of indexes) {
      const part = content.subarray(chunk_index * chunkBytes, (chunk_index + 1) * chunkBytes);
      const chunk = { upload_id: body.upload_id, chunk_index, base64_data: part.toString('base64') };
      assert.equal(await bot.code('aibot_upload_media_chunk', chunk), 0);
    }
    return bot.ask('aibot_upload_media_finish', { upload_id: body.upload_id });
  };
  const done = await upload({}, [1, 0, 1]);
  assert.equal(done.errcode, 0);
  const image = (media_id: string) => ({ msgtype: 'image', image: { media_id } });
  const { reqId, n } = stand.side.sockets.tell('BOT', { msgtype: 'text', from: { userid: 'lisi' } })!;
  assert.equal(await bot.code('aibot_respond_msg', image(done.body.media_id), reqId), 0);
  assert.deepEqual(stand.side.sockets.framesOf(reqId, n)![0]!.media, {
    ...{ type: 'image', filename: 'a.png', bytes: bytes.length },
  });

  assert.equal((await upload({}, [1])).errcode, 40_058, 'a chunk is missing');
  assert.equal((await upload({ total_size: 700_001 }, [0, 1])).errcode, 40_058, 'another size');
  assert.equal((await upload({ md5: md5.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) }, [0, 1])).errcode, 40_058);
  for (const wrong of [
    { total_size: 11 * 1024 * 1024, total_chunks: 30 },
    { total_size: 4, total_chunks: 1 },
    { total_chunks: 1 },
    { total_chunks: 101 },
    { type: 'text' },
    { filename: '名'.repeat(100) },
  ]) {
    assert.equal(await bot.code('aibot_upload_media_init', { ...init, ...wrong }), 40_058, JSON.stringify(wrong));
  }
  const { body } = await bot.ask('aibot_upload_media_init', init);
  const chunk = { upload_id: body.upload_id, chunk_index: 0, base64_data: 'AAAA' };
  assert.equal(await bot.code('aibot_upload_media_chunk', { ...chunk, chunk_index: 2 }), 40_058);
  assert.equal(await bot.code('aibot_upload_media_chunk', { ...chunk, upload_id: 'none' }), 40_007);
  const large = Buffer.alloc(chunkBytes + 1).toString('base64');
  assert.equal(await bot.code('aibot_upload_media_chunk', { ...chunk, base64_data: large }), 40_058);

  const other = await subscribed(t, stand, 'OTHER');
  assert.equal(await other.code('aibot_upload_media_chunk', chunk), 40_007, 'of another bot');
  const theirs = tell(stand, {}, 'OTHER');
  assert.equal(await other.code('aibot_respond_msg', image(done.body.media_id), theirs), 40_007);
  stand.clock.nowMs += 31 * minuteMs;
  assert.equal(await bot.code('aibot_upload_media_chunk', chunk), 40_007, 'after half an hour');
  for (let count = 0; count < 30; count++) assert.equal(await bot.code('aibot_upload_media_init', init), 0);
  assert.equal(await bot.code('aibot_upload_media_init', init), 45_009);
});

test(
  'what is no frame, too large or too much at once closes its connection alone; so does silence',
  LONG,
  async (t) => {
    const stand = await start(t, { silenceMs: 1500, ackMs: 100 });
    const alive = await subscribed(t, stand, 'OTHER');
    const beat = setInterval(() => alive.send('ping', 'beat'), 300);
    t.after(() => clearInterval(beat));
    const deep = `{"cmd":"ping","headers":{"req_id":"1"},"body":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    for (const [garbage, code] of [
      ['nonsense', 1007],
      ['[]', 1007],
      ['{"cmd":"ping"}', 1007],
      [deep, 1007],
      [Buffer.from([0xff, 0xfe]), 1007],
      ['x'.repeat(1024 * 1024 + 1), 1009],
      [undefined, 1000],
    ] as const) {
      const bot = await dial(t, stand.side.socketUrl);
      const closed = once(bot.socket, 'close');
      if (garbage !== undefined) bot.socket.send(garbage);
      assert.equal((await closed)[0], code, String(garbage).slice(0, 40));
    }
    const flood = await subscribed(t, stand);
    const closed = once(flood.socket, 'close');
    for (let count = 0; count < 600; count++) flood.send('ping', `${count}`);
    assert.equal((await closed)[0], 1008);
    assert.equal(await alive.code('ping'), 0);
    assert.equal(stand.side.sockets.isConnected('BOT'), false);
  },
);

test('what asks for a WebSocket elsewhere, or for another protocol there, is an ordinary request', LONG, async (t) => {
  const { side } = await start(t);
  const path = new URL(side.socketUrl).pathname;
  for (const [asked, upgrade] of [
    ['/sandbox/elsewhere', 'websocket'],
    [path, 'h2c'],
  ] as const) {
    const headers = { connection: 'Upgrade', upgrade };
    const call = request(side.url + asked, { headers }).end();
    const [response] = await once(call, 'response');
    assert.equal(response.statusCode, 404, `${asked} ${upgrade}`);
    response.resume();
  }
});

test('by HTTP a bot is added, told of something, and what it says is read', LONG, async (t) => {
  const stand = await start(t);
  const { url } = stand.side;
  // biome-ignore lint/suspicious/noExplicitAny: as below
  const post = async (path: string, body: unknown): Promise<[number, any]> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return [response.status, await response.json()];
  };
  // biome-ignore lint/suspicious/noExplicitAny: what comes is looked at field by field
  const get = async (path: string): Promise<any> => (await fetch(url + path)).json();
  assert.equal((await post('/sandbox/wecom/bots', { bot_id: 'NEW', secret: 's' }))[0], 200);
  const message = { msgtype: 'text', from: { userid: 'lisi' }, text: { content: '你好' } };
  assert.equal((await post('/sandbox/wecom/frames', { bot_id: 'NEW', message }))[0], 409);
  const bot = await subscribed(t, stand, 'NEW');
  const { bots } = await get('/sandbox/wecom/bots');
  assert.deepEqual(bots.at(-1), { bot_id: 'NEW', is_connected: true });
  assert.ok(!JSON.stringify(bots).includes('secret'));
  const [status, { req_id, after }] = await post('/sandbox/wecom/frames', { bot_id: 'NEW', message });
  assert.equal(status, 200);
  const told = await until('it is told', () => bot.received.find(({ headers }) => headers.req_id === req_id));
  assert.deepEqual([told.cmd, told.body.aibotid, told.body.text.content], ['aibot_msg_callback', 'NEW', '你好']);
  await bot.ask('aibot_respond_msg', stream('s', '好', true), req_id);
  await bot.ask('aibot_send_msg', { ...toLisi, ...markdown('还有') });
  await bot.ask('aibot_respond_msg', text, req_id);
  const { frames } = await get(`/sandbox/wecom/frames?req_id=${req_id}&after=${after}`);
  assert.deepEqual(
    frames.map(({ cmd, errcode }: { cmd: string; errcode: number }) => [cmd, errcode]),
    [
      ['aibot_respond_msg', 0],
      ['aibot_send_msg', 0],
      ['aibot_respond_msg', 40_008],
    ],
  );
  assert.deepEqual(await get(`/sandbox/wecom/frames?req_id=${req_id}&after=${frames[2].n}`), { frames: [] });
  assert.equal((await post('/sandbox/wecom/frames', { bot_id: 'NEW', message: {} }))[0], 400);
  assert.equal((await fetch(`${url}/sandbox/wecom/frames?req_id=none`)).status, 404);
});

test('of what bots have said so much is kept, by number and by bytes, the newest', () => {
  const log = createFrameLog();
  const place = { botId: 'BOT', chatType: 1, chatId: 'lisi' } as const;
  const add = (bytes: number) => log.add({ reqId: 'r', cmd: 'aibot_respond_msg', errcode: 0, body: {}, place, bytes });
  for (let count = 0; count < 6000; count++) add(1);
  assert.deepEqual([log.last(), log.list('r', place, 0)[0]!.n], [6000, 1001]);
  for (let count = 0; count < 20; count++) add(1024 * 1024);
  assert.deepEqual(
    log.list('r', place, 0).map(({ n }) => n),
    Array.from({ length: 16 }, (_, at) => 6005 + at),
  );
});

test('of what is kept by a key the oldest is forgotten, and what is kept again is the newest', () => {
  const map = new Map<string, number>();
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) keepIn(map, key, value, 3);
  keepIn(map, 'a', 4, 3);
  keepIn(map, 'd', 5, 3);
  assert.deepEqual(
    [...map],
    [
      ['c', 3],
      ['a', 4],
      ['d', 5],
    ],
  );
});
