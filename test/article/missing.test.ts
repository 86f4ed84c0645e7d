import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ulid } from 'ulid';
import { enqueueMissing } from '../../src/article/sync-articles.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { findArticleBase } from '../../src/knowledge/store.ts';
import { series } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { type Service, startService } from '../support/service.ts';

const appid = 'wx_missing';
const articles = 7;
const limit = 3;

for (const { name: dialect } of dialects) {
  describe(`articles that no list holds, on ${dialect}`, () => {
    let service: Service;
    let database: Database;
    before(async () => {
      service = await startService({ dialect, articles: series('miss', articles) });
      await service.createLearned(appid);
      await service.stopApp();
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    });
    after(async () => {
      await database?.close();
      await service?.stop();
    });

    /** Ends a comparison whose list held nothing, and returns the articles for which events wait then. */
    const compare = async () => {
      const base = await findArticleBase(database, appid);
      const syncId = ulid();
      await database.tx((tx) => enqueueMissing(tx, base!, syncId, limit));
      const rows = await database.all<{ document_key: string }>(
        "select document_key from article_event where appid = ? and state = 'pending' order by sequence",
        [appid],
      );
      return rows.map(({ document_key }) => document_key);
    };
    const end = (state: string) =>
      database.run("update article_event set state = ? where appid = ? and state = 'pending'", [state, appid]);

    for (const [what, settle] of [
      ['fail for good', () => end('dead')],
      ['are found, though never in the list', () => end('done')],
      ['are never handled', async () => undefined],
    ] as const) {
      test(`are all looked up in turn, though the first ones ${what}`, async () => {
        await end('done');
        const seen = new Set<string>();
        for (let round = 0; round < Math.ceil(articles / limit) + 1; round++) {
          const keys = await compare();
          assert.equal(new Set(keys).size, keys.length, 'no article is waited for twice');
          for (const key of keys) seen.add(key);
          await settle();
        }
        assert.equal(seen.size, articles, [...seen].join());
      });
    }
  });
}
