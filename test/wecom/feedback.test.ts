import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type FeedbackRow, feedbackColumns, toFeedback } from '../../src/wecom/feedback-store.ts';
import { dialects } from '../support/databases.ts';
import { makeBot as make } from '../support/make-bot.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import type { From, WecomSide } from '../support/wecom-side.ts';

const appid = 'wx_feedback';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`what users think of a WeCom bot's answers on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元。')] });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      await service.createLearned(appid);
    });
    after(async () => {
      await database?.close();
      await service?.stop();
    });

    const makeBot = async () => (await make(service, appid)).wecom;
    /** Asks, and returns the id for feedback, and a function that looks it up. */
    const ask = async (wecom: WecomSide, from: From) => {
      const { stream } = (await wecom.say(from, question)).frame;
      assert.equal(stream.feedback.id, stream.id);
      await until('it is answered', async () => (await wecom.poll(from, stream.id)).frame.stream.finish);
      const [row] = await database.all<{ message_id: string }>('select message_id from reply where reply_id = ?', [
        stream.id,
      ]);
      return { id: stream.id as string, look: () => look(row!.message_id) };
    };
    const look = async (messageId: string) => {
      const sql = `select ${feedbackColumns} from message where answers = ?`;
      const [row] = await database.all<FeedbackRow>(sql, [messageId]);
      return row && toFeedback(row);
    };
    const think = async (wecom: WecomSide, { userid, chatid }: From, feedback_event: object) => {
      const chat = chatid === undefined ? {} : { chattype: 'group', chatid };
      const event = { eventtype: 'feedback_event', feedback_event };
      const msgid = randomBytes(8).toString('hex');
      const { status, text } = await wecom.callBack({ msgid, from: { userid }, ...chat, msgtype: 'event', event });
      assert.deepEqual([status, text], [200, '']);
    };

    test('is kept with the answer, the last word counts, and withdrawn it is gone', LONG, async () => {
      const wecom = await makeBot();
      const from = { userid: 'u1' };
      const { id, look } = await ask(wecom, from);
      assert.equal(await look(), undefined);
      await think(wecom, from, { id, type: 2, content: '票价不对', inaccurate_reason_list: [2, 3] });
      const { at, ...wrong } = (await look())!;
      assert.deepEqual(wrong, { type: 2, text: '票价不对', reasons: [2, 3] });
      assert.ok(Math.abs(at - Date.now()) < 600_000);
      await think(wecom, from, { id, type: 1 });
      assert.deepEqual([(await look())?.type, (await look())?.text, (await look())?.reasons], [1, '', []]);
      await think(wecom, from, { id, type: 2, content: '馆'.repeat(5000), inaccurate_reason_list: 'x' });
      assert.deepEqual([(await look())?.text.length, (await look())?.reasons], [2000, []]);
      await think(wecom, from, { id, type: 3, content: 'x' });
      assert.deepEqual([(await look())?.type, (await look())?.text], [3, '']);
    });

    test('has no effect from another chat, user or bot, of another kind, or about nothing', LONG, async () => {
      const [wecom, other] = [await makeBot(), await makeBot()];
      const from = { userid: 'u2' };
      const { id, look } = await ask(wecom, from);
      await think(other, from, { id, type: 1 });
      await think(wecom, { userid: 'u3' }, { id, type: 1 });
      await think(wecom, { userid: 'u2', chatid: 'g' }, { id, type: 1 });
      for (const more of [{ type: 4 }, { type: 0 }, { type: '1' }, { type: 1.5 }, {}])
        await think(wecom, from, { id, ...more });
      for (const bad of [{ id: 'none', type: 1 }, { id: '', type: 1 }, { id: 7, type: 1 }, {}])
        await think(wecom, from, bad);
      assert.equal(await look(), undefined);
    });

    test('in a group counts from all, with the words of the asker alone', LONG, async () => {
      const wecom = await makeBot();
      const { id, look } = await ask(wecom, { userid: 'u4', chatid: 'g' });
      await think(
        wecom,
        { userid: 'u5', chatid: 'g' },
        { id, type: 2, content: 'kx9-words', inaccurate_reason_list: [1] },
      );
      assert.deepEqual([(await look())?.type, (await look())?.text, (await look())?.reasons], [2, '', [1]]);
      await think(wecom, { userid: 'u4', chatid: 'g' }, { id, type: 2, content: 'mine' });
      assert.equal((await look())?.text, 'mine');
    });

    test('goes with an erased user, and comes back with nothing', LONG, async () => {
      const wecom = await makeBot();
      const from = { userid: 'u6' };
      const { id, look } = await ask(wecom, from);
      await think(wecom, from, { id, type: 2, content: 'kx9-erased' });
      const messages = createClient(MessageService, createGrpcTransport({ baseUrl: service.app.url }));
      await messages.eraseUser({ appid, openid: 'u6', actor: 'test', reason: 'test' });
      await think(wecom, from, { id, type: 2, content: 'kx9-erased' });
      assert.equal(await look(), undefined);
      assert.deepEqual(await findInTables(database, ['kx9-erased']), []);
    });
  });
}
