import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { encryptMedia, startMediaHost } from '../support/media-host.ts';
import { runPrune } from '../support/pruning.ts';
import { until } from '../support/until.ts';
import { startWecomService, type WecomService } from '../support/wecom-service.ts';

const appid = 'wx_deleting';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`deleting a WeCom bot on ${dialect}`, () => {
    let own: WecomService;
    before(async () => {
      own = await startWecomService(appid, { dialect });
    });
    after(() => own?.stop());

    const sessionsOf = async (integrationId: string) =>
      (await own.database.all('select 1 from wecom_session where integration_id = ?', [integrationId])).length;

    test(
      'its credentials and who talked to it go at once; what was accepted is answered; what was said goes with its time',
      LONG,
      async () => {
        const { wecom, integrationId } = await own.makeBot();
        const stays = await own.makeBot();
        await wecom.ask({ userid: 'u1' }, question);
        await stays.wecom.ask({ userid: 'u1' }, question);
        const { asked, release } = own.hold();
        const url = own.urls.make();
        await wecom.say({ userid: 'u2' }, question, { response_url: url });
        await asked;
        await own.bots.deleteIntegration({ integrationId });
        assert.equal(await sessionsOf(integrationId), 0);
        assert.equal(await sessionsOf(stays.integrationId), 1, 'of this bot alone');
        const [secrets] = await own.database.all(
          'select sealed_token, sealed_aes_key, sealed_secret, bot_id from integration where integration_id = ?',
          [integrationId],
        );
        assert.deepEqual(
          { ...(secrets as object) },
          { sealed_token: null, sealed_aes_key: null, sealed_secret: null, bot_id: null },
        );
        release();
        await until('it is answered by its response_url', () => own.urls.taken.some((each) => each.url === url));
        const { content } = own.urls.taken.find((each) => each.url === url)!.body.markdown;
        assert.match(content, /168/);
        assert.equal(await sessionsOf(integrationId), 0, 'nor did the answer bring one back');
        await until('it is settled', async () => {
          const rows = await own.database.all("select 1 from dispatch where state = 'pending'");
          return rows.length === 0;
        });

        const said = async (id: string) =>
          (await own.database.all('select 1 from message where channel = ?', [`wecom:${id}`])).length;
        assert.equal(await said(integrationId), 4);
        await runPrune(own.database);
        assert.equal(await said(integrationId), 4, 'kept as long as all are');
        const days = 4 * 24 * 60 * 60 * 1000;
        await own.database.run(`update message set created_at = created_at - ${days} where channel = ?`, [
          `wecom:${integrationId}`,
        ]);
        await own.database.run(`update conversation set updated_at = updated_at - ${days} where conversation_id not in
            (select conversation_id from message where channel <> '${`wecom:${integrationId}`}')`);
        await runPrune(own.database);
        assert.deepEqual([await said(integrationId), await said(stays.integrationId)], [0, 2]);
        const left = await own.database.all(
          'select 1 from conversation where conversation_id not in (select conversation_id from message)',
        );
        assert.deepEqual(left, []);
      },
    );

    test('a question with a file that can not be opened any more is answered all the same', LONG, async () => {
      const host = await startMediaHost();
      try {
        const { wecom, integrationId } = await own.makeBot();
        const { promise: held, resolve: release } = Promise.withResolvers<void>();
        const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
        host.files.set('/held', async (_, response) => {
          ask();
          await held;
          response.end(encryptMedia(wecom.encodingAesKey, '出差住宿每晚的上限是 450 元。'));
        });
        const url = own.urls.make();
        const file = { msgtype: 'file', text: undefined, file: { url: `${host.url}/held` } };
        await wecom.say({ userid: 'u3' }, '', { ...file, response_url: url });
        await asked;
        await own.bots.deleteIntegration({ integrationId });
        release();
        await until('it is answered', () => own.urls.taken.some((each) => each.url === url));
      } finally {
        await host.close();
      }
    });

    test('sessions that a deletion has not come to go with the scheduled job', async () => {
      const { integrationId } = await own.makeBot();
      await own.bots.deleteIntegration({ integrationId });
      const rows = Array.from({ length: 450 }, (_, at) => ({
        ...{ session_id: `left-${at}`, integration_id: integrationId, chat_id: '', owner_id: `u${at}` },
        ...{ generation: 1, active_at: Date.now() },
      }));
      await own.database.insert('wecom_session', rows);
      await runPrune(own.database);
      assert.equal(await sessionsOf(integrationId), 0);
      await own.database.insert('wecom_session', rows);
      await own.bots.deleteIntegration({ integrationId });
      assert.equal(await sessionsOf(integrationId), 0, 'or with the same call again');
    });
  });
}
