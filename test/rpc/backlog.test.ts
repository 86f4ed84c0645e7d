import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import { insertEvent } from '../../src/article/event-store.ts';
import type { Database } from '../../src/db/database.ts';
import { insertMessage, takeNextIndex } from '../../src/message/store.ts';
import { loadBacklog } from '../../src/rpc/backlog-metrics.ts';
import { eachDatabase } from '../support/databases.ts';
import { enqueueAll } from '../support/dispatching.ts';

eachDatabase((dialect, open) => {
  describe(`the backlog on ${dialect}`, () => {
    test('counts what is pending, due, or begun without an end, and tells for how long', async () => {
      const database = await open();
      const counts = async () =>
        Object.fromEntries((await loadBacklog(database)).map(({ what, waiting }) => [what, waiting]));
      const pending = { dispatch_pending: 0, message_pending: 0, event_pending: 0 };
      const nothing = { ...pending, dispatch_dead: 0, dispatch_unended: 0, lane_due: 0, conversation_due: 0 };
      assert.deepEqual(await counts(), nothing);
      for (const msgid of ['a', 'b', 'c']) await accept(database, msgid);
      await accept(database, 'd', 'other');
      await database.run(
        "update conversation set lease_token = 'held', due_at = due_at + 60000 where scope_key = 'other'",
      );
      await enqueueAll(database, 'lane', ['one', 'two']);
      await acceptEvent(database);
      const waiting = { dispatch_pending: 2, message_pending: 4, event_pending: 1, lane_due: 1, conversation_due: 1 };
      assert.deepEqual(await counts(), { ...nothing, ...waiting });
      await database.run('update dispatch set started = 1 where sequence = 1');
      assert.deepEqual(await counts(), { ...nothing, ...waiting, dispatch_unended: 1 });
      await database.run("update message set state = 'answered' where msgid <> 'd'");
      await database.run('update message set created_at = created_at - 60000');
      assert.equal((await counts()).message_pending, 1);
      const oldest = (await loadBacklog(database)).find(({ what }) => what === 'message_pending')!.oldest_ms!;
      assert.ok(oldest >= 60_000, String(oldest));
    });
  });
});

async function accept(database: Database, msgid: string, scopeKey = 'user'): Promise<void> {
  const text = { msgType: 'text', content: 'c', mediaId: null, mediaFormat: null, payloadHash: 'h' };
  await database.tx(async (tx) => {
    const at = await takeNextIndex(tx, { appid: 'wx', scopeKey });
    await insertMessage(tx, at, { appid: 'wx', channel: 'live', msgid, openid: 'o', ...text });
  });
}

async function acceptEvent(database: Database): Promise<void> {
  const base = { knowledgeId: 'k', appid: 'wx', baseNo: 1, type: 1, deleted: false };
  await database.insert('learning', [{ knowledge_id: 'k', appid: 'wx', phase: 'idle' }]);
  const payload = {
    eventType: EventType.ARTICLE_ADDED,
    articleId: 'a',
    msgidx: 1,
    fileId: '',
    knowledgeId: '',
    fileName: '',
    fileType: '',
  };
  await database.tx((tx) => insertEvent(tx, { eventId: 'e', base, payload, payloadHash: '' }));
}
