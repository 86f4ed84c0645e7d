import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ConnectionState } from '../../gen/wecom/v1/integration_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { readNow } from '../../src/db/read-now.ts';
import {
  type ConnectionChange,
  type ConnectionStateName,
  noteConnection,
} from '../../src/wecom/long-connection/connection-store.ts';
import {
  deleteHolder,
  giveBack,
  insertHolder,
  listWanted,
  takeBot,
} from '../../src/wecom/long-connection/holder-store.ts';
import { dialects } from '../support/databases.ts';
import { clientsOf, makeDialledBot, operateBots } from '../support/dialled-bots.ts';
import { type Service, startService } from '../support/service.ts';
import { refusalOf } from '../support/wecom-service.ts';

const appid = 'wx_connection';
const LONG = { timeout: 120_000 };
const env = { WECOM_WS_URL: 'ws://127.0.0.1:9' }; // nobody listens there

const nameOf = (state: ConnectionState) => Object.entries(ConnectionState).find(([, value]) => value === state)?.[0];

for (const { name: dialect } of dialects) {
  describe(`what operators see of a long connection on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    let own: ReturnType<typeof operateBots>;
    let bound: string[];
    before(async () => {
      service = await startService({ dialect, env });
      await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
      const clients = clientsOf(service.url());
      bound = [];
      for (let count = 0; count < 8; count++) bound.push(await makeDialledBot(clients, appid));
      await service.stopApp(); // from here on nobody but the test holds a bot
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
      await database.run('delete from bot_connection');
      await database.run('delete from connection_holder');
      own = operateBots(database);
    });
    after(async () => {
      await database?.close();
      await service?.stop();
    });

    const nextBot = () => bound.pop()!;
    const show = async (integrationId: string) => (await own.bots.getIntegrationStatus({ integrationId })).connection!;
    const briefly = async (integrationId: string) => {
      const { state, reason, code, owner } = await show(integrationId);
      return [nameOf(state), reason, code, owner];
    };
    /** Takes a bot as a process of this name that lives on. */
    const take = async (integrationId: string, name: string) => {
      const holderId = `${name}-${integrationId}`.slice(0, 32);
      await insertHolder(database, holderId, name, 600_000);
      assert.ok(await database.tx((tx) => takeBot(tx, integrationId, holderId)));
      return {
        holderId,
        note: async (state: ConnectionStateName, more: Partial<ConnectionChange> = {}) => {
          const change = { state, reason: '', code: 0, attempts: 0, ...more };
          assert.ok(await noteConnection(database, { integrationId, holderId }, change));
        },
        die: () =>
          database.run(`update connection_holder set due_at = ${database.dialect.now} - 1 where holder_id = ?`, [
            holderId,
          ]),
      };
    };
    const isNow = async (seconds: number) =>
      assert.ok(Math.abs(seconds - (await readNow(database)) / 1000) < 60, `${seconds} is now`);

    test('each state is shown with its owner, reason, code, attempts and times', LONG, async () => {
      const id = nextBot();
      const { $typeName, ...nothing } = await show(id);
      assert.deepEqual(nothing, {
        ...{ state: ConnectionState.IDLE, reason: 'no process holds it', code: 0, owner: '', attempts: 0 },
        ...{ lastConnectedAt: 0, lastDisconnectedAt: 0, lastHeartbeatAt: 0, nextAttemptAt: 0 },
      });
      const holder = await take(id, 'p1');
      assert.deepEqual(await briefly(id), ['IDLE', '', 0, 'p1']);
      await holder.note('connecting', { attempts: 1 });
      assert.deepEqual(await briefly(id), ['CONNECTING', '', 0, 'p1']);
      assert.deepEqual([(await show(id)).attempts, (await show(id)).lastConnectedAt], [1, 0]);
      await holder.note('connected');
      assert.deepEqual(await briefly(id), ['CONNECTED', '', 0, 'p1']);
      const connected = await show(id);
      await isNow(connected.lastConnectedAt);
      assert.deepEqual([connected.lastDisconnectedAt, connected.attempts, connected.nextAttemptAt], [0, 0, 0]);
      const beatMs = (await readNow(database)) - 4000;
      await database.run('update bot_connection set heartbeat_at = ? where integration_id = ?', [beatMs, id]);
      assert.equal((await show(id)).lastHeartbeatAt, Math.floor(beatMs / 1000));
      await holder.note('waiting', { reason: 'a limit', code: 45_009, attempts: 3, nextAttemptInMs: 300_000 });
      assert.deepEqual(await briefly(id), ['WAITING', 'a limit', 45_009, 'p1']);
      const waiting = await show(id);
      assert.equal(waiting.attempts, 3);
      assert.equal(waiting.lastConnectedAt, connected.lastConnectedAt);
      await isNow(waiting.lastDisconnectedAt);
      await isNow(waiting.nextAttemptAt - 300);
      await holder.note('stopped', { reason: 'invalid bot_id or secret', code: 853_000, attempts: 4 });
      assert.deepEqual(await briefly(id), ['STOPPED', 'invalid bot_id or secret', 853_000, 'p1']);
      assert.equal((await show(id)).nextAttemptAt, 0);
    });

    for (const end of ['gives it back', 'goes', 'dies'] as const) {
      test(`what a process wrote of a connection is not shown as it was after that process ${end}`, LONG, async () => {
        const id = nextBot();
        for (const state of ['connecting', 'connected', 'waiting', 'stopped'] as const) {
          const { holderId, note, die } = await take(id, `p-${state}`);
          await note(state, { reason: `r-${state}`, code: 7, nextAttemptInMs: 300_000 });
          if (end === 'gives it back') await giveBack(database, id, holderId);
          else if (end === 'goes') await deleteHolder(database, holderId);
          else await die();
          const shown = state === 'stopped' ? 'STOPPED' : 'IDLE';
          // Who gives a bot back has closed it on purpose.
          const isClosed = end === 'gives it back' && state !== 'stopped';
          const why = isClosed ? ['no process holds it', 0] : [`r-${state}`, 7];
          assert.deepEqual(await briefly(id), [shown, ...why, '']);
          assert.equal((await show(id)).nextAttemptAt, 0, 'nobody dials it then');
          await deleteHolder(database, holderId);
        }
      });
    }

    test('a bot that was taken from a dead process is not connected before the next one says so', LONG, async () => {
      const id = nextBot();
      const dead = await take(id, 'p1');
      await dead.note('connected');
      assert.equal((await show(id)).lastDisconnectedAt, 0);
      await dead.die();
      const next = await take(id, 'p2');
      assert.deepEqual(await briefly(id), ['IDLE', '', 0, 'p2']);
      await isNow((await show(id)).lastDisconnectedAt);
      await next.note('connected');
      assert.deepEqual(await briefly(id), ['CONNECTED', '', 0, 'p2']);
    });

    test('a bot that is disabled or not bound is idle and says so, whoever still holds it', LONG, async () => {
      const id = nextBot();
      const { note } = await take(id, 'p1');
      await note('waiting', { reason: 'a limit', code: 45_009, nextAttemptInMs: 300_000 });
      const unbound = ['IDLE', 'the bot is not bound to an assistant', 0, 'p1'];
      await own.triggers.publishTrigger({ integrationId: id, appid, enabled: false });
      assert.deepEqual(await briefly(id), unbound);
      await own.triggers.removeTrigger({ integrationId: id });
      assert.deepEqual(await briefly(id), unbound);
      assert.equal((await show(id)).nextAttemptAt, 0);
      await own.triggers.publishTrigger({ integrationId: id, appid });
      assert.deepEqual(await briefly(id), ['WAITING', 'a limit', 45_009, 'p1']);
      await database.run('update integration set enabled = 0 where integration_id = ?', [id]);
      assert.deepEqual(await briefly(id), ['IDLE', 'the bot is disabled', 0, 'p1']);
    });

    test(
      'a disconnect wakes who holds connections here, and is shown before all else, with who still holds the bot',
      LONG,
      async () => {
        const id = nextBot();
        const { holderId, note } = await take(id, 'p1');
        await note('connected');
        const { woken } = own;
        const before = woken.connections;
        await own.bots.disconnectIntegration({ integrationId: id });
        assert.equal(woken.connections, before + 1);
        const closed = ['DISCONNECTED', 'an operator has closed it', 0];
        assert.deepEqual(await briefly(id), [...closed, 'p1']);
        await own.triggers.removeTrigger({ integrationId: id });
        assert.deepEqual(await briefly(id), [...closed, 'p1']);
        await note('idle');
        await giveBack(database, id, holderId);
        assert.deepEqual(await briefly(id), [...closed, '']);
        assert.equal(await database.tx((tx) => takeBot(tx, id, holderId)), false, 'nobody takes it');
        await own.triggers.publishTrigger({ integrationId: id, appid });
        await own.bots.reconnectIntegration({ integrationId: id });
        assert.ok(woken.connections > before + 1);
        assert.deepEqual(await briefly(id), ['IDLE', 'no process holds it', 0, '']);
        assert.ok(await database.tx((tx) => takeBot(tx, id, holderId)));
        const asked = woken.connections;
        await refusalOf(own.bots.reconnectIntegration({ integrationId: 'none' }));
        assert.equal(woken.connections, asked, 'not for what was refused');
      },
    );

    test('a bot that is deleted is shown no more; its connection keeps its row, and is not wanted', LONG, async () => {
      const id = nextBot();
      const { note } = await take(id, 'p1');
      await note('connected');
      const before = own.woken.connections;
      await own.bots.deleteIntegration({ integrationId: id });
      assert.equal(own.woken.connections, before + 1);
      assert.equal((await refusalOf(show(id))).errcode, '40401');
      const rows = await database.all('select state from bot_connection where integration_id = ?', [id]);
      assert.equal(rows.length, 1);
      assert.ok(!(await listWanted(database)).some(({ integrationId }) => integrationId === id));
    });
  });
}
