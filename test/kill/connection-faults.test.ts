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
import { clientsOf } from '../support/dialled-bots.ts';
import { echo } from '../support/echo-bots.ts';
import type { ServiceProcess } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };

const env = { LEASE_SECONDS: '5', CONNECTION_TIMES: JSON.stringify({ heartbeatMs: 700, ackTimeoutMs: 2000 }) };

for (const { name: dialect, create } of dialects) {
  describe(`a long connection whose holder, way or operator fails it, on ${dialect}`, () => {
    let field: ConnectionField;
    let bot: FieldBot;
    before(async () => {
      field = await openConnectionField(await create(), env);
      bot = await field.makeBot();
      await field.start();
    }, LONG);
    after(() => field?.close(), LONG);

    const subscribed = () => field.side.sockets.filter(({ botId }) => botId === bot.botId);
    const check = async () => {
      const { lost, doubled, repeats } = await reckon(field);
      assert.deepEqual({ lost, doubled, repeats }, { lost: [], doubled: [], repeats: 0 });
      assert.deepEqual(listUnfinished(field), []);
      assert.deepEqual([...field.chats.faults, ...field.side.faults], []);
    };
    /** Waits until each of the processes has renewed its holder so often: so many rounds have begun. */
    const goRound = async (times: number) => {
      const rounds = new Map(field.processes.map(({ pid }) => [pid, new Set<number>()]));
      await until(`${times} rounds`, async () => {
        const rows = await field.database.all<{ name: string; due_at: number }>(
          `select name, due_at from connection_holder where due_at > ${field.database.dialect.now}`,
        );
        for (const { name, due_at } of rows) rounds.get(Number(name.split('/').pop()))?.add(Number(due_at));
        return [...rounds.values()].every((seen) => seen.size > times);
      });
    };

    /** Stops a process while it is in no transaction: what that has locked stays locked for the others. */
    const freeze = async (frozen: ServiceProcess) => {
      const { database } = field;
      const isBusy = async () => {
        if (database.dialect.name === 'sqlite') {
          const changed = database.run("update bot_connection set reason = reason where integration_id = ''");
          return Promise.race([changed.then(() => false), sleep(1000, true)]);
        }
        const open = () =>
          database.all(
            `select 1 from information_schema.innodb_trx t
              join information_schema.processlist p on p.id = t.trx_mysql_thread_id where p.db = database()`,
          );
        for (let look = 0; look < 20; look++) {
          if ((await open()).length === 0) return false;
          await sleep(20);
        }
        return true;
      };
      for (;;) {
        frozen.kill('SIGSTOP');
        await sleep(20);
        if (!(await isBusy())) return;
        frozen.kill('SIGCONT');
        await sleep(50);
      }
    };

    test('that goes silent both ways is given up, and what waits is said by the next', LONG, async () => {
      const { chats, side, echoes } = field;
      echoes.delayMs = () => 1500;
      const from = { userid: '半开' };
      await field.ask(bot, from, '听得见吗');
      await until('it thinks', () => chats.chat(from).length > 0);
      const former = side.connected(bot.botId)!;
      former.socket.pause();
      await until('there is another connection', () => side.connected(bot.botId) !== former);
      assert.deepEqual(await chats.finished(from, 1), [echo('听得见吗')]);
      await check();
    });

    test(
      'whose holder is frozen beyond its lease: another answers, and it says nothing when it wakes up',
      LONG,
      async () => {
        const { chats, side, echoes } = field;
        const owner = await field.ownerOf(bot);
        const former = side.connected(bot.botId)!;
        chats.fault = ({ body }, socket) => (socket === former && body.stream.finish ? 'silence' : undefined);
        echoes.draft = (question) => (question.includes('草稿') ? '才写到一半' : undefined);
        echoes.delayMs = (question) => (question.includes('就绪') ? 0 : 4000);
        for (const words of ['就绪', '草稿', '思考']) await field.ask(bot, { userid: words }, `${words}时冻住`);
        await until('one is drafted', () => chats.chat({ userid: '草稿' })[0]?.texts.some((text) => /一半/.test(text)));
        await freeze(owner);
        const before = subscribed().length;
        await until('another has it', () => side.connected(bot.botId) !== former);
        await field.ask(bot, { userid: '之后' }, '换人了吗');
        for (const words of ['就绪', '草稿', '思考', '之后']) await chats.finished({ userid: words }, 1);
        const { length: frames } = former.frames;
        const bytes = former.readBytes();
        assert.equal(former.socket.readyState, former.socket.OPEN);
        owner.kill('SIGCONT');
        await until('it has let go', () => former.socket.readyState === former.socket.CLOSED);
        await goRound(3);
        assert.equal(former.frames.length, frames);
        assert.equal(former.readBytes(), bytes);
        assert.equal(subscribed().length, before + 1);
        await field.askUntilAccepted(bot, { userid: '之后' }, '还在吗');
        await check();
      },
    );

    test('that an operator has closed stays closed when all processes are killed or restarted', LONG, async () => {
      const { side } = field;
      const owner = await field.ownerOf(bot);
      const other = field.processes.find((each) => each !== owner)!;
      const operate = ({ url }: ServiceProcess) => clientsOf(url).bots;
      const { integrationId } = bot;
      await operate(other).disconnectIntegration({ integrationId });
      await until('it is closed', () => side.connected(bot.botId) === undefined);
      const { length: before } = side.sockets;
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await Promise.all(field.processes.map((each) => field.end(each, signal)));
        await Promise.all([field.start(), field.start()]);
        await goRound(3);
      }
      assert.equal(side.sockets.length, before, 'nobody has dialled');
      await operate(field.processes[1]!).reconnectIntegration({ integrationId });
      await field.askUntilAccepted(bot, { userid: '重开' }, '回来了吗');
      await check();
    });
  });
}
