import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionField,
  type FieldBot,
  listUnfinished,
  openConnectionField,
  reckon,
} from '../support/connection-field.ts';
import { dialects } from '../support/databases.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import type { SocketFrame } from '../support/wecom-socket-side.ts';

const LONG = { timeout: 170_000 };

/** What a frame says to a user for good; undefined: it says nothing, or not for good. */
const lastWords = ({ cmd, body }: SocketFrame): string | undefined => {
  if (cmd === 'aibot_send_msg') return body.markdown.content;
  return cmd === 'aibot_respond_msg' && body.stream.finish ? body.stream.content : undefined;
};

/** Both dialects at once: nearly all of the time they wait for leases to end. */
describe('the process that holds a bot is killed, with the usual lease', { concurrency: true }, () => {
  for (const { name: dialect, create } of dialects) {
    describe(`on ${dialect}`, () => {
      let field: ConnectionField;
      let bot: FieldBot;
      before(async () => {
        field = await openConnectionField(await create(), { LEASE_SECONDS: '30' });
        bot = await field.makeBot();
        await field.start();
      }, LONG);
      after(() => field?.close(), LONG);

      test('the other has it within 30 seconds, and answers all that was accepted, once', LONG, async () => {
        const { chats, side, echoes } = field;
        const said = new Set<string>();
        // Of one answer WeCom takes nothing, another it takes: the process is told of neither.
        chats.fault = (frame) => {
          const words = lastWords(frame);
          if (words !== undefined) said.add(words.includes('不收') ? 'not taken' : 'taken');
          return words?.includes('不收') ? 'silence' : undefined;
        };
        side.delayMs = (frame) => (lastWords(frame) === undefined ? 0 : Number.POSITIVE_INFINITY);
        echoes.draft = (question) => (question.includes('草稿') ? '才写到一半' : undefined);
        echoes.delayMs = (question) => (/不收|收下/.test(question) ? 0 : 8000);
        for (const words of ['不收', '收下', '草稿', '思考']) await field.ask(bot, { userid: words }, `${words}一`);
        await field.ask(bot, { userid: '不收' }, '不收二');
        await until('two answers are under way', () => said.size === 2);
        await until('one is drafted', () => chats.chat({ userid: '草稿' })[0]?.texts.some((text) => /一半/.test(text)));
        await until('one is thought of', () => chats.chat({ userid: '思考' }).length > 0);
        await field.ask(bot, { userid: '最后' }, '刚说完');
        const owner = await field.ownerOf(bot);
        const [former, killedMs] = [side.connected(bot.botId), performance.now()];
        await field.end(owner);
        chats.fault = () => undefined;
        side.delayMs = () => 0;
        await until('the other is subscribed', () => {
          const present = side.connected(bot.botId);
          return present !== undefined && present !== former;
        });
        const tookMs = performance.now() - killedMs;
        await field.askUntilAccepted(bot, { userid: '后来' }, '还在吗');
        const { accepted, lost, doubled, repeats } = await reckon(field, 90_000);
        const allMs = performance.now() - killedMs;
        console.log(
          `subscribed after ${Math.round(tookMs)} ms, all ${accepted} answered after ${Math.round(allMs)} ms`,
        );
        assert.ok(tookMs < 30_000, `${tookMs} ms`);
        assert.ok(accepted >= 6);
        assert.deepEqual({ lost, doubled, repeats }, { lost: [], doubled: [], repeats: 0 });
        assert.deepEqual(listUnfinished(field), []);
        assert.deepEqual([...chats.faults, ...side.faults], []);
      });
    });
  }
});

for (const { name: dialect, create } of dialects) {
  describe(`processes that hold bots are killed again and again, on ${dialect}`, () => {
    const random = createRandom();
    let field: ConnectionField;
    let bots: FieldBot[];
    before(async () => {
      console.log(`TEST_SEED=${random.seed}`);
      field = await openConnectionField(await create(), { LEASE_SECONDS: '5' });
      bots = [await field.makeBot()];
      await field.start();
      field.echoes.draft = (question) => (random.chance(0.3) ? `关于${question}` : undefined);
      field.echoes.delayMs = () => random.below(1500);
    }, LONG);
    after(() => field?.close(), LONG);

    /** The bubbles of these users WeCom says to be too old. */
    const isLate = (text: string | undefined) => text?.includes('迟') ?? false;
    const check = async () => {
      const { accepted, lost, buried, doubled, repeats } = await reckon(field, 90_000);
      const kills = field.killedMs.length;
      console.log(`${kills} kills, ${accepted} of ${field.asked.length} accepted, ${repeats} said again`);
      assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
      if (buried.length === 0)
        assert.deepEqual(
          listUnfinished(field).filter((each) => !isLate(each)),
          [],
        );
      else console.log(`begun three times when a process was killed: ${buried.join(', ')}`);
      assert.ok(buried.length <= kills / 3);
      assert.deepEqual([...field.chats.faults, ...field.side.faults], []);
    };

    /** Where the holder is killed: at a frame, before WeCom takes it or after, or a moment after somebody spoke. */
    const points: Record<string, { at?: (frame: SocketFrame) => boolean; taken?: boolean }> = {
      heard: {},
      subscribing: { at: ({ cmd }) => cmd === 'aibot_subscribe', taken: true },
      thinking: { at: ({ cmd, body }) => cmd === 'aibot_respond_msg' && /^正在/.test(body.stream.content) },
      'thinking, taken': { at: ({ cmd }) => cmd === 'aibot_respond_msg', taken: true },
      final: { at: (frame) => lastWords(frame) !== undefined },
      'final, taken': {
        at: (frame) => lastWords(frame) !== undefined && frame.cmd === 'aibot_respond_msg',
        taken: true,
      },
      message: { at: ({ cmd }) => cmd === 'aibot_send_msg' },
      'message, taken': { at: ({ cmd }) => cmd === 'aibot_send_msg', taken: true },
    };

    test('at each point of its work: all that was accepted is answered, in no chat twice', LONG, async () => {
      const { chats, side } = field;
      const bot = bots[0]!;
      let armed: string | undefined;
      let killed = Promise.withResolvers<void>();
      const kill = () => {
        armed = undefined;
        void field.ownerOf(bot).then((owner) => field.end(owner).then(killed.resolve, killed.reject));
      };
      const isHit = (frame: SocketFrame, taken: boolean) => {
        const point = armed === undefined ? undefined : points[armed];
        if (!point?.at?.(frame) || (point.taken ?? false) !== taken) return false;
        kill();
        return true;
      };
      chats.fault = (frame) => {
        if (isHit(frame, false)) return 'silence';
        return frame.cmd === 'aibot_respond_msg' && isLate(lastWords(frame)) ? 846_608 : undefined;
      };
      side.delayMs = (frame) => (isHit(frame, true) ? Number.POSITIVE_INFINITY : 0);
      const saying: Promise<unknown>[] = [];
      const order = Object.keys(points).sort(() => random.below(3) - 1);
      const tookMs: number[] = [];
      for (const [round, point] of order.entries()) {
        killed = Promise.withResolvers<void>();
        for (const kind of ['快', '问', '迟']) {
          const from = { userid: `${kind}${round}` };
          saying.push(field.askUntilAccepted(bot, from, `${kind}${round}甲`));
          saying.push(field.askUntilAccepted(bot, from, `${kind}${round}乙`));
        }
        await until('it is connected', () => side.connected(bot.botId));
        if (point === 'subscribing') side.connected(bot.botId)!.socket.terminate();
        armed = point;
        if (points[point]!.at === undefined) {
          await sleep(random.below(60));
          kill();
        }
        await killed.promise;
        const atMs = performance.now();
        await field.start();
        await until('it is connected again', () => side.connected(bot.botId));
        tookMs.push(Math.round(performance.now() - atMs));
        // Three kills while one answer is being sent would bury it.
        await Promise.all(saying.splice(0));
        assert.deepEqual((await reckon(field)).lost, []);
      }
      console.log(`${order.join('; ')}: connected again after ${tookMs.join(', ')} ms`);
      await check();
      assert.ok(Math.max(...tookMs) < 30_000);
    });

    test('at any time, whoever it is: the same, and the bots move', LONG, async () => {
      const { chats, side } = field;
      chats.fault = (frame) => (frame.cmd === 'aibot_respond_msg' && isLate(lastWords(frame)) ? 846_608 : undefined);
      side.delayMs = () => random.below(50);
      bots.push(await field.makeBot());
      const endMs = performance.now() + 30_000;
      const { length: before } = field.killedMs;
      const asking = Array.from({ length: 8 }, async (_, index) => {
        const from = { userid: `${random.pick(['迟', '问'])}某${index}` };
        for (let round = 0; performance.now() < endMs; round++) {
          await field.askUntilAccepted(bots[index % bots.length]!, from, `${from.userid}的第${round}问`);
          await sleep(1000 + random.below(5000));
        }
      });
      while (performance.now() < endMs) {
        await sleep(2000 + random.below(4000));
        await field.end(random.pick(field.processes), random.chance(0.25) ? 'SIGTERM' : 'SIGKILL');
        await field.start();
      }
      await Promise.all(asking);
      assert.ok(field.killedMs.length > before);
      await check();
    });
  });
}
