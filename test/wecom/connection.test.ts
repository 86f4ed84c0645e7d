import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Connection,
  type ConnectionOptions,
  Ended,
  NotAcknowledged,
  openConnection,
} from '../../src/wecom/long-connection/connection.ts';
import type { Callback } from '../../src/wecom/long-connection/frame.ts';
import { type ConnectionState, keepConnected } from '../../src/wecom/long-connection/keep-connected.ts';
import { until } from '../support/until.ts';
import { startWecomSocketSide, type WecomSocketSide } from '../support/wecom-socket-side.ts';

const LONG = { timeout: 60_000 };
const botId = 'BOT1';
const quick = { ackTimeoutMs: 2000, heartbeatMs: 50 };
const waits = { baseWaitMs: 20, maxWaitMs: 100, settledMs: 60_000, coolDownMs: 50, contestMs: 60_000 };

describe('a long connection', () => {
  let side: WecomSocketSide;
  let calls: Callback[];
  let troubles: string[];
  const open: Connection[] = [];
  beforeEach(async () => {
    side = await startWecomSocketSide();
    side.secrets.set(botId, 's');
    [calls, troubles] = [[], []];
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close('the test is over');
    await side.close();
  });
  const optionsOf = (more: Partial<ConnectionOptions> = {}): ConnectionOptions => ({
    ...{ url: side.url, botId, secret: 's', ...quick },
    onCallback: async (callback) => {
      calls.push(callback);
    },
    mayAct: () => true,
    onTrouble: (reason) => troubles.push(reason),
    ...more,
  });
  const connect = (more?: Partial<ConnectionOptions>) => {
    const connection = openConnection(optionsOf(more));
    open.push(connection);
    return connection;
  };

  test('is ready when the subscription was acknowledged, and nothing is sent before', LONG, async () => {
    side.delayMs = () => 200;
    const connection = connect();
    await connection.ready;
    assert.deepEqual(
      side.connected(botId)!.frames.map(({ cmd }) => cmd),
      ['aibot_subscribe'],
    );
    assert.equal((await connection.send({ cmd: 'aibot_send_msg', reqId: 'r', body: {} })).errcode, 0);
    assert.deepEqual(side.faults, []);
  });

  test('with wrong credentials ends as refused', LONG, async () => {
    const connection = connect({ secret: 'another' });
    await assert.rejects(connection.ready, Ended);
    assert.deepEqual(await connection.ended, { kind: 'refused', code: 853_000, reason: 'invalid bot_id or secret' });
  });

  test('frames of one req_id go one after another, those of others beside them', LONG, async () => {
    const connection = connect({ heartbeatMs: 60_000 });
    await connection.ready;
    side.delayMs = () => 20;
    const commands = Array.from({ length: 30 }, (_, index) => ({
      ...{ cmd: 'aibot_respond_msg', reqId: `r${index % 3}`, body: { index } },
    }));
    const acks = await Promise.all(commands.map((command) => connection.send(command)));
    assert.ok(acks.every(({ errcode }) => errcode === 0));
    assert.deepEqual(side.faults, []);
    const of = (reqId: string) =>
      side
        .connected(botId)!
        .frames.filter(({ headers }) => headers.req_id === reqId)
        .map(({ body }) => body.index);
    assert.deepEqual(of('r1'), [1, 4, 7, 10, 13, 16, 19, 22, 25, 28]);
  });

  test('a frame that is not acknowledged is told of, and the connection goes on', LONG, async () => {
    const connection = connect({ ackTimeoutMs: 200, heartbeatMs: 60_000 });
    await connection.ready;
    side.answer = ({ headers }) => (headers.req_id === 'lost' ? undefined : 0);
    await assert.rejects(connection.send({ cmd: 'aibot_respond_msg', reqId: 'lost', body: {} }), NotAcknowledged);
    assert.equal((await connection.send({ cmd: 'aibot_respond_msg', reqId: 'other', body: {} })).errcode, 0);
  });

  test('what waits for an acknowledgement when it ends is told so at once', LONG, async () => {
    const connection = connect();
    await connection.ready;
    side.answer = () => undefined;
    const waiting = connection.send({ cmd: 'aibot_respond_msg', reqId: 'r', body: {} });
    side.connected(botId)!.socket.terminate();
    await assert.rejects(waiting, Ended);
    await assert.rejects(connection.send({ cmd: 'aibot_respond_msg', reqId: 'r', body: {} }), Ended);
  });

  test('that is finished hears what became of what it has sent, and sends nothing more', LONG, async () => {
    const connection = connect({ heartbeatMs: 60_000 });
    await connection.ready;
    side.delayMs = () => 200;
    const sent = connection.send({ cmd: 'aibot_send_msg', reqId: 'r', body: {} });
    await until('it is on its way', () => side.connected(botId)!.frames.length === 2);
    const finished = connection.finish('the bot is given back', 10_000);
    await assert.rejects(connection.send({ cmd: 'aibot_send_msg', reqId: 'other', body: {} }), Ended);
    assert.equal((await sent).errcode, 0);
    await finished;
    assert.equal((await connection.ended).kind, 'closed');
    assert.equal(side.sockets[0]!.frames.length, 2);
  });

  test('that is finished waits no longer than it is told', LONG, async () => {
    const connection = connect({ heartbeatMs: 60_000, ackTimeoutMs: 50_000 });
    await connection.ready;
    side.answer = () => undefined;
    const sent = connection.send({ cmd: 'aibot_send_msg', reqId: 'r', body: {} });
    await connection.finish('the bot is given back', 100);
    await assert.rejects(sent, Ended);
  });

  test('that went silent is given up after two heartbeats, though TCP is fine', LONG, async () => {
    const connection = connect({ ackTimeoutMs: 100 });
    await connection.ready;
    side.answer = () => undefined;
    assert.deepEqual(await connection.ended, { kind: 'lost', code: 0, reason: 'heartbeats are not acknowledged' });
  });

  test('that WeCom has forgotten is ended, and its heartbeats are none, though it answers', LONG, async () => {
    let beats = 0;
    const connection = connect({ heartbeatMs: 50, onHeartbeat: () => beats++ });
    await connection.ready;
    side.answer = () => 846_609;
    assert.equal((await connection.ended).kind, 'lost');
    assert.equal(beats, 0);
    const other = connect({ heartbeatMs: 60_000 });
    await other.ready;
    await assert.rejects(other.send({ cmd: 'aibot_send_msg', reqId: 'x', body: {} }), Ended);
    assert.deepEqual(await other.ended, {
      ...{ kind: 'lost', code: 846_609, reason: 'WeCom has forgotten the subscription' },
    });
  });

  test('the former one is told that the bot was taken, and closes itself', LONG, async () => {
    const former = connect();
    await former.ready;
    await connect().ready;
    assert.equal((await former.ended).kind, 'taken');
  });

  test('no frame of whatever kind ends the process, or a connection without a reason', LONG, async () => {
    const connection = connect({
      onCallback: async () => {
        throw new Error('a handler that fails');
      },
    });
    await connection.ready;
    const { socket } = side.connected(botId)!;
    const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`TEST_SEED=${seed}`);
    const odd: (string | Uint8Array)[] = [
      ...[
        '',
        'null',
        '[]',
        '0',
        '{"headers":null}',
        '{"headers":{"req_id":7}}',
        '{"errcode":0}',
        '\u0000',
        '{"cmd":"x"',
      ],
      ...['{"cmd":"unknown","headers":{"req_id":"1"}}', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
      ...['{"headers":{"req_id":"1"},"errcode":"0"}', '{"cmd":"aibot_event_callback","headers":{"req_id":"1"}}'],
      `{"cmd":"aibot_msg_callback","headers":{"req_id":"1"},"body":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      ...[Buffer.from([0xff, 0xfe]), Buffer.alloc(100_000), Buffer.from('{"headers":{"req_id":"x"},"errcode":0}')],
      ...fc.sample(fc.json(), { seed, numRuns: 200 }),
      ...fc.sample(fc.uint8Array({ maxLength: 200 }), { seed, numRuns: 200 }),
    ];
    for (const each of odd) socket.send(each);
    assert.equal((await connection.send({ cmd: 'aibot_send_msg', reqId: 'still', body: {} })).errcode, 0);
    assert.ok(troubles.length > 100);
    socket.send(Buffer.alloc(5 * 1024 * 1024));
    const ending = await connection.ended;
    assert.equal(ending.kind, 'lost');
    assert.match(ending.reason, /./);
  });

  describe('that is kept', () => {
    const keep = (more: Partial<ConnectionOptions> = {}) => {
      const over = new AbortController();
      const states: ConnectionState[] = [];
      const kept = keepConnected({ ...optionsOf(more), ...waits, onState: (state) => states.push(state) }, over.signal);
      return { states, kept, stop: () => over.abort() };
    };
    const isConnected = () => side.connected(botId) !== undefined;

    test('comes back however often it is lost, and stops when it is told to', LONG, async () => {
      const { kept, stop, states } = keep();
      for (let round = 0; round < 8; round++) {
        await until('it is connected', () => states.at(-1)?.state === 'connected');
        const { length } = states;
        side.connected(botId)!.socket.terminate();
        await until('it has noticed', () => states.slice(length).some(({ state }) => state === 'waiting'));
      }
      await until('it is connected', isConnected);
      stop();
      assert.equal((await kept).kind, 'closed');
      await until('its socket is closed', () => !isConnected());
    });

    test('comes back where it was not to be used for a moment: its process stood still', LONG, async () => {
      let may = true;
      const { stop, kept } = keep({ mayAct: () => may });
      await until('it is connected', isConnected);
      may = false;
      side.connected(botId)!.callBack('aibot_msg_callback', 'r1', {});
      await until('it is closed', () => !isConnected());
      assert.deepEqual(calls, [], 'nothing is taken by it any more');
      may = true;
      await until('it is connected again', isConnected);
      stop();
      await kept;
    });

    test('waits for a server that is away, for as long as that takes', LONG, async () => {
      const { port } = new URL(side.url);
      await side.close();
      const { kept, stop, states } = keep();
      await until('it has tried many times', () => states.filter(({ state }) => state === 'connecting').length > 12);
      side = await startWecomSocketSide(Number(port));
      side.secrets.set(botId, 's');
      await until('it is connected', isConnected);
      stop();
      await kept;
      const attempts = states.flatMap((each) => (each.state === 'waiting' ? [each.waitMs] : []));
      assert.ok(attempts.every((waitMs) => waitMs <= waits.maxWaitMs));
    });

    test('stops at once when its credentials are refused', LONG, async () => {
      const { kept, states } = keep({ secret: 'another' });
      assert.equal((await kept).kind, 'refused');
      assert.equal(states.filter(({ state }) => state === 'connecting').length, 1);
    });

    test('comes back once after another took the bot, and no more when that one does it again', LONG, async () => {
      const { kept, states } = keep();
      await until('it is connected', isConnected);
      for (let round = 0; round < 2; round++) {
        await until('it holds the bot', () => states.at(-1)?.state === 'connected');
        const other = connect();
        await other.ready;
        await until('it was kicked', () => states.at(-1)?.state !== 'connected');
      }
      assert.equal((await kept).kind, 'taken');
    });

    test('an address that answers anything but a WebSocket is a reason, and tried again', LONG, async () => {
      const odd: Server = createServer((socket) =>
        socket.on('error', () => {}).end('HTTP/1.1 502 Bad Gateway\r\n\r\n'),
      );
      await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
      const { port } = odd.address() as { port: number };
      const { kept, stop, states } = keep({ url: `ws://127.0.0.1:${port}` });
      await until('it has tried some times', () => states.filter(({ state }) => state === 'waiting').length > 3);
      stop();
      await kept;
      odd.close();
      for (const each of states) if (each.state === 'waiting') assert.equal(each.ending.kind, 'lost');
    });
  });
});
