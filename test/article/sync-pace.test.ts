import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginSync } from '../../src/article/learning-store.ts';
import { syncAllArticles } from '../../src/article/sync-articles.ts';
import type { Context } from '../../src/context.ts';
import { createLogger } from '../../src/logger.ts';
import { eachDatabase } from '../support/databases.ts';

eachDatabase((dialect, open) => {
  describe(`the scheduled comparison of many accounts on ${dialect}`, () => {
    test('is dealt out: each hundred is due ten seconds after the hundred before, and one that is asked for at once', async () => {
      const database = await open();
      const ids = Array.from({ length: 250 }, (_, index) => `base-${String(index).padStart(3, '0')}`);
      await database.insert(
        'knowledge',
        ids.map((knowledge_id, base_no) => {
          const row = { knowledge_id, appid: knowledge_id, base_no, type: 1, name: '', created_at: 0, updated_at: 0 };
          return row;
        }),
      );
      await database.insert(
        'learning',
        ids.map((knowledge_id) => ({ knowledge_id, appid: knowledge_id, phase: 'idle' })),
      );
      const config = { LEARN_TIMEOUT_MINUTES: 60 };
      const context = { database, config, bizcomm: {}, logger: createLogger('silent'), wake: { learning() {} } };
      await syncAllArticles(context as unknown as Context, new AbortController().signal);

      const { now } = database.dialect;
      const waits = async () => {
        const rows = await database.all<{ due_ms: number; retry_ms: number }>(
          `select due_at - ${now} due_ms, retry_at - ${now} retry_ms from learning where phase = 'sync'
            order by knowledge_id`,
        );
        return rows.map(({ due_ms, retry_ms }) => {
          assert.equal(due_ms, retry_ms);
          return due_ms;
        });
      };
      const dealt = await waits();
      assert.equal(dealt.length, ids.length);
      assert.ok(Math.max(...dealt.slice(0, 100)) <= 0);
      assert.ok(Math.min(...dealt.slice(100, 200)) > Math.max(...dealt.slice(0, 100)) + 5000);
      assert.ok(Math.min(...dealt.slice(200)) > Math.max(...dealt.slice(100, 200)) + 5000);

      assert.equal(await beginSync(database, ids[249]!), true);
      assert.ok((await waits())[249]! <= 0);
      assert.equal(await beginSync(database, ids[249]!, 60_000), true);
      assert.ok((await waits())[249]! <= 0, 'the next slot puts nothing off');
    });
  });
});
