import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type DialledService, startDialledService } from '../support/dialled-service.ts';
import { until } from '../support/until.ts';
import type { From } from '../support/wecom-chats.ts';

const LONG = { timeout: 120_000 };
const outageMs = 20 * 60_000;

for (const { name: dialect } of dialects) {
  describe(`WeCom is away for twenty minutes, on ${dialect}`, () => {
    let dialled: DialledService;
    before(async () => {
      dialled = await startDialledService('wx_outage', { dialect, env: { LEASE_SECONDS: '8' } });
    }, LONG);
    after(() => dialled?.stop(), LONG);

    /** By the database's clock, which is the one that counts, all that was accepted is so much older. */
    const passTime = async () => {
      const { database } = dialled;
      for (const [table, columns] of [
        ['reply', ['closes_at', 'created_at', 'polled_at']],
        ['dispatch', ['expires_at']],
        ['bot_connection', ['connected_at', 'disconnected_at']],
      ] as const) {
        const changes = columns.map((column) => `${column} = ${column} - ${outageMs}`).join(', ');
        await database.run(`update ${table} set ${changes}`);
      }
    };
    const countPending = async () => {
      const rows = await dialled.database.all("select 1 from dispatch where state = 'pending'");
      return rows.length;
    };

    test('what was accepted before is answered after it, once', LONG, async () => {
      const { chats, side, database, urls } = dialled;
      const bot = await dialled.dial();
      const texts = (from: From, kind: string) =>
        chats.chat(from).flatMap((each) => (each.kind === kind ? [each.texts.at(-1)!] : []));
      const [answered, asked, withUrl] = ['answered', 'asked', 'withUrl'].map((userid) => ({ userid })) as [
        From,
        From,
        From,
      ];
      let refused = 0;
      chats.fault = ({ body }) => (body.stream?.finish && ++refused ? 'silence' : undefined);
      chats.say(bot.botId, answered, '成人票多少钱？');
      await until('an answer is under way', () => refused > 0);
      const { asked: isAsked, release } = dialled.hold();
      chats.say(bot.botId, asked, '成人票是多少钱？');
      const url = urls.make();
      chats.say(bot.botId, withUrl, '成人票要多少钱？', { response_url: url });
      await isAsked;
      await until('they think', () => chats.chat(asked).length > 0 && chats.chat(withUrl).length > 0);
      await side.goAway();
      release();
      await until('all three are answered', async () => (await countPending()) === 3);
      await passTime();
      await until('one has gone by its response_url', () => urls.taken.some((each) => each.url === url));
      chats.fault = () => undefined;
      chats.streamMs = 0; // WeCom has closed the bubbles
      await side.comeBack();
      for (const from of [answered, asked]) {
        await until(`${from.userid} has an answer`, () => texts(from, 'markdown').length > 0);
      }
      await until('nothing waits', async () => (await countPending()) === 0);
      const states = await database.all<{ state: string; n: number }>(
        "select state, count(*) n from dispatch where kind like 'wecom.%' group by state",
      );
      assert.deepEqual(
        states.map(({ state, n }) => [state, Number(n)]),
        [['delivered', 3]],
      );
      for (const from of [answered, asked]) {
        assert.equal(texts(from, 'markdown').length, 1);
        assert.match(texts(from, 'markdown')[0]!, /168/);
        assert.doesNotMatch(texts(from, 'bubble').join(), /168/);
      }
      assert.deepEqual(texts(withUrl, 'markdown'), []);
      assert.equal(urls.taken.length, 1);
      assert.match(urls.taken[0]!.body.markdown.content, /168/);
      assert.deepEqual([...chats.faults, ...side.faults, ...urls.refused], []);
      const after = { userid: randomUUID() };
      chats.streamMs = 600_000;
      chats.say(bot.botId, after, '成人票多少钱呢？');
      assert.equal((await chats.finished(after, 1)).length, 1);
    });
  });
}
