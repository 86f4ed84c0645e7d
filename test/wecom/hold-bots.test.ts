import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, createRouterTransport } from '@connectrpc/connect';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createSealer } from '../../src/sealer.ts';
import { integrationService } from '../../src/wecom/integration/index.ts';
import { type Holding, startHolding } from '../../src/wecom/long-connection/hold-bots.ts';
import { setWanted } from '../../src/wecom/long-connection/holder-store.ts';
import { triggerService } from '../../src/wecom/trigger/index.ts';
import { dialects } from '../support/databases.ts';
import { createMortal, type MortalDatabase } from '../support/mortal-database.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const appid = 'wx_hold';
const leaseMs = 3000;

for (const { name: dialect } of dialects) {
  describe(`bots with a long connection, on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    let bots: Client<typeof IntegrationService>;
    let triggers: Client<typeof TriggerService>;
    /** Who is connected, and how often two were at once. */
    const connected = new Map<string, string>();
    const doubles: string[] = [];
    const processes: { name: string; holding: Holding; database: MortalDatabase; real: Database }[] = [];

    before(async () => {
      service = await startService({ dialect });
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 10_000 });
      await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
      await service.stopApp(); // it would hold bots itself
      const wake = { connections: () => {} };
      const context = { database, sealer: createSealer([randomBytes(32)]), wake } as unknown as Context;
      const transport = createRouterTransport((router) => {
        router.service(IntegrationService, integrationService(context));
        router.service(TriggerService, triggerService(context));
      });
      bots = createClient(IntegrationService, transport);
      triggers = createClient(TriggerService, transport);
      for (let index = 0; index < 12; index++) await makeBot(`bot-${index}`);
    });
    after(async () => {
      for (const { holding, database: own, real } of processes) {
        own.resume();
        await holding.stop();
        await real.close();
      }
      await database?.close();
      await service?.stop();
    });

    const makeBot = async (botId: string) => {
      const request = { name: botId, mode: Mode.LONG_CONNECTION, botId, secret: 's' };
      const { integrationId } = (await bots.createIntegration(request)).integration!;
      await triggers.publishTrigger({ integrationId, appid });
      return integrationId;
    };
    const start = (name: string) => {
      const real = openDatabase({ url: service.databaseUrl, poolSize: 4, queryTimeoutMs: 10_000 });
      const own = createMortal(real);
      const hold = (id: string) => {
        if (connected.has(id)) doubles.push(`${id}: ${connected.get(id)} and ${name}`);
        connected.set(id, name);
        return {
          async close() {
            await sleep(20);
            if (connected.get(id) === name) connected.delete(id);
          },
        };
      };
      const holding = startHolding({
        ...{ database: own, name, leaseMs, mostPerRound: 50, hold },
        onError: (error) => {
          if (!own.isPaused()) console.log(error);
        },
      });
      processes.push({ name, holding, database: own, real });
      return processes.at(-1)!;
    };
    const shares = () => processes.map(({ holding }) => holding.ids().length);
    const total = () => connected.size;

    test('are divided evenly among the processes, as they come and go', LONG, async () => {
      start('p0');
      await until('all are held', () => total() === 12, 30_000);
      start('p1');
      start('p2');
      await until('each has its share', () => shares().every((share) => share === 4) && total() === 12, 60_000);
      const leaving = processes.pop()!;
      await leaving.holding.stop();
      await leaving.real.close();
      await until('the others have its bots', () => shares().every((share) => share === 6) && total() === 12, 60_000);
      assert.deepEqual(doubles, []);
    });

    test(
      'one that stands still for longer than its lease lets go of all by itself, before others take them',
      LONG,
      async () => {
        const frozen = processes[1]!;
        frozen.database.pauseAfter(0);
        await until('the other has all', () => processes[0]!.holding.ids().length === 12, 60_000);
        assert.deepEqual(frozen.holding.ids(), []);
        frozen.database.resume();
        await until('it has its share again', () => shares().every((share) => share === 6) && total() === 12, 60_000);
        assert.deepEqual(doubles, []);
      },
    );

    test('follow what is bound, enabled, deleted, closed and changed anywhere', LONG, async () => {
      const id = await makeBot('followed');
      const isHeld = () => connected.has(id);
      await until('it is held', isHeld, 60_000);
      await triggers.removeTrigger({ integrationId: id });
      await until('it is closed when unbound', () => !isHeld(), 60_000);
      await triggers.publishTrigger({ integrationId: id, appid });
      await until('and held again', isHeld, 60_000);
      await bots.updateIntegration({ integrationId: id, enabled: false });
      await until('it is closed when disabled', () => !isHeld(), 60_000);
      await bots.updateIntegration({ integrationId: id, enabled: true });
      await until('and held again', isHeld, 60_000);
      await database.tx((tx) => setWanted(tx, id, false));
      await until('it is closed by an operator', () => !isHeld(), 60_000);
      await database.tx((tx) => setWanted(tx, id, true));
      await until('and held again', isHeld, 60_000);
      await bots.deleteIntegration({ integrationId: id });
      await until('it is closed when deleted', () => !isHeld(), 60_000);
      assert.equal(total(), 12);
      assert.deepEqual(doubles, []);
    });
  });
}
