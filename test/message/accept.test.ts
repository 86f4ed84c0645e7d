import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimDue, releaseLease } from '../../src/db/lease.ts';
import { takeNextIndex } from '../../src/message/store.ts';
import { eachDatabase } from '../support/databases.ts';

eachDatabase((dialect, open) => {
  describe(`a conversation that is spoken in, on ${dialect}`, () => {
    test('becomes due at once, unless somebody holds it or it waits for another try', async () => {
      const database = await open();
      const { now } = database.dialect;
      const accept = () => database.tx((tx) => takeNextIndex(tx, { appid: 'wx', scopeKey: 'user' }));
      const dueInMs = async () =>
        (await database.all<{ ms: number }>(`select due_at - ${now} ms from conversation`))[0]!.ms;
      const claim = async () => {
        const leased = { table: 'conversation', key: 'conversation_id' } as const;
        const [lease] = await claimDue(database, leased, { limit: 1, leaseMs: 60_000 });
        return lease!;
      };

      const first = await accept();
      assert.ok((await dueInMs()) <= 0);
      const held = await claim();
      await accept();
      assert.ok((await dueInMs()) > 50_000, 'the lease of its holder lasts');
      await releaseLease(database, held, 30_000);
      await accept();
      const waitMs = await dueInMs();
      assert.ok(waitMs > 20_000 && waitMs <= 30_000, 'the wait after a failure lasts');
      await database.run(`update conversation set due_at = ${now}`);
      await releaseLease(database, await claim(), undefined);
      const last = await accept();
      assert.ok((await dueInMs()) <= 0);
      assert.deepEqual([first.messageIndex, last.messageIndex], [1, 4]);
      assert.equal(first.conversationId, last.conversationId);
    });

    test('hands out its numbers without a gap to messages that are accepted at once', async () => {
      const database = await open();
      const accepted = await Promise.all(
        Array.from({ length: 30 }, () => database.tx((tx) => takeNextIndex(tx, { appid: 'wx', scopeKey: 'crowd' }))),
      );
      const numbers = accepted.map(({ messageIndex }) => messageIndex).sort((a, b) => a - b);
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
      );
      assert.equal(new Set(accepted.map(({ conversationId }) => conversationId)).size, 1);
    });
  });
});
