import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { ConnectionState } from '../../gen/wecom/v1/integration_pb.ts';
import { maxFrameBytes } from '../../src/wecom/long-connection/frame.ts';
import { dialects } from '../support/databases.ts';
import { type DialledBot, type DialledService, startDialledService } from '../support/dialled-service.ts';
import { sendPieces } from '../support/fake-llm.ts';
import { type MediaHost, png, startMediaHost } from '../support/media-host.ts';
import { oddCallbacks, oddFrames } from '../support/odd-frames.ts';
import { until } from '../support/until.ts';
import { type RejectionWatch, watchRejections } from '../support/watch-rejections.ts';
import type { From } from '../support/wecom-chats.ts';
import { modelAnswer } from '../support/wecom-service.ts';
import type { SocketFrame } from '../support/wecom-socket-side.ts';

const LONG = { timeout: 120_000 };
const question = '成人票多少钱？';
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`TEST_SEED=${seed}`);

for (const { name: dialect } of dialects) {
  describe(`a bot that is dialled, to whom anything is sent, on ${dialect}`, () => {
    let all: DialledService;
    let host: MediaHost;
    let rules: DialledService['side']['answer'];
    let watch: RejectionWatch;
    let users = 0;
    before(async () => {
      watch = watchRejections();
      all = await startDialledService('wx_garbage', { dialect });
      host = await startMediaHost();
      rules = all.side.answer;
    });
    after(async () => {
      await all?.stop();
      await host?.close();
      watch.stop();
      assert.deepEqual(watch.seen, [], 'nor when it stops');
    });
    beforeEach(() => {
      all.llm.answer = sendPieces([modelAnswer]);
      all.side.answer = rules;
      all.chats.fault = () => undefined;
    });
    afterEach(() => assert.deepEqual(watch.seen, []));

    const user = (): From => ({ userid: `g${++users}` });
    const socketOf = ({ botId }: DialledBot) => all.side.connected(botId)!.socket;
    const socketsOf = ({ botId }: DialledBot) => all.side.sockets.filter((each) => each.botId === botId).length;
    const statusOf = ({ integrationId }: DialledBot) => all.clients.bots.getIntegrationStatus({ integrationId });
    const isFinal = ({ cmd, body }: SocketFrame) => cmd === 'aibot_respond_msg' && body?.stream?.finish === true;
    const answered = async ({ botId }: DialledBot, from = user()) => {
      const count = all.chats.chat(from).filter((each) => each.isFinished).length;
      all.chats.say(botId, from, question);
      assert.match((await all.chats.finished(from, count + 1)).at(-1)!, /168/);
    };
    /** It was never closed, or its status says why it was, and it is connected again. */
    const closedFor = async (bot: DialledBot, reason: RegExp) => {
      const status = await until('its end is noted', async () => {
        const { errors, connection } = await statusOf(bot);
        return errors.some(({ what }) => what === 'connection') && { errors, connection };
      });
      const { reason: noted } = status.errors.find(({ what }) => what === 'connection')!;
      assert.match(noted, reason);
      await until('it is connected again', () => socketsOf(bot) > 1 && all.side.connected(bot.botId));
      await until(
        'its status says so',
        async () => (await statusOf(bot)).connection?.state === ConnectionState.CONNECTED,
      );
    };

    test('frames that are none leave it connected, and the next question is answered', LONG, async () => {
      const bot = await all.dial();
      const random = [
        ...fc.sample(fc.json(), { seed, numRuns: 200 }),
        ...fc.sample(fc.uint8Array({ maxLength: 200 }), { seed, numRuns: 200 }),
      ];
      for (const frame of [...oddFrames, ...random]) socketOf(bot).send(frame);
      await answered(bot);
      assert.equal(socketsOf(bot), 1);
      const { errors, connection } = await statusOf(bot);
      assert.equal(connection?.state, ConnectionState.CONNECTED);
      assert.ok(
        errors.length > 0 && errors.every(({ what }) => what === 'callback'),
        'operators see what was no message',
      );
    });

    test(
      'callbacks whose fields hold anything leave it connected, and the next question is answered',
      LONG,
      async () => {
        const bot = await all.dial();
        for (const frame of fc.sample(oddCallbacks, { seed, numRuns: 250 })) socketOf(bot).send(frame);
        await answered(bot);
        assert.equal(socketsOf(bot), 1);
      },
    );

    test('a frame beyond its limit closes it with a reason, and it comes back', LONG, async () => {
      const bot = await all.dial();
      socketOf(bot).send(`{"cmd":"${'x'.repeat(maxFrameBytes)}"}`);
      await closedFor(bot, /Max payload size exceeded/);
      await answered(bot);
    });

    test('what is no WebSocket frame, or no UTF-8, closes it with a reason, and it comes back', LONG, async () => {
      for (const [bytes, reason] of [
        [Buffer.from([0xff, 0xff, 0xff, 0xff]), /Invalid WebSocket frame/],
        [Buffer.from([0x81, 0x02, 0xff, 0xfe]), /invalid UTF-8/],
        [Buffer.from([0x88, 0x02, 0x00, 0x00]), /invalid status code/],
      ] as const) {
        const bot = await all.dial();
        (socketOf(bot) as unknown as { _socket: NodeJS.WritableStream })._socket.write(bytes);
        await closedFor(bot, reason);
        await answered(bot);
      }
    });

    test(
      'an acknowledgement with an errcode that no integer holds is none: its frame is said again',
      LONG,
      async () => {
        const bot = await all.dial();
        for (const errcode of [2 ** 31, 1e300, -(2 ** 31) - 1]) {
          let odd = 0;
          all.chats.fault = (frame) => (isFinal(frame) && odd++ === 0 ? errcode : undefined);
          await answered(bot);
          assert.ok(odd > 1);
        }
        assert.equal(socketsOf(bot), 1);
      },
    );

    test('an errcode that nobody knows is noted, and its frame is said again', LONG, async () => {
      const bot = await all.dial();
      const codes = [2 ** 31 - 1, -(2 ** 31), -1, 1, 123_456];
      for (const errcode of codes) {
        let odd = 0;
        all.chats.fault = (frame) => (isFinal(frame) && odd++ === 0 ? errcode : undefined);
        await answered(bot);
      }
      const noted = (await statusOf(bot)).errors.map(({ code }) => code);
      for (const code of codes) assert.ok(noted.includes(code), `${code}`);
    });

    test('of two acknowledgements of a frame the first counts, whatever the second says', LONG, async () => {
      const bot = await all.dial();
      let doubled = 0;
      all.side.answer = (frame, socket) => {
        const answer = rules(frame, socket);
        if (frame.cmd === 'ping') return answer;
        const { req_id } = frame.headers;
        const send = (errcode: unknown) => socket.socket.send(JSON.stringify({ headers: { req_id }, errcode }));
        send(answer);
        for (const errcode of [846_605, 0, '0', 853_000]) send(errcode);
        doubled++;
        return undefined;
      };
      for (let round = 0; round < 3; round++) await answered(bot);
      assert.ok(doubled >= 6);
      assert.deepEqual((await statusOf(bot)).errors, []);
      assert.equal(socketsOf(bot), 1);
    });

    test('an upload that is answered with anything ends, and holds up nothing of that chat', LONG, async () => {
      const bot = await all.dial();
      host.files.set('/map.png', (_, response) => response.end(png));
      const bodies: unknown[] = [
        undefined,
        null,
        7,
        [],
        {},
        { upload_id: 7 },
        { upload_id: '' },
        { upload_id: 'x'.repeat(1e6) },
      ];
      for (const step of ['init', 'finish']) {
        for (const body of bodies) {
          const from = user();
          all.side.answer = (frame, socket) => {
            const isOdd = frame.cmd === `aibot_upload_media_${step}`;
            return isOdd ? { errcode: 0, body: body as object } : rules(frame, socket);
          };
          all.llm.answer = sendPieces([`168 元。[1] ![图](${host.url}/map.png)`]);
          await answered(bot, from);
          all.llm.answer = sendPieces([modelAnswer]);
          await answered(bot, from);
          assert.deepEqual(
            all.chats.chat(from).map(({ kind }) => kind),
            ['bubble', 'bubble'],
          );
        }
      }
    });

    test('what is for another bot, or without a sender, disturbs nothing', LONG, async () => {
      const bot = await all.dial();
      const say = (body: object) =>
        all.side.connected(bot.botId)!.callBack('aibot_msg_callback', `r${++users}`, { msgtype: 'text', ...body });
      const text = { content: question };
      for (const body of [{ text }, { msgid: `m${++users}`, text }, { msgid: `m${++users}`, from: {}, text }])
        say(body);
      say({ msgid: `m${++users}`, from: { userid: 'sys' }, text });
      say({ msgid: `m${++users}`, aibotid: 'another', from: { userid: 'somebody' }, text: 7 });
      await answered(bot);
      const errors = (await statusOf(bot)).errors.map(({ what, code }) => [what, code]);
      assert.deepEqual(errors, [
        ['callback', 40001],
        ['callback', 40001],
      ]);
    });

    test(
      'of a flood of one user each message is kept or told to be sent again, and others are answered',
      LONG,
      async () => {
        const bot = await all.dial();
        const from = user();
        all.chats.mostAMinute = 100_000;
        for (let each = 0; each < 2000; each++) all.chats.say(bot.botId, from, `${question}${each}`);
        const toldAgain = () => all.chats.chat(from).filter(({ texts }) => texts.at(-1)!.includes('请再发一次')).length;
        const kept = async () => {
          const sql = "select count(*) kept from message where channel = ? and openid = ? and speaker = 'user'";
          const [row] = await all.database.all<{ kept: number }>(sql, [`wecom:${bot.integrationId}`, from.userid]);
          return Number(row!.kept);
        };
        await until('each is kept or told of', async () => (await kept()) + toldAgain() >= 2000);
        assert.equal((await kept()) + toldAgain(), 2000);
        assert.ok(toldAgain() >= 1000, `${toldAgain()}: not all of them are held at once`);
        await answered(bot);
        assert.equal(socketsOf(bot), 1);
      },
    );
  });
}
