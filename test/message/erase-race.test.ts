import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Point } from '../../src/context.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { createRandom } from '../support/random.ts';
import { findInTables } from '../support/search-tables.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_race';
const rounds = Number(process.env.ERASE_ROUNDS ?? 100);
/** Users at a time. */
const together = 10;
const points: Point[] = ['message.accepted', 'message.composed', 'message.answered', 'dispatch.sent'];

for (const { name: dialect } of dialects) {
  describe(`erasing a user who is talking, on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    let reached: (point: Point) => void = () => {};
    before(async () => {
      service = await startService({
        ...{ dialect, articles: [article('a1', '本馆的成人票是 168 元。')], reached: (point) => reached(point) },
        env: { BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' },
      });
      database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
      await service.createLearned(appid);
    });
    after(async () => {
      await database.close();
      await service.stop();
    });

    const erase = async (openid: string) => {
      const body = { appid, openid, actor: 'test', reason: 'race' };
      const { errcode, errmsg } = await service.call('/api/wxmp/message/erase_user', body);
      assert.equal(errcode, 0, errmsg);
    };
    const notify = async (openid: string, msgid: string) => {
      const text = { content: `成人票多少钱？kx7q2-${openid}` };
      const { errcode, errmsg } = await service.call('/api/wxmp/message/notify', {
        ...{ appid, openid, msgid, msg_type: 'text', text },
      });
      assert.equal(errcode, 0, errmsg);
    };
    const pending = async () =>
      (
        await database.all(
          "select 1 from message where state = 'pending' union all select 1 from dispatch where state = 'pending'",
        )
      ).length;

    test(`in ${rounds} rounds of erasing amid accepting, answering and delivering nothing is left half`, async (t) => {
      const random = createRandom();
      t.diagnostic(`seed ${random.seed}`);
      let erased = 0;
      let kept = 0;
      for (let round = 0; round < rounds; round += together) {
        const openids = Array.from({ length: together }, (_, at) => `openid-${round + at}`);
        const plans = openids.map((openid) => ({
          openid,
          messages: 1 + random.below(4),
          at: random.pick(points),
          count: 1 + random.below(together * 2),
          again: random.chance(0.3),
        }));
        const erasures: Promise<void>[] = [];
        const seen = new Map<Point, number>();
        reached = (point) => {
          seen.set(point, (seen.get(point) ?? 0) + 1);
          for (const { openid, at, count, again } of plans) {
            if (at !== point || count !== seen.get(point)) continue;
            erasures.push(erase(openid));
            if (again) erasures.push(erase(openid)); // two at once
          }
        };
        await Promise.all(
          plans.map(async ({ openid, messages }) => {
            for (let n = 0; n < messages; n++) await notify(openid, `${openid}-${n}`);
          }),
        );
        await until('nothing is pending', async () => (await pending()) === 0);
        reached = () => {};
        await Promise.all(erasures);
        erased += erasures.length;
        // What was not erased is whole: each question with its answer, explanation and delivered reply.
        const questions = await database.all<{ message_id: string; msgid: string; state: string; answers: number }>(
          `select message_id, msgid, state, (select count(*) from message a where a.answers = q.message_id) answers,
              (select count(*) from explanation e where e.message_id = q.message_id) explanations,
              (select count(*) from dispatch d where d.message_id = q.message_id and d.state = 'delivered') delivered
            from message q where speaker = 'user'`,
        );
        const arrived = new Set(service.wechat.state.replies.map(({ msgid }) => msgid));
        for (const { message_id, msgid, ...rest } of questions) {
          assert.deepEqual({ ...rest }, { state: 'answered', answers: 1, explanations: 1, delivered: 1 }, msgid);
          assert.ok(arrived.has(msgid), msgid);
        }
        kept += questions.length;
        // And nothing is left of what was: no row that belongs to none.
        const orphans = {
          answers:
            "select 1 from message where speaker = 'assistant' and answers not in (select message_id from message)",
          explanations: 'select 1 from explanation where message_id not in (select message_id from message)',
          // A notice has no message; and over no messages at all, null counts as not in them.
          dispatches:
            'select 1 from dispatch where message_id is not null and message_id not in (select message_id from message)',
          attempts: 'select 1 from dispatch_attempt where dispatch_id not in (select dispatch_id from dispatch)',
          conversations:
            'select 1 from conversation where conversation_id not in (select conversation_id from message)',
          lanes: 'select 1 from lane where lane_id not in (select lane_id from dispatch)',
        };
        for (const [what, sql] of Object.entries(orphans)) assert.deepEqual(await database.all(sql), [], what);
        for (const openid of openids) await erase(openid);
        assert.deepEqual(await findInTables(database, ['openid-', 'kx7q2']), []);
      }
      t.diagnostic(`${erased} erasures amid messages; ${kept} messages came after them and were answered`);
      assert.ok(erased > rounds / 4 && kept > rounds / 4, 'both kinds happened');
    });
  });
}
