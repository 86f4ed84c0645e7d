import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Client, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { findInTables } from '../support/search-tables.ts';
import { type Service, startService } from '../support/service.ts';

const appid = 'wx_bot';
const other = 'wx_other_bot';
const aesKey = () => randomBytes(32).toString('base64').slice(0, 43);
const token = 'token-4f1b';
const secret = 'secret-77c1';

for (const { name: dialect } of dialects) {
  describe(`WeCom's integrations and triggers on ${dialect}`, () => {
    let service: Service;
    let bots: Client<typeof IntegrationService>;
    let triggers: Client<typeof TriggerService>;
    before(async () => {
      service = await startService({ dialect });
      const transport = createGrpcTransport({ baseUrl: service.app.url });
      bots = createClient(IntegrationService, transport);
      triggers = createClient(TriggerService, transport);
      for (const each of [appid, other]) await service.call('/api/wxmp/assistant/create', { appid: each, name: 'n' });
    });
    after(() => service?.stop());

    const webhook = async (more = {}) => {
      const request = { name: 'Help desk', mode: Mode.WEBHOOK, token, encodingAesKey: aesKey(), ...more };
      return (await bots.createIntegration(request)).integration!;
    };

    test('what is created is shown as it is stored, without a secret, over gRPC and over JSON', async () => {
      const created = await webhook({ botName: '小助手', texts: { welcome: '你好' } });
      assert.equal(created.callbackPath, `/api/wecom/webhook/${created.integrationId}`);
      assert.deepEqual(
        [created.language, created.enabled, created.botName, created.appid, created.mode],
        ['zh', true, '小助手', '', Mode.WEBHOOK],
      );
      const { integration } = await bots.getIntegration({ integrationId: created.integrationId });
      assert.deepEqual(integration, created);
      const response = await fetch(`${service.app.url}/wecom.v1.IntegrationService/GetIntegration`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ integration_id: created.integrationId }),
      });
      const text = await response.text();
      assert.match(text, /小助手/);
      assert.ok(!text.includes(token));
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      try {
        assert.deepEqual(await findInTables(database, [token, secret]), [], 'nor is one readable in the database');
      } finally {
        await database.close();
      }
    });

    test('a bot of the other mode needs other credentials; each rule names its field', async () => {
      const created = await bots.createIntegration({ name: 'b', mode: Mode.LONG_CONNECTION, botId: 'BOT1', secret });
      assert.equal(created.integration!.callbackPath, '');
      const refused: [object, string, RegExp][] = [
        [{ name: 'b', mode: Mode.WEBHOOK, encodingAesKey: aesKey() }, '40001', /^token: is required/],
        [{ name: 'b', mode: Mode.WEBHOOK, token }, '40001', /^encoding_aes_key: is required/],
        [{ name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey: 'x'.repeat(42) }, '40001', /^encoding_aes_key: .*43/],
        [{ name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey: `${'x'.repeat(42)}!` }, '40001', /32 bytes/],
        [{ name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey: aesKey(), secret }, '40001', /^secret: is not used/],
        [{ name: 'b', mode: Mode.LONG_CONNECTION, botId: 'BOT2' }, '40001', /^secret: is required/],
        [{ name: 'b', mode: Mode.LONG_CONNECTION, secret }, '40001', /^bot_id: is required/],
        [{ name: 'b', mode: Mode.LONG_CONNECTION, botId: 'BOT1', secret }, '40901', /BOT1/],
        [{ mode: Mode.WEBHOOK, token, encodingAesKey: aesKey() }, '40001', /^name/],
        [{ name: 'b', token, encodingAesKey: aesKey() }, '40001', /^mode/],
        [{ name: 'b', mode: 3 as Mode, token, encodingAesKey: aesKey() }, '40001', /^mode/],
        [{ name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey: aesKey(), language: 'fr' }, '40001', /^language/],
        [
          { name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey: aesKey(), texts: { nonsense: 'x' } },
          '40001',
          /^texts: has no text named nonsense; there are thinking, /,
        ],
      ];
      for (const [request, errcode, why] of refused) {
        const refusal = await refusalOf(bots.createIntegration(request));
        assert.equal(refusal.errcode, errcode, refusal.message);
        assert.match(refusal.message, why);
      }
    });

    test('an update changes what is given, and keeps the rest and the secrets', async () => {
      const { integrationId } = await webhook({ texts: { welcome: '你好', thinking: '想' } });
      const change = { integrationId, enabled: false, texts: { welcome: '', new_session: '新' } };
      const { integration } = await bots.updateIntegration(change);
      assert.equal(integration!.enabled, false);
      assert.equal(integration!.name, 'Help desk');
      assert.deepEqual(integration!.texts, { thinking: '想', new_session: '新' });
      const wrong = await refusalOf(bots.updateIntegration({ integrationId, encodingAesKey: 'short' }));
      assert.match(wrong.message, /^encoding_aes_key/);
      assert.equal((await refusalOf(bots.updateIntegration({ integrationId: 'none' }))).errcode, '40401');
    });

    test('a deleted bot is gone with its binding; its bot_id may be used again; deleting again is no error', async () => {
      const request = { name: 'b', mode: Mode.LONG_CONNECTION, botId: 'BOT9', secret };
      const { integrationId } = (await bots.createIntegration(request)).integration!;
      await triggers.publishTrigger({ integrationId, appid });
      await bots.deleteIntegration({ integrationId });
      await bots.deleteIntegration({ integrationId });
      assert.equal((await refusalOf(bots.getIntegration({ integrationId }))).errcode, '40401');
      assert.equal((await refusalOf(triggers.getTrigger({ integrationId }))).errcode, '40401');
      assert.equal((await refusalOf(bots.deleteIntegration({ integrationId: 'none' }))).errcode, '40401');
      await bots.createIntegration(request);
    });

    test('lists go on where the page before ended', async () => {
      for (let n = 0; n < 3; n++) await webhook({ name: `listed ${n}` });
      const ids: string[] = [];
      let pageToken = '';
      do {
        const page = await bots.listIntegrations({ pageSize: 2, pageToken });
        ids.push(...page.integrations.map(({ integrationId }) => integrationId));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      assert.deepEqual(ids, ids.toSorted().reverse());
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(ids.length >= 3);
    });

    test('a trigger has its defaults, and binds; another assistant is refused and named', async () => {
      const { integrationId } = await webhook();
      const { trigger } = await triggers.publishTrigger({ integrationId, appid, summaryWindowSeconds: 5 });
      const { sessionTimeoutSeconds, maxWaitSeconds, groupScope, enabled } = trigger!;
      assert.deepEqual([sessionTimeoutSeconds, maxWaitSeconds, groupScope, enabled], [3600, 20, 'member', true]);
      assert.equal((await bots.getIntegration({ integrationId })).integration!.appid, appid);
      const refusal = await refusalOf(triggers.publishTrigger({ integrationId, appid: other }));
      assert.equal(refusal.errcode, '40901');
      assert.match(refusal.message, new RegExp(appid));
      await triggers.removeTrigger({ integrationId });
      await triggers.removeTrigger({ integrationId });
      await triggers.publishTrigger({ integrationId, appid: other, allowUsers: ['lisi'], groupScope: 'chat' });
      const { triggers: listed } = await triggers.listTriggers({ appid: other });
      assert.deepEqual(
        listed.map((each) => [each.integrationId, each.allowUsers, each.groupScope]),
        [[integrationId, ['lisi'], 'chat']],
      );
    });

    test('of two assistants that bind a bot at once one gets it, and the other is told whose it is', async () => {
      for (let round = 0; round < 10; round++) {
        const { integrationId } = await webhook();
        const results = await Promise.allSettled(
          [appid, other].map((each) => triggers.publishTrigger({ integrationId, appid: each })),
        );
        assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      }
    });

    test('a republished trigger is never missing in between', async () => {
      const { integrationId } = await webhook();
      await triggers.publishTrigger({ integrationId, appid });
      let isOver = false;
      const watching = (async () => {
        let looks = 0;
        for (; !isOver; looks++) {
          assert.equal((await bots.getIntegration({ integrationId })).integration!.appid, appid);
        }
        return looks;
      })();
      for (let n = 0; n < 30; n++) {
        await triggers.publishTrigger({ integrationId, appid, sessionTimeoutSeconds: 60 + n });
      }
      isOver = true;
      assert.ok((await watching) > 0);
    });

    test('bad settings of a trigger are refused with the field and the rule, and change nothing', async () => {
      const { integrationId } = await webhook();
      const refused: [object, string, RegExp][] = [
        [{ integrationId, appid, sessionTimeoutSeconds: 59 }, '40001', /^session_timeout_seconds/],
        [{ integrationId, appid, sessionTimeoutSeconds: 2_592_001 }, '40001', /^session_timeout_seconds/],
        [{ integrationId, appid, summaryWindowSeconds: 61 }, '40001', /^summary_window_seconds/],
        [{ integrationId, appid, summaryWindowSeconds: 9, maxWaitSeconds: 8 }, '40001', /^max_wait_seconds/],
        [{ integrationId, appid, groupScope: 'all' }, '40001', /^group_scope/],
        [{ integrationId, appid, allowUsers: [''] }, '40001', /^allow_users/],
        [{ integrationId: 'none', appid }, '40401', /integration/],
        [{ integrationId, appid: 'wx_none' }, '40401', /assistant/],
        [{ appid }, '40001', /^integration_id/],
      ];
      for (const [request, errcode, why] of refused) {
        const refusal = await refusalOf(triggers.publishTrigger(request));
        assert.equal(refusal.errcode, errcode, refusal.message);
        assert.match(refusal.message, why);
      }
      assert.equal((await refusalOf(triggers.getTrigger({ integrationId }))).errcode, '40401');
    });

    test('an assistant that is deleted leaves its bots unbound', async () => {
      const gone = 'wx_gone_bot';
      await service.call('/api/wxmp/assistant/create', { appid: gone, name: 'n' });
      const { integrationId } = await webhook();
      await triggers.publishTrigger({ integrationId, appid: gone });
      await service.call('/api/wxmp/assistant/delete', { appid: gone });
      assert.equal((await bots.getIntegration({ integrationId })).integration!.appid, '');
      await triggers.publishTrigger({ integrationId, appid });
    });

    test('the same over Connect', async () => {
      const client = createClient(
        TriggerService,
        createConnectTransport({ baseUrl: service.app.url, httpVersion: '1.1' }),
      );
      assert.ok((await client.listTriggers({})).triggers.length > 0);
    });
  });
}

/** What a call is refused with. */
async function refusalOf(call: Promise<unknown>): Promise<{ errcode: string | undefined; message: string }> {
  const error = await call.then(
    () => assert.fail('it was not refused'),
    (error) => ConnectError.from(error),
  );
  return { errcode: error.findDetails(ErrorInfoSchema)[0]?.metadata.errcode, message: error.rawMessage };
}
