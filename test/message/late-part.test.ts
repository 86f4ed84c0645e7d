import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { insertAssistant } from '../../src/assistant/store.ts';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { createAlone } from '../../src/db/alone.ts';
import type { Database } from '../../src/db/database.ts';
import type { Tx } from '../../src/db/tx.ts';
import type { Expert } from '../../src/expert/expert.ts';
import { createLogger } from '../../src/logger.ts';
import { insertAttachments } from '../../src/message/attachment/store.ts';
import { createFixedTexts } from '../../src/message/fixed-texts.ts';
import { addPart } from '../../src/message/gather.ts';
import { insertMessage, type NewMessage, takeNextIndex } from '../../src/message/store.ts';
import { startAnswering } from '../../src/message/work-conversation.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createSealer } from '../../src/sealer.ts';
import { eachDatabase } from '../support/databases.ts';
import { testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_late';
const scope = { appid, scopeKey: 's' };
const message = (content: string): NewMessage => ({
  ...{ appid, channel: 'wecom:i', msgid: content, openid: 'u', msgType: 'text', content },
  ...{ mediaId: null, mediaFormat: null, payloadHash: 'h' },
});

/** Answers each question by its own words. */
function createEcho(asked: string[]): Expert {
  return {
    name: 'echo',
    async *answer({ text }) {
      asked.push(text);
      const trace = { expert: 'echo', searched: text, support: 1, threshold: 0, passages: [] };
      yield { type: 'final', answer: { text, citations: [], refused: false, trace } };
    },
  };
}

/** Calls `hook` once, after a worker has read that a message waits for nothing that came with it. */
function hookReading(database: Database, hook: () => Promise<void>): Database {
  let isHooked = false;
  return {
    ...database,
    async all(sql, bindings) {
      const rows = await database.all(sql, bindings);
      if (!isHooked && /from attachment where message_id = \? and state = 'pending'/.test(sql)) {
        isHooked = true;
        await hook();
      }
      return rows as never;
    },
  };
}

/** What the worker has of a part that joins in the last moment of a window, and with what that part comes. */
const cases = [
  { title: 'extends the window', windowMs: 600_000, files: 0 },
  { title: 'ends the window, and comes with a file', windowMs: 0, files: 1 },
];

eachDatabase((dialect, open) => {
  describe(`a part that is committed while its question's turn begins, on ${dialect}`, () => {
    for (const { title, windowMs, files } of cases) {
      test(`is waited for, and counts no try, where it ${title}`, { timeout: 120_000 }, async () => {
        const database = await open();
        const config = toConfig(testEnv('sqlite:none', undefined));
        const sealer = createSealer([Buffer.alloc(32, 1)]);
        const joinLate = async (tx: Tx) => {
          // The part's transaction began before the window was over, and is committed after.
          await tx.run(`update message set gathers_until = ${tx.dialect.now} + 60000`);
          const at = await takeNextIndex(tx, scope);
          const joined = await addPart(tx, at, message('乙'), { windowMs, maxWaitMs: 600_000 });
          const place = { messageId: joined!, conversationId: at.conversationId, appid, integrationId: 'i' };
          const file = { origin: 'own', kind: 'file', link: { url: 'https://files.invalid/' } } as const;
          await insertAttachments(tx, sealer, place, Array(files).fill(file));
        };
        let isLate = false;
        const hooked = hookReading(database, async () => {
          await database.tx(joinLate);
          isLate = true;
        });
        const asked: string[] = [];
        const expert = createEcho(asked);
        const context = {
          ...{ config, sealer, database: hooked, logger: createLogger('silent'), metrics: createMetrics() },
          ...{ texts: createFixedTexts(config), chooseExpert: () => expert, alone: createAlone(), reached() {} },
          replyChannel: () => ({
            enqueueReply: async () => {},
            textOf: async (_: unknown, __: unknown, name: string) => name,
          }),
        } as unknown as Context;
        await database.tx(async (tx) => {
          await insertAssistant(tx, appid);
          const at = await takeNextIndex(tx, scope);
          await insertMessage(tx, at, { ...message('甲'), gathersMs: 0 });
        });
        const conversation = async () => {
          const find = `select started, lease_token lease, due_at - ${database.dialect.now} wait_ms from conversation`;
          return (await database.all<{ started: number; lease: string | null; wait_ms: number | null }>(find))[0]!;
        };
        const loop = startAnswering(context);
        try {
          loop.wake();
          await until('it is released', async () => isLate && (await conversation()).lease === null);
          const { started, wait_ms: waitMs } = await conversation();
          assert.deepEqual([asked, started], [[], 0]);
          assert.ok(waitMs! > 60_000, `due in ${waitMs} ms`);
          await database.tx(async (tx) => {
            await tx.run("update attachment set state = 'failed'");
            await tx.run(`update message set gathers_until = ${tx.dialect.now} where state = 'pending'`);
            await tx.run(`update conversation set due_at = ${tx.dialect.now}`);
          });
          loop.wake();
          await until('it is answered', async () => asked.length > 0 && (await conversation()).lease === null);
          assert.deepEqual([asked, (await conversation()).started], [['甲\n乙'], 1]);
        } finally {
          await loop.stop(5000);
        }
      });
    }
  });
});
