import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Account, type Accounts, startAccounts } from '../support/accounts.ts';
import { dialects } from '../support/databases.ts';
import { createModelAccount, type ModelEvent } from '../support/model-account.ts';
import { createRandom, type Random } from '../support/random.ts';
import { finds } from '../support/search.ts';
import { until } from '../support/until.ts';

const rounds = 4;
const steps = 60;

for (const { name: dialect } of dialects) {
  describe(`events by chance on ${dialect}`, () => {
    let accounts: Accounts;
    before(async () => {
      accounts = await startAccounts({ dialect, env: { LEARN_WORKERS: '4' } });
    });
    after(() => accounts.stop());

    const call = (path: string, body: unknown) => accounts.service.call(path, body);
    const send = async (item: ModelEvent[]) => {
      const { errcode, errmsg } = await call('/api/wxmp/article/event_notity', { item });
      assert.equal(errcode, 0, errmsg);
    };

    test('however changes and their events mix, late, repeated and over failures, what is visible is what is published', async (t) => {
      const random = createRandom();
      t.diagnostic(`TEST_SEED=${random.seed}`);
      // The accounts are worked on at once; each mixes in its own way.
      const seeds = Array.from({ length: rounds }, () => random.below(2 ** 31));
      await Promise.all(seeds.map((seed, at) => mix(`wx_model_${at}`, createRandom(seed))));
    });

    async function mix(appid: string, random: Random): Promise<void> {
      const account = await accounts.open(appid, []);
      const model = createModelAccount(account, random);
      for (let count = random.below(6); count > 0; count--) model.change();
      await call('/api/wxmp/assistant/create', { appid, name: '助手' });
      const sent: ModelEvent[] = [];
      for (let step = 0; step < steps; step++) {
        if (random.chance(0.6)) model.change();
        const event = random.chance(0.5) ? model.takeEvent() : undefined;
        if (event !== undefined) sent.push(event);
        const repeated = sent.length > 0 && random.chance(0.3) ? [random.pick(sent)] : [];
        const batch = event === undefined ? repeated : [event, ...repeated];
        if (batch.length > 0) await send(batch);
        if (random.chance(0.03)) await call('/api/wxmp/article/sync', { appid });
        if (random.chance(0.03)) failOnce(account, random);
      }
      for (let event = model.takeEvent(); event !== undefined; event = model.takeEvent()) {
        sent.push(event);
        await send([event]);
      }
      const told = () => account.wechat.state.notices.filter(({ eventId }) => eventId !== undefined);
      await until(`${appid}: every event is told`, () => told().length >= sent.length);
      for (const event of sent) await send([event]);
      await untilIdle(appid);
      assert.equal(told().length, sent.length, 'each event is told once');
      await compare(appid, model);
    }

    /** The next fetch fails: busy, or the connection breaks off. */
    function failOnce({ wechat }: Account, random: Random): void {
      const kind = random.pick(['http', 'errcode', 'cut'] as const);
      const more = { status: 503, errcode: -1, retryAfterSeconds: undefined, times: 1 };
      wechat.state.faults.push({ method: 'getbizpublishlist', kind, ...more });
    }

    async function untilIdle(appid: string): Promise<void> {
      await until(`${appid} has nothing left to do`, async () => {
        const { status } = await call('/api/wxmp/assistant/detail', { appid });
        return status === 2 || status === 4;
      });
    }

    async function compare(appid: string, model: ReturnType<typeof createModelAccount>): Promise<void> {
      for (const { word, isVisible } of model.words()) {
        assert.equal(await finds(accounts.service, appid, word), isVisible, `${appid}: ${word}`);
      }
      for (const { exists, ...item } of model.items()) {
        const { files } = await call('/api/wxmp/knowledge/file/detail', { appid, articles: [item] });
        const state = files[0]?.file_rag_status;
        assert.ok(
          exists ? state === 5 : state === undefined || state === 8,
          `${appid}: ${JSON.stringify([item, state])}`,
        );
      }
    }
  });
}
