import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Conversation, ListConversationsRequestSchema } from '../../gen/wecom/v1/conversation_pb.ts';
import { saveFeedback } from '../../src/wecom/feedback-store.ts';
import { dialects } from '../support/databases.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { modelAnswer, refusalOf, startWecomService, type WecomService } from '../support/wecom-service.ts';

const appid = 'wx_talks';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`conversations of WeCom bots on ${dialect}`, () => {
    let own: WecomService;
    before(async () => {
      own = await startWecomService(appid, { dialect });
    });
    after(() => own?.stop());

    /** Conversations without messages: of users in single chats, where nothing else is said. */
    const fill = async (integrationId: string, places: { chatId?: string; userId: string; activeAt: number }[]) => {
      const rows = places.map(({ chatId = '', userId, activeAt }, at) => ({
        ...{ session_id: `${integrationId.slice(-10)}-${userId}-${at}`, integration_id: integrationId },
        ...{ chat_id: chatId, owner_id: userId, generation: 1, active_at: activeAt },
      }));
      await own.database.insert('wecom_session', rows);
    };
    const listAll = async (
      request: MessageInitShape<typeof ListConversationsRequestSchema>,
      between = async () => {},
    ) => {
      const listed: Conversation[] = [];
      let pageToken = '';
      do {
        const page = await own.conversations.listConversations({ ...request, pageToken });
        listed.push(...page.conversations);
        pageToken = page.nextPageToken;
        await between();
      } while (pageToken !== '');
      return listed;
    };

    test(
      'a conversation is listed with its place, its assistant, its session and its count of messages',
      LONG,
      async () => {
        const { wecom, integrationId } = await own.makeBot();
        await wecom.ask({ userid: 'lisi' }, question);
        await wecom.ask({ userid: 'lisi' }, question);
        await wecom.ask({ userid: 'lisi', chatid: 'group-1' }, '/new');
        await wecom.ask({ userid: 'lisi', chatid: 'group-1' }, `/new ${question}`);
        const listed = await listAll({ integrationId, orderBy: 'chat' });
        const shown = listed.map(({ conversationId: _, activeAt, $typeName: __, ...rest }) => {
          assert.ok(Math.abs(activeAt - Date.now() / 1000) < 600);
          return rest;
        });
        const usual = { integrationId, appid, userId: 'lisi' };
        assert.deepEqual(shown, [
          { ...usual, chatId: '', chatType: 'single', session: 1, messageCount: 4 },
          { ...usual, chatId: 'group-1', chatType: 'group', session: 2, messageCount: 2 },
        ]);
      },
    );

    test("a group that shares its conversation has one, which is nobody's in particular", LONG, async () => {
      const { wecom, integrationId } = await own.makeBot({}, { groupScope: 'chat' });
      for (const userid of ['a', 'b']) await wecom.ask({ userid, chatid: 'shared' }, question);
      const [conversation, ...more] = await listAll({ integrationId });
      assert.deepEqual([conversation!.userId, conversation!.chatId, more.length], ['', 'shared', 0]);
      const { conversationId } = conversation!;
      const { messages } = await own.conversations.getConversation({ conversationId });
      assert.deepEqual(
        messages.map(({ speaker, userId }) => [speaker, userId]),
        [
          ['user', 'a'],
          ['assistant', 'a'],
          ['user', 'b'],
          ['assistant', 'b'],
        ],
      );
    });

    test(
      'lists are sorted by activity, chat or user, either way, and none shows those of another bot',
      LONG,
      async (t) => {
        const random = createRandom();
        t.diagnostic(`seed ${random.seed}`);
        const { integrationId } = await own.makeBot();
        const stranger = await own.makeBot();
        const places = Array.from({ length: 40 }, (_, at) => ({
          ...{ chatId: `chat-${random.below(6)}`, userId: `user-${String(at).padStart(2, '0')}` },
          activeAt: 1_000_000 + random.below(10) * 1000,
        }));
        await fill(integrationId, places);
        await fill(stranger.integrationId, places);
        const keys = {
          active_at: (each: Conversation) => `${each.activeAt} ${each.conversationId}`,
          chat: (each: Conversation) => `${each.chatId} ${each.userId}`,
          user: (each: Conversation) => `${each.userId} ${each.chatId}`,
        };
        for (const [orderBy, keyOf] of Object.entries(keys)) {
          for (const descending of [true, false]) {
            for (const pageSize of [3, 40, 0]) {
              const listed = await listAll({ integrationId, orderBy, descending, pageSize });
              const sorted = listed.map(keyOf).toSorted();
              assert.deepEqual(listed.map(keyOf), descending ? sorted.reverse() : sorted, `${orderBy} ${descending}`);
              assert.equal(listed.length, places.length);
              assert.ok(listed.every((each) => each.integrationId === integrationId));
            }
          }
        }
        const usual = await listAll({ integrationId });
        assert.deepEqual(usual, await listAll({ integrationId, orderBy: 'active_at', descending: true }));
        const byChat = await listAll({ integrationId, orderBy: 'chat' });
        assert.deepEqual(byChat, await listAll({ integrationId, orderBy: 'chat', descending: false }));
      },
    );

    test('a search finds what the id of a chat or user has in it, in capitals or not; % and _ are signs', async () => {
      const { integrationId } = await own.makeBot();
      const places = [
        { userId: 'Alice_W', activeAt: 5 },
        { userId: 'bob', chatId: 'Sales%Team', activeAt: 4 },
        { userId: 'carol', chatId: 'alIce-fans', activeAt: 3 },
        { userId: 'daveXW', activeAt: 2 },
        { userId: '张三', activeAt: 1 },
      ];
      await fill(integrationId, places);
      const found = async (query: string, more = {}) =>
        (await listAll({ integrationId, query, ...more })).map(({ userId }) => userId);
      assert.deepEqual(await found('ALICE'), ['Alice_W', 'carol']);
      assert.deepEqual(await found('_w'), ['Alice_W']);
      assert.deepEqual(await found('%'), ['bob']);
      assert.deepEqual(await found('张'), ['张三']);
      assert.deepEqual(await found('nobody'), []);
      for (const query of ["'", '\\', '"', ')', '\u0000', '?', '!_']) assert.deepEqual(await found(query), []);
      assert.deepEqual(await found('a', { pageSize: 1 }), ['Alice_W', 'bob', 'carol', 'daveXW']);
      const { message } = await refusalOf(listAll({ integrationId, query: 'x'.repeat(65) }));
      assert.match(message, /^query/);
    });

    test('while conversations come, go and move, no list shows one twice', LONG, async (t) => {
      const random = createRandom();
      t.diagnostic(`seed ${random.seed}`);
      for (const orderBy of ['active_at', 'chat', 'user']) {
        for (const descending of [true, false]) {
          const { integrationId } = await own.makeBot();
          await fill(
            integrationId,
            Array.from({ length: 30 }, (_, at) => ({ userId: `u${at}`, chatId: `c${at % 5}`, activeAt: 1000 + at })),
          );
          let next = 100;
          const listed = await listAll({ integrationId, orderBy, descending, pageSize: 3 }, async () => {
            const { conversations } = await own.conversations.listConversations({ integrationId });
            for (let n = 0; n < 3; n++) {
              const { conversationId } = random.pick(conversations);
              await own.conversations.resetConversation({ conversationId });
            }
            await fill(integrationId, [{ userId: `u${next++}`, chatId: 'c1', activeAt: Date.now() }]);
          });
          const ids = listed.map(({ conversationId }) => conversationId);
          assert.equal(new Set(ids).size, ids.length, `${orderBy} ${descending}`);
          if (orderBy !== 'active_at') assert.ok(ids.length >= 30, 'what does not move is not missed');
        }
      }
    });

    test('a page token of another list, or of none, is refused', async () => {
      const { integrationId } = await own.makeBot();
      const { integrationId: other } = await own.makeBot();
      for (const id of [integrationId, other]) {
        await fill(
          id,
          [1, 2, 3].map((at) => ({ userId: `u${at}`, activeAt: at })),
        );
      }
      const list = own.conversations.listConversations;
      const { nextPageToken: pageToken } = await list({ integrationId, pageSize: 1 });
      assert.equal((await list({ integrationId, pageSize: 2, pageToken })).conversations.length, 2);
      const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const wrong: [object, string][] = [
        [{ integrationId: other }, pageToken],
        [{ query: 'u' }, pageToken],
        [{ orderBy: 'chat' }, pageToken],
        [{ descending: false }, pageToken],
        [{}, 'nonsense'],
        [{}, token({ after: 'x' })],
        [{}, token({ after: '[]' })],
        [{}, token({ after: '{}' })],
        [{}, token({ after: 7 })],
        [{}, token({ after: '["x",1,2,"y"]' })],
      ];
      for (const [more, pageToken] of wrong) {
        const refusal = await refusalOf(list({ integrationId, ...more, pageToken }));
        assert.equal(refusal.errcode, '40001', pageToken);
        assert.match(refusal.message, /^page_token: /);
      }
    });

    test('what is not there is 40401', async () => {
      const { integrationId } = await own.makeBot();
      await fill(integrationId, [{ userId: 'u', activeAt: 1 }]);
      const [{ conversationId }] = (await listAll({ integrationId })) as [Conversation];
      await own.bots.deleteIntegration({ integrationId });
      const calls = [
        () => own.conversations.listConversations({ integrationId }),
        () => own.conversations.listConversations({ integrationId: 'none' }),
        () => own.conversations.getConversation({ conversationId }),
        () => own.conversations.getConversation({ conversationId: 'none' }),
        () => own.conversations.resetConversation({ conversationId }),
        () => own.conversations.resetConversation({ conversationId: 'none' }),
      ];
      for (const call of calls) assert.equal((await refusalOf(call())).errcode, '40401');
    });

    test('the messages of a session are shown with what they cite, page by page backwards', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot();
      for (let n = 1; n <= 3; n++) await wecom.ask({ userid: 'reader' }, `${question} ${n}`);
      const [{ conversationId }] = (await listAll({ integrationId })) as [Conversation];
      const get = own.conversations.getConversation;
      const { messages, session, nextPageToken, conversation } = await get({ conversationId });
      assert.deepEqual([session, nextPageToken, conversation!.messageCount], [1, '', 6]);
      assert.deepEqual(
        messages.map(({ speaker, state, userId, msgType }) => [speaker, state, userId, msgType]),
        Array.from({ length: 6 }, (_, at) => [at % 2 ? 'assistant' : 'user', 'answered', 'reader', 'text']),
      );
      assert.deepEqual(
        messages.filter(({ speaker }) => speaker === 'user').map(({ text }) => text),
        [1, 2, 3].map((n) => `${question} ${n}`),
      );
      const [asked, answer] = messages as [(typeof messages)[0], (typeof messages)[0]];
      assert.deepEqual([answer.answers, asked.answers, asked.sources], [asked.messageId, '', []]);
      assert.match(modelAnswer, new RegExp(answer.text.slice(0, 8)));
      assert.match(answer.sources[0]!.url, /^http/);
      assert.match(answer.sources[0]!.title, /a1/);
      assert.ok(Math.abs(answer.createdAt - Date.now() / 1000) < 600);
      assert.equal(answer.feedback, undefined);
      await saveFeedback(own.database, asked.messageId, { type: 2, text: '少了儿童票', reasons: [2, 4] });
      const judged = (await get({ conversationId })).messages[1]!.feedback!;
      assert.deepEqual([judged.type, judged.text, judged.reasons], [2, '少了儿童票', [2, 4]]);
      assert.ok(Math.abs(judged.at - Date.now() / 1000) < 600);
      await own.database.run('update message set feedback_type = null where message_id = ?', [answer.messageId]);

      const first = await get({ conversationId, pageSize: 4 });
      assert.deepEqual(first.messages, messages.slice(2));
      await wecom.ask({ userid: 'reader' }, `/new ${question} 4`);
      const before = await get({ conversationId, pageSize: 4, pageToken: first.nextPageToken });
      assert.deepEqual([before.messages, before.session], [messages.slice(0, 2), 1], 'in the session of its page');
      assert.equal(before.nextPageToken, '');
      assert.equal((await get({ conversationId })).messages.length, 2);
      assert.deepEqual((await get({ conversationId, session: 1 })).messages, messages);
      assert.equal((await refusalOf(get({ conversationId, session: 3 }))).errcode, '40401');
      const stray = refusalOf(get({ conversationId, session: 2, pageToken: first.nextPageToken }));
      assert.match((await stray).message, /^page_token: /);
    });

    test('a long message is cut and says so; one that was taken into another is not told of', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot();
      await wecom.ask({ userid: 'writer' }, `${question}${'😀长'.repeat(10_000)}`);
      await wecom.ask({ userid: 'writer' }, question);
      await own.database.run("update message set state = 'merged' where openid = 'writer' and content = ?", [question]);
      const [{ conversationId, messageCount }] = (await listAll({ integrationId })) as [Conversation];
      const { messages } = await own.conversations.getConversation({ conversationId });
      assert.deepEqual([messages.length, messageCount], [3, 3]);
      assert.deepEqual([Array.from(messages[0]!.text).length, messages[0]!.textCut], [20_000, true]);
      assert.equal(messages[1]!.textCut, false);
    });

    test('a reset begins a session as /new does: what is under way stays in the one before', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot();
      const from = { userid: 'resetter' };
      await wecom.ask(from, question);
      const [{ conversationId }] = (await listAll({ integrationId })) as [Conversation];
      const { asked, release } = own.hold();
      const { id } = (await wecom.say(from, `${question} 2`)).frame.stream;
      await asked;
      const { conversation } = await own.conversations.resetConversation({ conversationId });
      assert.deepEqual([conversation!.session, conversation!.messageCount], [2, 0]);
      release();
      await until('the answer is there', async () => (await wecom.poll(from, id)).frame.stream.finish);
      const get = (session: number) => own.conversations.getConversation({ conversationId, session });
      assert.equal((await get(1)).messages.length, 4);
      assert.equal((await get(2)).messages.length, 0);

      const { length } = own.llm.asked;
      await wecom.ask(from, `${question} 3`);
      const told = JSON.stringify(own.llm.asked.slice(length).map(({ body }) => body.messages));
      assert.ok(told.includes(`${question} 3`) && !told.includes(`${question} 2`), 'it knows nothing of before');
      assert.deepEqual(
        (await get(2)).messages.map(({ speaker }) => speaker),
        ['user', 'assistant'],
      );
      assert.equal((await get(0)).session, 2, 'nor did the answer of before begin another');
    });

    test('a question that gathers takes no more parts after a reset, and is answered at once', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot({}, { summaryWindowSeconds: 60, maxWaitSeconds: 300 });
      const from = { userid: 'gatherer' };
      const { id } = (await wecom.say(from, question)).frame.stream;
      const [{ conversationId }] = (await listAll({ integrationId })) as [Conversation];
      await own.conversations.resetConversation({ conversationId });
      await until('it is answered', async () => (await wecom.poll(from, id)).frame.stream.finish, 30_000);
      await wecom.say(from, `${question} 2`);
      const { messages } = await own.conversations.getConversation({ conversationId, session: 1 });
      assert.deepEqual(
        messages.filter(({ speaker }) => speaker === 'user').map(({ text }) => text),
        [question],
      );
    });

    test('resets, questions and /new at once give each question one session', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot();
      const from = { userid: 'busy' };
      await wecom.ask(from, question);
      const [{ conversationId }] = (await listAll({ integrationId })) as [Conversation];
      await Promise.all([
        ...Array.from({ length: 5 }, () => own.conversations.resetConversation({ conversationId })),
        ...Array.from({ length: 5 }, (_, n) => wecom.ask(from, n % 2 ? question : `/new ${question}`)),
      ]);
      const { conversation } = await own.conversations.getConversation({ conversationId });
      assert.equal(conversation!.session, 1 + 5 + 3);
      let messages = 0;
      for (let session = 1; session <= conversation!.session; session++) {
        const page = await own.conversations.getConversation({ conversationId, session });
        messages += page.messages.length;
        assert.equal(page.messages.length % 2, 0, `each question of session ${session} has its answer`);
      }
      assert.equal(messages, 2 * 6);
    });
  });
}
