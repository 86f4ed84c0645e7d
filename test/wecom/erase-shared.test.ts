import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Point } from '../../src/context.ts';
import { auditBegin } from '../../src/message/audit-erasure.ts';
import { beginErasingPart, listConversationsOf } from '../../src/message/erase-part.ts';
import { dialects } from '../support/databases.ts';
import { encryptMedia, startMediaHost } from '../support/media-host.ts';
import { runPrune } from '../support/pruning.ts';
import { createRandom } from '../support/random.ts';
import { findInTables } from '../support/search-tables.ts';
import { until } from '../support/until.ts';
import { startWecomService, type WecomService } from '../support/wecom-service.ts';

const appid = 'wx_shared';
const question = '成人票多少钱？';
const rounds = Number(process.env.ERASE_ROUNDS ?? 12);
const LONG = { timeout: 170_000 };

for (const { name: dialect } of dialects) {
  describe(`erasing a user of a group that shares one conversation, on ${dialect}`, () => {
    let own: WecomService;
    let reached: (point: Point) => void = () => {};
    before(async () => {
      own = await startWecomService(appid, { dialect, reached: (point) => reached(point) });
    });
    after(() => own?.stop());

    const erase = async (openid: string) => {
      const body = { appid, openid, actor: 'test', reason: 'r' };
      const { errcode, errmsg, ...erased } = await own.service.call('/api/wxmp/message/erase_user', body);
      assert.equal(errcode, 0, errmsg);
      return erased;
    };
    const shared = () => own.makeBot({}, { groupScope: 'chat' });
    const snapshot = (openid: string) =>
      own.database.all(
        `select m.message_id, m.conversation_id, m.message_index, m.content, m.state, e.created_at, d.dispatch_id,
            d.lane_id, d.state delivery, r.snapshot
          from message m left join explanation e on e.message_id = m.message_id
            left join dispatch d on d.message_id = m.message_id left join reply r on r.message_id = m.message_id
          where m.openid = ? order by m.message_index`,
        [openid],
      );
    const delivered = () =>
      until('all is delivered', async () => {
        const sql =
          "select 1 from dispatch where state = 'pending' union select 1 from message where state = 'pending'";
        return (await own.database.all(sql)).length === 0;
      });

    test('the words of the one and what they were answered go, and those of the others stay', LONG, async () => {
      const { wecom, integrationId } = await shared();
      const chatid = 'group-1';
      await wecom.ask({ userid: 'erased-1', chatid }, `${question} kxmark1`);
      await wecom.ask({ userid: 'stays-1', chatid }, '儿童呢？');
      await wecom.ask({ userid: 'erased-1', chatid }, `/new ${question} kxmark1`);
      await wecom.ask({ userid: 'erased-1' }, `${question} kxmark1 alone`);
      await delivered();
      const [followUp] = await own.database.all<{ body: string }>(
        "select body from explanation where message_id = (select message_id from message where openid = ? and speaker = 'user')",
        ['stays-1'],
      );
      assert.match(followUp!.body, /kxmark1/, 'it was searched for together with the question before');
      const others = await snapshot('stays-1');
      const erased = await erase('erased-1');
      const { conversations, messages, explanations, replies, dispatches } = erased;
      assert.deepEqual([conversations, messages, explanations, replies, dispatches], [1, 6, 3, 3, 3]);
      assert.deepEqual(await findInTables(own.database, ['erased-1', 'kxmark1']), []);
      assert.deepEqual(await snapshot('stays-1'), others);
      assert.equal(others.length, 2);
      assert.equal((await erase('erased-1')).messages, 0, 'erasing again finds nothing');
      await wecom.ask({ userid: 'erased-1', chatid }, question);
      const { conversations: listed } = await own.conversations.listConversations({ integrationId });
      assert.deepEqual(
        listed.map(({ userId, chatId, session }) => [userId, chatId, session]),
        [['', chatid, 2]],
        'the group is in the session that it was in',
      );
    });

    test('an answer that is being made is thrown away, and who waits behind it is answered', LONG, async () => {
      const { wecom } = await shared();
      const chatid = 'group-2';
      const { asked, release } = own.hold();
      const first = (await wecom.say({ userid: 'erased-2', chatid }, `${question} kxmark2`)).frame.stream;
      await asked;
      const { id } = (await wecom.say({ userid: 'stays-2', chatid }, question)).frame.stream;
      const { length } = own.llm.asked;
      const { messages, replies } = await erase('erased-2');
      assert.deepEqual([messages, replies], [1, 1]);
      release();
      await until('the other is answered', async () => {
        const { stream } = (await wecom.poll({ userid: 'stays-2', chatid }, id)).frame;
        return stream.finish && /168/.test(stream.content);
      });
      await delivered();
      assert.deepEqual(await findInTables(own.database, ['erased-2', 'kxmark2']), []);
      const told = JSON.stringify(own.llm.asked.slice(length).map(({ body }) => body.messages));
      assert.ok(!told.includes('kxmark2'), 'nor was a model told of it');
      const gone = (await wecom.poll({ userid: 'erased-2', chatid }, first.id)).frame.stream;
      assert.doesNotMatch(gone.content, /168/);
    });

    test('an answer to another that has read the words is made anew without them', LONG, async () => {
      const { wecom } = await shared();
      const chatid = 'group-3';
      await wecom.ask({ userid: 'erased-3', chatid }, `${question} kxmark3`);
      const { asked, release } = own.hold();
      const { id } = (await wecom.say({ userid: 'stays-3', chatid }, question)).frame.stream;
      await asked;
      assert.match(JSON.stringify(own.llm.asked.at(-1)!.body.messages), /kxmark3/);
      await erase('erased-3');
      release();
      await until(
        'it is answered',
        async () => (await wecom.poll({ userid: 'stays-3', chatid }, id)).frame.stream.finish,
      );
      assert.doesNotMatch(JSON.stringify(own.llm.asked.at(-1)!.body.messages), /kxmark3/);
      await delivered();
      const rows = await own.database.all('select 1 from message where openid = ?', ['stays-3']);
      assert.equal(rows.length, 2, 'one answer');
      assert.deepEqual(await findInTables(own.database, ['erased-3', 'kxmark3']), []);
    });

    test('what waits for a response_url is not sent to the one, and sent once to the other', LONG, async () => {
      const { wecom } = await shared();
      const chatid = 'group-4';
      const [gone, kept] = [own.urls.make(), own.urls.make()];
      await wecom.say({ userid: 'erased-4', chatid }, `${question} kxmark4`, { response_url: gone });
      await wecom.say({ userid: 'stays-4', chatid }, question, { response_url: kept });
      await until('both are answered', async () => {
        const rows = await own.database.all("select 1 from message where openid in ('erased-4', 'stays-4')");
        return rows.length === 4;
      });
      await until('the lane waits for long', async () => {
        const waits = await own.database.run(
          `update lane set due_at = due_at + 3600000 where lease_token is null and due_at is not null and lane_id in
            (select lane_id from dispatch where message_id in (select message_id from message where openid = 'erased-4'))`,
        );
        return waits === 1;
      });
      assert.equal((await erase('erased-4')).cancelled, 1);
      await delivered();
      const taken = own.urls.taken.map(({ url }) => url).filter((url) => url === gone || url === kept);
      assert.deepEqual(taken, [kept]);
      assert.deepEqual(own.urls.refused, []);
      const [{ delivery }] = (await snapshot('stays-4')) as [{ delivery: string }];
      assert.equal(delivery, 'delivered');
      assert.deepEqual(await findInTables(own.database, ['erased-4', 'kxmark4']), []);
    });

    test(
      'what an erasure that was cut off has left is erased by the scheduled job, which writes that down',
      LONG,
      async () => {
        const { wecom } = await shared();
        const chatid = 'group-5';
        await wecom.ask({ userid: 'erased-5', chatid }, `${question} kxmark5`);
        await wecom.ask({ userid: 'stays-5', chatid }, '儿童呢？');
        await delivered();
        const others = await snapshot('stays-5');
        const userHash = 'c'.repeat(64);
        await own.database.tx(async (tx) => {
          await auditBegin(tx, 'entry-shared', { appid, userHash, actor: 'a', reason: 'r' });
          const [from] = await listConversationsOf(tx, appid, 'erased-5');
          await beginErasingPart(tx, { appid, openid: 'erased-5', userHash, from: from! });
        });
        const talks = await own.database.all("select 1 from conversation where scope_key like 'erasing:%'");
        assert.equal(talks.length, 1);
        await runPrune(own.database);
        assert.deepEqual(await findInTables(own.database, ['erased-5', 'kxmark5']), []);
        assert.deepEqual(await snapshot('stays-5'), others);
        const [entry] = await own.database.all<{ detail: string }>(
          "select detail from audit where id = 'entry-shared'",
        );
        const { state, conversations, messages, dispatches } = JSON.parse(entry!.detail);
        assert.deepEqual([state, conversations, messages, dispatches], ['done', 0, 2, 1]);
      },
    );

    test(
      'what came with the words goes, and what was found in it for others; what is being fetched is not',
      LONG,
      async () => {
        const host = await startMediaHost();
        try {
          const { wecom } = await shared();
          const chatid = 'group-7';
          const send = (userid: string, url: string) =>
            wecom.ask({ userid, chatid }, '', { msgtype: 'file', text: undefined, file: { url } });
          const rules = '差旅制度\n\n出差住宿每晚的上限是 450 元，kxmark7f 以内。\n';
          await send('erased-7', host.put(wecom.encodingAesKey, rules));
          await wecom.ask({ userid: 'stays-7', chatid }, '出差住宿每晚的上限是多少？');
          const explained = "select body from explanation where body like '%kxmark7f%'";
          assert.ok((await own.database.all(explained)).length > 0, 'it was found in that file');
          const { promise: held, resolve: release } = Promise.withResolvers<void>();
          host.files.set('/held', async (_, response) => {
            await held;
            response.end(encryptMedia(wecom.encodingAesKey, 'kxmark7g'));
          });
          const link = { msgtype: 'file', text: undefined, file: { url: `${host.url}/held` } };
          await wecom.say({ userid: 'erased-7', chatid }, '', link);
          const { id } = (await wecom.say({ userid: 'stays-7', chatid }, question)).frame.stream;
          await erase('erased-7');
          release();
          await until('the other is answered', async () => {
            return (await wecom.poll({ userid: 'stays-7', chatid }, id)).frame.stream.finish;
          });
          await delivered();
          assert.deepEqual(await findInTables(own.database, ['erased-7', 'kxmark7f', 'kxmark7g']), []);
        } finally {
          await host.close();
        }
      },
    );

    test('what was said to a bot that is deleted can be erased', LONG, async () => {
      const { wecom, integrationId } = await own.makeBot();
      await wecom.ask({ userid: 'erased-6' }, `${question} kxmark6`);
      await own.bots.deleteIntegration({ integrationId });
      assert.equal((await erase('erased-6')).messages, 2);
      assert.deepEqual(await findInTables(own.database, ['erased-6', 'kxmark6']), []);
    });

    test(
      `in ${rounds} rounds of erasing amid a busy group nothing of one is left, nothing of others is lost`,
      LONG,
      async (t) => {
        const random = createRandom();
        t.diagnostic(`seed ${random.seed}`);
        const points: Point[] = ['message.composed', 'message.answered', 'dispatch.begun'];
        const { wecom } = await shared();
        let amid = 0;
        for (let round = 0; round < rounds; round++) {
          const chatid = `busy-${round}`;
          const talk = async (userid: string, words: string) => {
            const { id } = (await wecom.say({ userid, chatid }, words)).frame.stream;
            if (userid.startsWith('gone')) return;
            await until('it is fetched', async () => {
              const { stream } = (await wecom.poll({ userid, chatid }, id)).frame;
              return stream.finish && /168/.test(stream.content);
            });
          };
          const erasures: Promise<unknown>[] = [];
          const at = random.pick(points);
          let count = 1 + random.below(6);
          reached = (point) => {
            if (point === at && --count === 0) erasures.push(erase('gone-x'));
          };
          const talkers = ['gone-x', 'gone-x', 'a', 'b', 'c', 'd']
            .map((userid) => ({ userid, place: random.below(1000) }))
            .toSorted((a, b) => a.place - b.place);
          await Promise.all(
            talkers.map(({ userid }, n) =>
              talk(userid, `${question}${userid === 'gone-x' ? ' kxmark9' : ` ${userid} ${n}`}`),
            ),
          );
          reached = () => {};
          await Promise.all(erasures);
          amid += erasures.length;
          await erase('gone-x');
          assert.deepEqual(await findInTables(own.database, ['gone-x', 'kxmark9']), []);
          const left = await own.database.all<{ answers: number }>(
            `select (select count(*) from message a where a.answers = q.message_id) answers from message q
            join reply r on r.message_id = q.message_id where q.speaker = 'user' and r.chat_id = ?`,
            [chatid],
          );
          assert.deepEqual(
            left.map(({ answers }) => answers),
            [1, 1, 1, 1],
          );
        }
        await delivered();
        const orphans = await own.database.all(
          `select 'attempt' what from dispatch_attempt where dispatch_id not in (select dispatch_id from dispatch)
          union all select 'dispatch' from dispatch where message_id not in (select message_id from message)
          union all select 'explanation' from explanation where message_id not in (select message_id from message)
          union all select 'reply' from reply where message_id not in (select message_id from message)
          union all select d.reason from dispatch d where d.state = 'dead'`,
        );
        assert.deepEqual(orphans, []);
        assert.ok(amid > rounds / 3, `${amid} erasures amid talk`);
      },
    );
  });
}
