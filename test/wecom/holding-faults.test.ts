/** What goes wrong between the table and the memory of who holds a bot. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type Holding, startHolding } from '../../src/wecom/long-connection/hold-bots.ts';
import { clientsOf, makeDialledBot } from '../support/dialled-bots.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 60_000 };
const appid = 'wx_faults';
const leaseMs = 3000;

describe('a process that holds bots', () => {
  let service: Service;
  let database: Database;
  const ids: string[] = [];
  before(async () => {
    service = await startService();
    database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 10_000 });
    await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
    for (let index = 0; index < 3; index++) ids.push(await makeDialledBot(clientsOf(service.app.url), appid));
    await service.stopApp(); // it would hold them itself
  });
  after(async () => {
    await database?.close();
    await service?.stop();
  });

  const start = (own: Partial<Database> = {}) => {
    const seen = { closed: 0 };
    const hold = () => ({ close: async () => void seen.closed++ });
    const holding = startHolding({
      ...{ database: { ...database, ...own }, name: 'p', leaseMs, mostPerRound: 50, hold },
      onError: () => {},
    });
    return { holding, seen };
  };
  const holdsAll = (holding: Holding) => until('it holds all', () => holding.ids().length === 3);

  test('has a bot that it took by a commit which it did not see take effect', LONG, async () => {
    const { holding } = start({
      tx: async (work, options) => {
        await database.tx(work, options);
        return database.tx(work, options);
      },
    });
    await holdsAll(holding);
    await holding.stop();
  });

  test('has a bot again that it could not give back', LONG, async () => {
    let failures = 0;
    const { holding } = start({
      run: async (sql, bindings) => {
        if (sql.startsWith("update bot_connection set holder_id = ''") && failures++ === 0) throw new Error('refused');
        return database.run(sql, bindings);
      },
    });
    await holdsAll(holding);
    await database.run('update integration set revision = revision + 1 where integration_id = ?', [ids[0]!]);
    await until('it fails', () => failures > 0);
    await holdsAll(holding);
    await holding.stop();
  });

  test('lets go of a bot that the table says is held by another', LONG, async () => {
    const { holding } = start();
    await holdsAll(holding);
    const { now } = database.dialect;
    await database.run(`insert into connection_holder (holder_id, name, due_at) values ('other', 'o', ${now} + 60000)`);
    await database.run("update bot_connection set holder_id = 'other' where integration_id = ?", [ids[0]!]);
    await until('it lets go', () => !holding.ids().includes(ids[0]!));
    await holding.stop();
    await database.run("delete from connection_holder where holder_id = 'other'");
    await database.run("update bot_connection set holder_id = '' where holder_id = 'other'");
  });

  test('keeps all where one renewal hangs, and where its rounds are slow', LONG, async () => {
    let renewals = 0;
    const { holding, seen } = start({
      run: async (sql, bindings) => {
        if (sql.startsWith('update connection_holder') && renewals++ % 3 === 1) await sleep(2 * leaseMs);
        return database.run(sql, bindings);
      },
      all: async (sql, bindings) => {
        if (sql.includes('coalesce(c.reconnects')) await sleep(leaseMs * 0.9);
        return database.all(sql, bindings);
      },
    });
    await holdsAll(holding);
    await until('it was renewed many times', () => renewals > 24);
    assert.deepEqual([holding.ids().length, seen.closed], [3, 0]);
    await holding.stop();
  });

  test('gives back later what it could not give back, also where it has its share', LONG, async () => {
    let fails = false;
    const { holding } = start({
      run: async (sql, bindings) => {
        if (fails && sql.startsWith("update bot_connection set holder_id = ''")) throw new Error('refused');
        return database.run(sql, bindings);
      },
    });
    await holdsAll(holding);
    fails = true;
    const other = start();
    await until('it lets go of what is beyond its share', () => holding.ids().length === 2);
    await sleep(leaseMs / 2);
    assert.equal(other.holding.ids().length, 0, 'the table does not say that it is free');
    fails = false;
    await until('the other has it', () => other.holding.ids().length === 1);
    assert.equal(holding.ids().length, 2);
    await Promise.all([holding.stop(), other.holding.stop()]);
  });
});
