import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create as createMessage } from '@bufbuild/protobuf';
import { type CreateAssistantRequest, CreateAssistantRequestSchema } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { createAssistant } from '../../src/assistant/create-assistant.ts';
import { deleteAssistant } from '../../src/assistant/delete-assistant.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/db/database.ts';
import { eachDatabase } from '../support/databases.ts';
import { createMortal } from '../support/mortal-database.ts';
import { runPrune } from '../support/pruning.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

const kinds = ['message', 'dispatch', 'article_event'] as const;
const sizes = { message: 1200, dispatch: 1700, article_event: 700 };
const batchSize = 500;
const never = new AbortController().signal;

eachDatabase((dialect, open) => {
  describe(`deleting an assistant for whom much is pending, on ${dialect}`, () => {
    let opened: Promise<Database> | undefined;
    const start = () => {
      opened ??= open();
      return opened;
    };
    const contextOf = (database: Database) =>
      ({ database, bizcomm: undefined, wake: { learning() {} } }) as unknown as Context;
    const remove = (database: Database, appid: string) =>
      deleteAssistant(contextOf(database))({ appid } as never, { signal: never });
    const createFor = (database: Database, appid: string) => {
      const request: CreateAssistantRequest = createMessage(CreateAssistantRequestSchema, { appid, name: 'n' });
      return createAssistant(contextOf(database))(request, { signal: never });
    };
    const pending = async (database: Database, appid: string) => {
      const counts: number[] = [];
      for (const kind of kinds) {
        const rows = await database.all(`select 1 from ${kind} where appid = ? and state = 'pending'`, [appid]);
        counts.push(rows.length);
      }
      return counts;
    };
    const isDeleted = async (database: Database, appid: string) => {
      const rows = await database.all('select 1 from assistant where appid = ? and deleted_at is not null', [appid]);
      return rows.length === 1;
    };
    const insertPending = (database: Database, appid: string, count: typeof sizes, prefix: string) => {
      const ids = (length: number, letter: string) => Array.from({ length }, (_, at) => `${prefix}${letter}${at}`);
      const common = { appid, state: 'pending', created_at: 1 };
      return database.tx(async (tx) => {
        const [base] = await tx.all<{ id: string }>(
          'select knowledge_id id from knowledge where appid = ? and deleted_at is null',
          [appid],
        );
        const rows = {
          message: ids(count.message, 'm').map((id, at) => ({
            ...{ ...common, message_id: id, msgid: id, message_index: at, conversation_id: `${prefix}c`, openid: 'u' },
            ...{ channel: 'live', speaker: 'user', msg_type: 'text', content: 'q' },
          })),
          dispatch: ids(count.dispatch, 'd').map((id, at) => ({
            ...{ ...common, dispatch_id: id, dedupe_key: id, lane_id: `${prefix}l`, sequence: at, kind: 'k' },
            ...{ payload: 'p', expires_at: 9e15 },
          })),
          article_event: ids(count.article_event, 'e').map((id, at) => ({
            ...{ ...common, event_id: id, knowledge_id: base!.id, sequence: at, document_key: id, event_type: 4 },
            ...{ payload: '{}', payload_hash: '' },
          })),
        };
        for (const kind of kinds) {
          for (let at = 0; at < rows[kind].length; at += 100) await tx.insert(kind, rows[kind].slice(at, at + 100));
        }
      });
    };
    const openFull = async (database: Database, appid: string) => {
      await createFor(database, appid);
      await insertPending(database, appid, sizes, appid);
    };

    test('all of it has ended when the call is answered, and none of another account', async () => {
      const database = await start();
      await openFull(database, 'wx_full');
      await openFull(database, 'wx_beside');
      await remove(database, 'wx_full');
      assert.deepEqual(await pending(database, 'wx_full'), [0, 0, 0]);
      assert.deepEqual(await pending(database, 'wx_beside'), Object.values(sizes));
    });

    for (const [name, finish] of [
      ['its repetition', remove],
      ['the scheduled job', (database: Database) => runPrune(database)],
      ['the next creation, which begins with nothing pending,', createFor],
    ] as const) {
      test(`cut off anywhere, whole batches are cancelled, and ${name} ends the rest`, async (t) => {
        const database = await start();
        const random = createRandom();
        t.diagnostic(`TEST_SEED=${random.seed}`);
        const cuts: string[] = [];
        const rounds = name === 'the scheduled job' ? 1 : 3; // it takes its time
        for (let round = 0; round < rounds; round++) {
          const appid = `wx_cut_${finish.name}_${round}`;
          await openFull(database, appid);
          const mortal = createMortal(database);
          mortal.dieAfter(1 + random.below(30));
          const deleted = remove(mortal, appid).then(() => true);
          await Promise.race([deleted, until('it is over', () => mortal.isDead() && !mortal.isBusy())]);
          const before = Object.values(sizes);
          const after = await pending(database, appid);
          cuts.push(after.join('/'));
          if (!(await isDeleted(database, appid))) assert.deepEqual(after, before, 'nothing is cancelled before');
          for (const [at, left] of after.entries())
            assert.ok(left === 0 || (before[at]! - left) % batchSize === 0, `${left} of ${before[at]}`);
          if (!(await isDeleted(database, appid))) await remove(database, appid);
          await finish(database, appid);
          assert.deepEqual(await pending(database, appid), [0, 0, 0]);
          assert.equal(await isDeleted(database, appid), finish !== createFor);
        }
        t.diagnostic(`left pending by the cuts: ${cuts.join(', ')}`);
      });
    }

    test('a deletion that still cancels takes nothing of the account that was created again meanwhile', async () => {
      const database = await start();
      const appid = 'wx_again';
      await openFull(database, appid);
      const slow = createMortal(database);
      slow.pauseAfter(12);
      const deleted = remove(slow, appid);
      await until('it pauses', () => slow.isPaused());
      assert.ok(
        (await pending(database, appid)).some((count) => count > 0),
        'in the midst of it',
      );
      await createFor(database, appid);
      assert.deepEqual(await pending(database, appid), [0, 0, 0]);
      const few = { message: 3, dispatch: 3, article_event: 3 };
      await insertPending(database, appid, few, 'again');
      slow.resume();
      await deleted;
      assert.deepEqual(await pending(database, appid), Object.values(few));
    });
  });
});
