import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { article, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

for (const { name: dialect } of dialects) {
  test(`an index that a replica of the release before leaves behind is built anew, of files too, on ${dialect}`, async () => {
    const appid = 'wx_outdated';
    const env = { SYNC_CRON: '* * * * * *', BIZCOMM_TIMEOUT_MS: '8000', LEASE_SECONDS: '20' };
    const service = await startService({ dialect, articles: [article('a1', '本馆的成人票是 168 元。')], env });
    const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
    try {
      await service.createLearned(appid);
      await service.call('/api/wxmp/knowledge/create', { appid, name: '手册' });
      // The start has asked for all that it found, and whoever took a base that was due knew nothing of rebuilding.
      assert.equal(await database.run('update index_base set tokenizer_version = 0'), 2);
      await until('both are current', async () => {
        return (await database.all('select 1 from index_base where tokenizer_version = 0')).length === 0;
      });
      assert.match((await service.ask(appid, 'user', 'm1', '成人票多少钱？')).text, /168/);
    } finally {
      await database.close();
      await service.stop();
    }
  });
}
