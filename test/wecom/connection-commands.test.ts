import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ConnectionState, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { readNow } from '../../src/db/read-now.ts';
import { addError } from '../../src/wecom/integration/status-store.ts';
import { listWanted } from '../../src/wecom/long-connection/holder-store.ts';
import { dialects } from '../support/databases.ts';
import { clientsOf, makeDialledBot } from '../support/dialled-bots.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { refusalOf } from '../support/wecom-service.ts';

const appid = 'wx_connection';
const LONG = { timeout: 120_000 };
const env = { WECOM_WS_URL: 'ws://127.0.0.1:9' }; // nobody listens there

for (const { name: dialect } of dialects) {
  describe(`operators and long connections on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, env });
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
      await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
    });
    after(async () => {
      await database?.close();
      await service?.stop();
    });

    const wantedRevision = async (id: string) =>
      (await listWanted(database)).find(({ integrationId }) => integrationId === id)?.revision;

    test(
      'a disconnect stays through restarts and whatever is published or updated, until a reconnect on any replica',
      LONG,
      async () => {
        let { bots, triggers } = clientsOf(service.url());
        const integrationId = await makeDialledBot({ bots, triggers }, appid);
        const state = async () => (await bots.getIntegrationStatus({ integrationId })).connection!.state;
        assert.ok(await wantedRevision(integrationId));
        await bots.disconnectIntegration({ integrationId });
        await bots.disconnectIntegration({ integrationId });
        assert.equal(await wantedRevision(integrationId), undefined);
        assert.equal(await state(), ConnectionState.DISCONNECTED);

        await service.stopApp();
        await service.restartApp();
        ({ bots, triggers } = clientsOf(service.url()));
        assert.equal(await wantedRevision(integrationId), undefined, 'after a restart');
        await triggers.publishTrigger({ integrationId, appid });
        await bots.updateIntegration({ integrationId, secret: 'another', enabled: true });
        assert.equal(await wantedRevision(integrationId), undefined, 'after a change');
        assert.equal(await state(), ConnectionState.DISCONNECTED);

        const replica = await service.startReplica();
        try {
          await clientsOf(replica.url).bots.reconnectIntegration({ integrationId });
          assert.ok(await wantedRevision(integrationId));
          assert.notEqual(await state(), ConnectionState.DISCONNECTED);
        } finally {
          await replica.stop();
        }
      },
    );

    test('each reconnect and each change means another connection, also of a bot that is connected', LONG, async () => {
      const { bots, triggers } = clientsOf(service.url());
      const integrationId = await makeDialledBot({ bots, triggers }, appid);
      const other = await makeDialledBot({ bots, triggers }, appid);
      const stays = await wantedRevision(other);
      const replica = await service.startReplica();
      try {
        const elsewhere = clientsOf(replica.url).bots;
        const revisions = [await wantedRevision(integrationId)];
        for (const change of [
          () => elsewhere.reconnectIntegration({ integrationId }),
          () => bots.updateIntegration({ integrationId, secret: 'another' }),
          () => bots.reconnectIntegration({ integrationId }),
        ]) {
          await change();
          revisions.push(await wantedRevision(integrationId));
        }
        assert.equal(new Set(revisions).size, 4, `revisions ${revisions}`);
        assert.ok(!revisions.includes(undefined));
        await Promise.all(Array.from({ length: 6 }, () => elsewhere.reconnectIntegration({ integrationId })));
        assert.equal(await wantedRevision(integrationId), revisions.at(-1)! + 6, 'none of those at once is lost');
        assert.equal(await wantedRevision(other), stays, 'of this bot alone');
      } finally {
        await replica.stop();
      }
    });

    test('a bot with a webhook, one that is deleted and one that never was are refused, each as what it is', async () => {
      const { bots, triggers } = clientsOf(service.url());
      const encodingAesKey = randomBytes(32).toString('base64').slice(0, 43);
      const created = await bots.createIntegration({ name: 'b', mode: Mode.WEBHOOK, token: 't', encodingAesKey });
      const webhook = created.integration!.integrationId;
      const deleted = await makeDialledBot({ bots, triggers }, appid);
      await bots.deleteIntegration({ integrationId: deleted });
      const rows = 'select integration_id from bot_connection where integration_id in (?, ?)';
      for (const call of [bots.reconnectIntegration, bots.disconnectIntegration]) {
        const refusal = await refusalOf(call({ integrationId: webhook }));
        assert.equal(refusal.errcode, '40901');
        assert.match(refusal.message, new RegExp(`${webhook} has a webhook, not a long connection`));
        for (const integrationId of [deleted, 'none']) {
          assert.equal((await refusalOf(call({ integrationId }))).errcode, '40401');
        }
        assert.match((await refusalOf(call({}))).message, /^integration_id/);
      }
      assert.deepEqual(await database.all(rows, [webhook, 'none']), [], 'nor is anything stored');
      assert.equal((await bots.getIntegrationStatus({ integrationId: webhook })).connection, undefined);
    });

    test('errors are listed the newest first, with what they were about and their codes; twenty are kept', async (t) => {
      const clients = clientsOf(service.url());
      const integrationId = await makeDialledBot(clients);
      for (let code = 1; code <= 22; code++) {
        const isSlow = code % 2 === 0;
        if (isSlow) t.mock.method(Date, 'now', () => performance.now()); // a process whose clock is years behind
        const what = isSlow ? 'connection' : 'reply';
        await database.tx((tx) => addError(tx, integrationId, { code: 846_600 + code, what, reason: `r${code}` }));
        t.mock.restoreAll();
        const written = await readNow(database);
        await until('a millisecond has passed', async () => (await readNow(database)) > written);
      }
      const { errors } = await clients.bots.getIntegrationStatus({ integrationId });
      const [newest, ...older] = errors;
      assert.deepEqual([newest!.code, newest!.what, newest!.reason], [846_622, 'connection', 'r22']);
      assert.ok(Math.abs(newest!.at - (await readNow(database)) / 1000) < 60);
      assert.deepEqual(
        older.map(({ code }) => code),
        Array.from({ length: 19 }, (_, index) => 846_621 - index),
      );
    });
  });
}
