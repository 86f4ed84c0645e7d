import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { makeBot as make } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import type { WecomSide } from '../support/wecom-side.ts';

const appid = 'wx_cards';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`cards of a WeCom bot on ${dialect}`, () => {
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

    const makeBot = (trigger: object | null = {}, settings = {}) => make(service, appid, { trigger, settings });
    const event = (wecom: WecomSide, userid: string, body: object, msgid = randomBytes(8).toString('hex'), chat = {}) =>
      wecom.callBack({ msgid, from: { userid }, msgtype: 'event', event: body, ...chat });
    const enter = async (wecom: WecomSide, userid = 'u') =>
      (await event(wecom, userid, { eventtype: 'enter_chat' })).frame;
    const click = (wecom: WecomSide, userid: string, more = {}, msgid?: string, chat = {}) =>
      event(
        ...([wecom, userid] as const),
        {
          eventtype: 'template_card_event',
          template_card_event: { card_type: 'button_interaction', event_key: 'new-session', task_id: taskId, ...more },
        },
        ...([msgid, chat] as const),
      );
    const taskId = `new-session-${'0'.repeat(26)}`;
    const generationOf = async (integrationId: string, owner: string) => {
      const [row] = await database.all<{ generation: number }>(
        'select generation from wecom_session where integration_id = ? and owner_id = ?',
        [integrationId, owner],
      );
      return Number(row?.generation ?? 0);
    };

    test('welcome whoever opens the chat, with a button and an id of their own; what is too long for one stays a text', async () => {
      const { wecom } = await makeBot({ welcome: '欢迎光临' });
      const { msgtype, template_card: card } = await enter(wecom);
      assert.equal(msgtype, 'template_card');
      assert.equal(card.card_type, 'button_interaction');
      assert.equal(card.sub_title_text, '欢迎光临');
      assert.deepEqual(
        card.button_list.map(({ key }: { key: string }) => key),
        ['new-session'],
      );
      assert.match(card.task_id, /^[0-9A-Za-z_@-]{1,128}$/);
      assert.notEqual((await enter(wecom)).template_card.task_id, card.task_id);
      const long = '欢迎'.repeat(60);
      const wordy = await makeBot({ welcome: long });
      assert.deepEqual(await enter(wordy.wecom), { msgtype: 'text', text: { content: long } });
      const own = await makeBot(
        {},
        { texts: { new_session_button: '这个按钮上的字实在太长了', welcome_title: '您好' } },
      );
      const { template_card: changed } = await enter(own.wecom);
      assert.equal(changed.main_title.title, '您好');
      assert.equal(changed.button_list[0].text, '这个按钮上的字实在太');
      const closed = await makeBot({ allowUsers: ['boss'] });
      assert.match((await enter(closed.wecom)).text.content, /没有使用这个机器人的权限/);
      assert.match((await enter((await makeBot(null)).wecom)).text.content, /还没有绑定助手/);
    });

    test('begin a new session on a click as /new does, and say so on the card', LONG, async () => {
      const { wecom, integrationId } = await makeBot();
      await wecom.ask({ userid: 'li' }, question);
      const before = await generationOf(integrationId, 'li');
      const { frame } = await click(wecom, 'li');
      assert.equal(frame.response_type, 'update_template_card');
      assert.equal(frame.msgtype, undefined);
      assert.equal(frame.template_card.task_id, taskId);
      assert.match(frame.template_card.main_title.title, /已开始新的会话/);
      assert.equal(await generationOf(integrationId, 'li'), before + 1);
      await wecom.ask({ userid: 'li' }, question);
      const rows = await database.all<{ conversation_id: string }>(
        "select distinct conversation_id from message where openid = 'li' and speaker = 'user'",
      );
      assert.equal(rows.length, 2, 'what comes next is another conversation');
    });

    test('a click that is repeated, also at once, begins no other session', LONG, async () => {
      const { wecom, integrationId } = await makeBot();
      const clicks = await Promise.all(Array.from({ length: 6 }, () => click(wecom, 'wu', {}, 'same')));
      for (const { frame } of clicks) assert.match(frame.template_card.main_title.title, /已开始新的会话/);
      const generation = await generationOf(integrationId, 'wu');
      await click(wecom, 'wu', {}, 'another');
      assert.equal(await generationOf(integrationId, 'wu'), generation + 1);
      await click(wecom, 'wu', {}, 'same');
      assert.equal(await generationOf(integrationId, 'wu'), generation + 1);
    });

    test('in a group a click is its member’s, or everybody’s where they share the session', LONG, async () => {
      const chat = { chattype: 'group', chatid: 'g' };
      const own = await makeBot();
      assert.deepEqual((await click(own.wecom, 'a', {}, undefined, chat)).frame.userids, ['a']);
      const shared = await makeBot({ groupScope: 'chat' });
      assert.equal((await click(shared.wecom, 'a', {}, undefined, chat)).frame.userids, undefined);
    });

    test('a click that is not ours, or by somebody who may not ask, or while the bot is unbound, does nothing', async () => {
      const { wecom, integrationId } = await makeBot({ allowUsers: ['boss'] });
      const foreign = [
        { event_key: 'approve' },
        { task_id: 'req-1' },
        { task_id: '' },
        { event_key: 7 },
        { task_id: null },
      ];
      for (const more of foreign)
        assert.deepEqual(await click(wecom, 'boss', more), { status: 200, text: '', frame: undefined });
      assert.match((await click(wecom, 'other')).frame.template_card.main_title.title, /没有使用这个机器人的权限/);
      const unbound = await makeBot(null);
      assert.match((await click(unbound.wecom, 'other')).frame.template_card.sub_title_text, /还没有绑定助手/);
      for (const id of [integrationId, unbound.integrationId]) {
        assert.equal(await generationOf(id, 'other'), 0);
        assert.equal(await generationOf(id, 'boss'), 0);
      }
    });

    test('an answer that failed has one that starts over, once', LONG, async () => {
      const { wecom } = await makeBot({}, { language: 'en', texts: { failed: 'Oh no.' } });
      const { id } = (await wecom.say({ userid: 'feng' }, question)).frame.stream;
      // As it is when a message has failed three times: the next try answers that.
      await until('it is answered', async () => (await wecom.poll({ userid: 'feng' }, id)).frame.stream.finish);
      await database.run(
        "update reply set state = 'final', card = 'startOver', snapshot = 'Oh no.' where reply_id = ?",
        [id],
      );
      const { frame } = await wecom.poll({ userid: 'feng' }, id);
      assert.equal(frame.msgtype, 'stream_with_template_card');
      assert.deepEqual(frame.stream, { id, finish: true, content: 'Oh no.' });
      assert.equal(frame.template_card.task_id, `new-session-${id}`);
      const again = (await wecom.poll({ userid: 'feng' }, id)).frame;
      assert.deepEqual([again.msgtype, again.stream], ['stream', frame.stream]);
      assert.equal(
        (await click(wecom, 'feng', { task_id: frame.template_card.task_id })).frame.response_type,
        'update_template_card',
      );
    });
  });
}
