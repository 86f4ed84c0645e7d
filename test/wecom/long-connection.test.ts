import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { maxContentBytes } from '../../src/wecom/content.ts';
import { dialects } from '../support/databases.ts';
import { type DialledService, startDialledService } from '../support/dialled-service.ts';
import { beginStream, endStream, sendDelta, sendPieces } from '../support/fake-llm.ts';
import { type MediaHost, png, startMediaHost } from '../support/media-host.ts';
import { until } from '../support/until.ts';
import type { From } from '../support/wecom-chats.ts';
import { modelAnswer } from '../support/wecom-service.ts';

const LONG = { timeout: 120_000 };
const appid = 'wx_long';
const question = '成人票多少钱？';
const thinking = '正在思考…';
const continued = '内容较长，稍后继续发送。';

const tableOf = (lines: number) =>
  `成人票是 168 元。[1]\n\n| 展厅 | 说明 |\n| --- | --- |\n${Array.from({ length: lines }, (_, at) => `| 厅 ${at} | 在第 ${at} 区，成人票可入内 |\n`).join('')}`;

for (const { name: dialect } of dialects) {
  describe(`a bot that is dialled, on ${dialect}`, () => {
    let all: DialledService;
    let host: MediaHost;
    let users = 0;
    before(async () => {
      all = await startDialledService(appid, { dialect, env: { LLM_MAX_ANSWER_TOKENS: '100000' } });
      host = await startMediaHost();
    });
    after(async () => {
      await all?.stop();
      await host?.close();
    });
    beforeEach(() => {
      all.llm.answer = sendPieces([modelAnswer]);
      all.chats.fault = () => undefined;
      all.chats.faults = [];
      all.chats.mostAMinute = 30;
    });
    const user = (): From => ({ userid: `u${++users}` });
    const kinds = (from: From) => all.chats.chat(from).map(({ kind }) => kind);
    const faultless = () => assert.deepEqual([...all.chats.faults, ...all.side.faults], []);
    const isFinal = ({ cmd, body }: { cmd?: string; body?: { stream?: { finish: boolean } } }) =>
      cmd === 'aibot_respond_msg' && body?.stream?.finish === true;
    const errorsOf = async (integrationId: string) =>
      (await all.clients.bots.getIntegrationStatus({ integrationId })).errors.map(({ code, what }) => [code, what]);

    test('a question has one bubble, which thinks at once, grows, and ends with the answer', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      all.llm.answer = async ({ response }) => {
        beginStream(response);
        sendDelta(response, { content: '成人票' });
        await released;
        sendDelta(response, { content: '是 168 元。[1]' });
        endStream(response);
      };
      all.chats.say(botId, from, question);
      await until('it thinks', () => all.chats.chat(from)[0]?.texts[0] === thinking);
      await until('it grows', () => all.chats.chat(from)[0]?.texts.includes('成人票'));
      release();
      const [answer] = await all.chats.finished(from, 1);
      assert.match(answer!, /168 元。\n\n来源：\n/);
      assert.deepEqual(kinds(from), ['bubble']);
      faultless();
    });

    test('questions of one user are answered in their order, each in its own bubble', LONG, async () => {
      const { botId } = await all.dial();
      const from = { ...user(), chatid: 'group-1' };
      let asked = 0;
      all.llm.answer = (one) => sendPieces([`第 ${++asked} 次：168 元。[1]`])(one);
      for (let each = 0; each < 3; each++) all.chats.say(botId, from, `@小助手 ${question}`);
      const answers = await all.chats.finished(from, 3);
      assert.deepEqual(
        answers.map((text) => text.slice(0, 5)),
        ['第 1 次', '第 2 次', '第 3 次'],
      );
      assert.deepEqual(kinds(from), ['bubble', 'bubble', 'bubble']);
      faultless();
    });

    test('an answer of more than 20,480 bytes goes on in as many messages as it takes', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      all.llm.answer = sendPieces([tableOf(900)]);
      all.chats.say(botId, from, question);
      const texts = await all.chats.finished(from, 3);
      assert.deepEqual(kinds(from), ['bubble', 'markdown', 'markdown']);
      for (const text of texts) assert.ok(Buffer.byteLength(text) <= maxContentBytes);
      for (let at = 0; at < 900; at++)
        assert.ok(
          texts.some((text) => text.includes(`| 厅 ${at} |`)),
          `row ${at}`,
        );
      assert.match(texts.at(-1)!, /由 AI 生成|来源：/);
      faultless();
    });

    test('where WeCom takes no more of a bubble, the answer goes as a message of its own, once', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      for (const errcode of [846_605, 846_606, 846_608]) {
        const from = user();
        all.chats.fault = (frame) => (isFinal(frame) ? errcode : undefined);
        all.chats.say(botId, from, question);
        const [answer] = await all.chats.finished(from, 1);
        assert.match(answer!, /168/);
        await sleep(200);
        assert.deepEqual(kinds(from), ['bubble', 'markdown'], `${errcode}`);
      }
      const errors = await errorsOf(integrationId);
      for (const errcode of [846_605, 846_606, 846_608]) {
        assert.equal(errors.filter(([code, what]) => code === errcode && what === 'reply').length, 1);
      }
    });

    test('what WeCom has no room for now is said later, in its bubble', LONG, async () => {
      const { botId } = await all.dial();
      for (const errcode of [846_607, 45_009, 45_033, 6000]) {
        const from = user();
        let refused = 0;
        all.chats.fault = (frame) => (isFinal(frame) && refused++ === 0 ? errcode : undefined);
        all.chats.say(botId, from, question);
        assert.match((await all.chats.finished(from, 1))[0]!, /168/);
        assert.deepEqual(kinds(from), ['bubble'], `${errcode}`);
        assert.equal(refused, 2);
      }
      faultless();
    });

    test('an acknowledgement that never comes leads to no second bubble', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      let lost = 0;
      const respond = all.side.answer;
      all.side.answer = (frame, socket) => {
        const answer = respond(frame, socket);
        return isFinal(frame) && lost++ === 0 ? undefined : answer;
      };
      try {
        all.chats.say(botId, from, question);
        await until('it is said again', () => lost === 2);
        assert.deepEqual(kinds(from), ['bubble']);
        faultless();
      } finally {
        all.side.answer = respond;
      }
    });

    test('a bubble whose time is over is closed with a short text, and its answer follows', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      const held = all.hold();
      all.chats.say(botId, from, question);
      await held.asked;
      await until('it thinks', () => all.chats.chat(from).length > 0);
      const [bubble] = all.chats.chat(from);
      await all.database.run('update reply set closes_at = closes_at - 330000 where reply_id = ?', [bubble!.id]);
      assert.deepEqual(await all.chats.finished(from, 1), [continued]);
      held.release();
      assert.match((await all.chats.finished(from, 2))[1]!, /168/);
      assert.deepEqual(kinds(from), ['bubble', 'markdown']);
      faultless();
    });

    test('a bubble that WeCom does not take the answer in is closed when that went as a message', LONG, async () => {
      const { botId } = await all.dial();
      const refusing = user();
      all.chats.fault = (frame) => (isFinal(frame) && frame.body.stream.content.includes('168') ? 40_058 : undefined);
      all.chats.say(botId, refusing, question);
      const [bubble, answer] = await all.chats.finished(refusing, 2);
      assert.deepEqual([bubble, kinds(refusing)], [continued, ['bubble', 'markdown']]);
      assert.match(answer!, /168/);
      const late = user();
      let refused = 0;
      all.chats.fault = (frame) => {
        if (!isFinal(frame) || !frame.body.stream.content.includes('168')) return undefined;
        refused++;
        return 846_607;
      };
      all.chats.say(botId, late, question);
      await until('it is refused', () => refused > 0);
      await all.database.run("update dispatch set expires_at = 1 where kind = 'wecom.stream' and state = 'pending'");
      await until('its first route is over', () => refused > 1);
      all.chats.fault = () => undefined;
      assert.match((await all.chats.finished(late, 1))[0]!, /168/);
      assert.deepEqual(kinds(late), ['bubble'], 'there is still time for its bubble');
      faultless();
    });

    test('an answer that may stand in its bubble is replaced by nothing after a crash', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      const respond = all.side.answer;
      let said = 0;
      all.side.answer = (frame, socket) => {
        const answer = respond(frame, socket);
        if (!isFinal(frame) || said++ > 0) return answer;
        // WeCom has it; who said it dies, and when another has the bot the bubble's time is over.
        void all.database
          .run('update reply set closes_at = closes_at - 340000 where integration_id = ?', [integrationId])
          .then(() => socket.socket.terminate());
        return undefined;
      };
      try {
        all.chats.say(botId, from, question);
        await until('it was said', () => said > 0);
        await until('nothing waits', async () => {
          const rows = await all.database.all(
            "select 1 from dispatch d join lane l on l.lane_id = d.lane_id where l.drain_key = ? and d.state = 'pending'",
            [integrationId],
          );
          return said > 0 && rows.length === 0 && kinds(from).length > 0;
        });
        assert.match(all.chats.chat(from)[0]!.texts.at(-1)!, /168/);
        faultless();
      } finally {
        all.side.answer = respond;
      }
    });

    test('a callback that comes again, by whatever request, opens no second bubble', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      const msgid = { msgid: 'again-1' };
      all.chats.say(botId, from, question, msgid);
      await all.chats.finished(from, 1);
      all.chats.say(botId, from, question, msgid);
      const other = user();
      all.chats.say(botId, other, question);
      await all.chats.finished(other, 1);
      assert.deepEqual(kinds(from), ['bubble']);
      faultless();
    });

    test('messages within the window are one question with one bubble', LONG, async () => {
      const { botId } = await all.dial({}, { summaryWindowSeconds: 2, maxWaitSeconds: 6 });
      const from = user();
      all.chats.say(botId, from, '成人票');
      all.chats.say(botId, from, '多少钱？');
      assert.match((await all.chats.finished(from, 1))[0]!, /168/);
      assert.match(all.llm.asked.at(-1)!.user, /成人票\s+多少钱？/);
      assert.deepEqual(kinds(from), ['bubble']);
    });

    test('who opens the chat is welcomed, a click changes its card, and what is judged is kept', LONG, async () => {
      const { botId } = await all.dial({}, { welcome: '欢迎光临' });
      const from = user();
      const entered = all.chats.tell(botId, from, { eventtype: 'enter_chat' });
      const [welcome] = await until('it is welcomed', () => all.chats.toEvents.get(entered));
      assert.equal(welcome!.cmd, 'aibot_respond_welcome_msg');
      assert.equal(welcome!.body.template_card.sub_title_text, '欢迎光临');
      const { task_id } = welcome!.body.template_card;
      const click = { card_type: 'button_interaction', event_key: 'new-session', task_id };
      const clicked = all.chats.tell(botId, from, { eventtype: 'template_card_event', template_card_event: click });
      const [update] = await until('the card changes', () => all.chats.toEvents.get(clicked));
      assert.equal(update!.cmd, 'aibot_respond_update_msg');
      assert.equal(update!.body.template_card.task_id, task_id);
      all.chats.say(botId, from, question);
      await all.chats.finished(from, 1);
      const { id } = all.chats.chat(from)[0]!;
      all.chats.tell(botId, from, { eventtype: 'feedback_event', feedback_event: { id, type: 2 } });
      await until('it is kept', async () => {
        const rows = await all.database.all(
          'select 1 from message m join reply r on r.message_id = m.answers where r.reply_id = ? and m.feedback_type = 2',
          [id],
        );
        return rows.length === 1;
      });
      faultless();
    });

    test('an answer that failed is followed by a card that starts over', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      all.chats.say(botId, from, question);
      await all.chats.finished(from, 1);
      await all.database.run('update conversation set failures = 3 where started = finished');
      all.chats.say(botId, from, question);
      await all.chats.finished(from, 3);
      assert.deepEqual(kinds(from), ['bubble', 'bubble', 'template_card']);
      assert.match(all.chats.chat(from)[2]!.card.task_id, /^new-session-/);
      faultless();
    });

    test('a picture of an answer is uploaded and sent; one that can not be had holds nothing up', LONG, async () => {
      const { botId } = await all.dial();
      const from = { ...user(), chatid: 'group-pictures' };
      host.files.set('/map.png', (_, response) => response.end(png));
      host.files.set('/none.png', 404);
      const answer = `168 元。[1] ![图](${host.url}/none.png) ![图](${host.url}/map.png)`;
      all.llm.answer = sendPieces([answer]);
      all.chats.say(botId, from, `@小助手 ${question}`);
      await all.chats.finished(from, 2);
      assert.deepEqual(kinds(from), ['bubble', 'image']);
      assert.deepEqual(all.chats.chat(from)[1]!.bytes, png);
      all.chats.say(botId, from, `@小助手 ${question}`);
      await all.chats.finished(from, 4);
      faultless();
    });

    test('a chat that takes no messages gets the answer by its response_url', LONG, async () => {
      const { botId } = await all.dial();
      const from = user();
      const url = all.urls.make();
      all.chats.fault = (frame) => (isFinal(frame) ? 846_608 : frame.cmd === 'aibot_send_msg' ? 93_006 : undefined);
      all.chats.say(botId, from, question, { response_url: url });
      await until('it comes by the response_url', () => all.urls.taken.find((each) => each.url === url));
      assert.equal(all.urls.taken.filter((each) => each.url === url).length, 1);
      assert.deepEqual(kinds(from), ['bubble']);
    });

    test('what waits for a bot that an operator closed is said when it is connected again', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      const held = all.hold();
      all.chats.say(botId, from, question);
      await held.asked;
      await all.clients.bots.disconnectIntegration({ integrationId });
      await until('it is closed', () => all.side.connected(botId) === undefined);
      held.release();
      await until('it is answered', async () => {
        const rows = await all.database.all("select 1 from dispatch where kind = 'wecom.stream' and state = 'pending'");
        return rows.length > 0;
      });
      await sleep(1500);
      assert.equal(all.chats.chat(from)[0]!.isFinished, false);
      await all.clients.bots.reconnectIntegration({ integrationId });
      assert.match((await all.chats.finished(from, 1))[0]!, /168/);
      assert.deepEqual(kinds(from), ['bubble']);
      faultless();
    });

    test('what a bot that stays away was to say goes by the response_url, where there is one', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      const url = all.urls.make();
      const held = all.hold();
      all.chats.say(botId, from, question, { response_url: url });
      await held.asked;
      all.side.secrets.delete(botId); // it can't come back
      all.side.connected(botId)!.socket.terminate();
      await until('it is stopped', async () => {
        const { connection } = await all.clients.bots.getIntegrationStatus({ integrationId });
        return connection?.code === 853_000;
      });
      await all.database.run('update reply set closes_at = closes_at - 330000 where integration_id = ?', [
        integrationId,
      ]);
      held.release();
      const [{ body }] = await until('it comes by the response_url', () => {
        const taken = all.urls.taken.filter((each) => each.url === url);
        return taken.length > 0 ? (taken as [(typeof taken)[number]]) : undefined;
      });
      assert.match(body.markdown.content, /168/);
    });

    test('a response_url that refuses, or is too old, costs no answer: it waits for the bot', LONG, async () => {
      for (const ageMs of [0, 7_200_000]) {
        const { botId, integrationId } = await all.dial();
        const from = user();
        const held = all.hold();
        all.chats.say(botId, from, question, { response_url: `${all.urls.make()}-unknown` });
        await held.asked;
        await all.clients.bots.disconnectIntegration({ integrationId });
        await until('it is closed', () => all.side.connected(botId) === undefined);
        const shift = 330_000 + ageMs;
        await all.database.run(
          `update reply set closes_at = closes_at - ${shift}, created_at = created_at - ${shift} where integration_id = ?`,
          [integrationId],
        );
        held.release();
        await until('it was looked at', async () => {
          if (ageMs === 0) return (await errorsOf(integrationId)).some(([, what]) => what === 'response_url');
          const rows = await all.database.all("select 1 from dispatch where route = 'first' and kind = 'wecom.send'");
          return rows.length > 0;
        });
        await all.clients.bots.reconnectIntegration({ integrationId });
        const said = () => all.chats.chat(from).filter(({ texts }) => texts.at(-1)!.includes('168'));
        await until('it is said', () => said().length > 0);
        await until('nothing waits', async () => {
          const rows = await all.database.all(
            "select 1 from dispatch d join lane l on l.lane_id = d.lane_id where l.drain_key = ? and d.state = 'pending'",
            [integrationId],
          );
          return rows.length === 0;
        });
        assert.equal(said().length, 1);
      }
    });

    test('where nobody knows what became of the response_url, no piece counts as said', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      all.llm.answer = sendPieces([tableOf(900)]);
      all.chats.fault = (frame) => (isFinal(frame) ? 846_608 : frame.cmd === 'aibot_send_msg' ? 93_006 : undefined);
      const url = new URL(all.urls.make());
      all.chats.say(botId, from, question, { response_url: `${url.origin}/hang-up` });
      const ended = await until('all has ended', async () => {
        const rows = await all.database.all<{ state: string }>(
          "select d.state from dispatch d join lane l on l.lane_id = d.lane_id where l.drain_key = ? and d.kind like 'wecom.%'",
          [integrationId],
        );
        return rows.length >= 3 && rows.every(({ state }) => state !== 'pending') ? rows : undefined;
      });
      assert.deepEqual(
        ended.map(({ state }) => state),
        ended.map(() => 'dead'),
      );
    });

    test('of a deleted bot what can not be said ends, and operators see why', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      const held = all.hold();
      all.chats.say(botId, from, question);
      await held.asked;
      await all.clients.bots.deleteIntegration({ integrationId });
      await until('it is closed', () => all.side.connected(botId) === undefined);
      await all.database.run('update reply set closes_at = closes_at - 330000 where integration_id = ?', [
        integrationId,
      ]);
      held.release();
      await until('it ends', async () => {
        const rows = await all.database.all<{ reason: string }>(
          "select reason from dispatch where state = 'dead' and kind = 'wecom.send' and reason like 'its bot was deleted%'",
        );
        return rows.length > 0;
      });
    });

    test('who is erased gets no answer any more, and nothing of it is left', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const from = user();
      const held = all.hold();
      all.chats.say(botId, from, question);
      await held.asked;
      const erase = { appid, openid: from.userid, actor: 'a', reason: 'r' };
      assert.equal((await all.service.call('/api/wxmp/message/erase_user', erase)).errcode, 0);
      held.release();
      const other = user();
      all.chats.say(botId, other, question);
      await all.chats.finished(other, 1);
      assert.deepEqual(
        await all.chats.finished(from, 1),
        ['已开始新的会话，请继续提问。'],
        'its bubble does not think for ever',
      );
      assert.deepEqual(await all.database.all('select 1 from reply where user_id = ?', [from.userid]), []);
      assert.equal((await errorsOf(integrationId)).length, 0);
    });

    test('another name, another text and a republished trigger leave the connection as it is', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      const socket = all.side.connected(botId);
      await all.clients.bots.updateIntegration({ integrationId, name: 'n', texts: { thinking: '稍等' } });
      await all.clients.triggers.publishTrigger({ integrationId, appid, welcome: '你好' });
      const from = user();
      all.chats.say(botId, from, question);
      await all.chats.finished(from, 1);
      assert.equal(all.chats.chat(from)[0]!.texts[0], '稍等');
      const next = await all.dial(); // a round has passed for all
      assert.ok(all.side.connected(next.botId));
      assert.equal(all.side.connected(botId), socket);
      assert.equal(all.side.sockets.filter((each) => each.botId === botId).length, 1);
    });

    test('new credentials are taken at once, and refused ones end in a status that says so', LONG, async () => {
      const { botId, integrationId } = await all.dial();
      all.side.secrets.set(botId, 's2');
      await all.clients.bots.updateIntegration({ integrationId, secret: 'wrong' });
      const { connection } = await until('it is stopped', async () => {
        const status = await all.clients.bots.getIntegrationStatus({ integrationId });
        return status.connection?.code === 853_000 ? status : undefined;
      });
      assert.match(connection!.reason, /invalid bot_id or secret/);
      await all.clients.bots.updateIntegration({ integrationId, secret: 's2' });
      await until('it is connected', () => all.side.connected(botId));
      const from = user();
      all.chats.say(botId, from, question);
      assert.match((await all.chats.finished(from, 1))[0]!, /168/);
    });

    test('who may not ask is told so, in a bubble that is finished', LONG, async () => {
      const { botId } = await all.dial({}, { allowUsers: ['somebody'] });
      const from = user();
      all.chats.say(botId, from, question);
      assert.deepEqual(await all.chats.finished(from, 1), ['抱歉，你没有使用这个机器人的权限，请联系管理员。']);
      faultless();
    });
  });
}
