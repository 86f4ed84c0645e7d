import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { insertAssistant } from '../../src/assistant/store.ts';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/db/database.ts';
import { claimDue } from '../../src/db/lease.ts';
import { ensureDocument } from '../../src/knowledge/document.ts';
import { learnFile, settleFile } from '../../src/knowledge/learn-file.ts';
import { openFileBase } from '../../src/knowledge/open-base.ts';
import { findBase } from '../../src/knowledge/store.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createParser } from '../../src/parsing/parser.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import { eachDatabase } from '../support/databases.ts';
import { testEnv } from '../support/service.ts';

const never = new AbortController().signal;
const sections = Array.from(
  { length: 120 },
  (_, at) => `# 第${at}柜\n\n${`第${at}号柜里是编号${7000 + at}的船钟。`.repeat(9)}\n`,
);

eachDatabase((dialectName, open) => {
  describe(`learning a file on ${dialectName}`, () => {
    test('a commit that took effect unseen, and is made again, adds no passage twice', async () => {
      const database = await open();
      const config = toConfig({ ...testEnv('sqlite:none', undefined), FILE_PARSE_TIMEOUT_SECONDS: '60' });
      // Each transaction takes effect and is run again, as after a commit whose answer was lost.
      const doubled: Database = {
        ...database,
        tx: async (work) => {
          await database.tx(work);
          return database.tx(work);
        },
      };
      const parser = createParser({ workers: 1, timeoutMs: 60_000, memoryMb: 256, maxChars: 1e6, maxPages: 100 });
      const context = {
        database: doubled,
        config,
        parser,
        metrics: createMetrics(),
        reached() {},
      } as unknown as Context;
      const knowledgeId = await database.tx(async (tx) => {
        await insertAssistant(tx, 'wx_twice');
        return openFileBase(tx, 'wx_twice', '文件');
      });
      const base = (await findBase(database, knowledgeId))!;
      await database.run(`update learning set due_at = 0 where knowledge_id = ?`, [knowledgeId]);
      const leased = { table: 'learning', key: 'knowledge_id' } as const;
      const [lease] = await claimDue(database, leased, { limit: 1, leaseMs: 60_000 });
      const origin = { kind: 'file', fileId: 'f', fileType: 'TXT' } as const;
      const document = await database.tx((tx) => ensureDocument(tx, base, origin, 'f.txt'));
      const bytes = new TextEncoder().encode(sections.join('\n'));
      const outcome = await learnFile(context, lease!, { base, document, name: 'f.txt' }, bytes, never);
      assert.equal(await doubled.tx((tx) => settleFile(tx, document, 'f.txt', outcome)), 5);
      const rows = await database.all<{ text: string }>(
        'select p.text from passage p join document d on d.document_id = p.document_id and d.revision = p.revision',
      );
      assert.ok(rows.length > 100, 'in several parts');
      assert.equal(new Set(rows.map(({ text }) => text)).size, rows.length);
      const [shown] = await database.all<{ passages: number }>('select passages from document');
      assert.equal(shown!.passages, rows.length);
      const found = await searchPassages(database, { baseNos: [base.baseNo], query: '第77号柜', limit: 3 });
      assert.match(found.passages[0]!.text, /7077/);
    });
  });
});
