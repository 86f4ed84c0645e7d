import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ulid } from 'ulid';
import type { Database } from '../../src/db/database.ts';
import { loadMaterial } from '../../src/message/attachment/load-material.ts';
import { eachDatabase } from '../support/databases.ts';

const MB = 1024 * 1024;
const conversationId = 'c';

/** An ended question at this number, with pictures of so many bytes, in pieces of a megabyte. */
async function insertQuestion(database: Database, messageIndex: number, pictures: readonly number[]): Promise<string> {
  const messageId = ulid();
  await database.insert('message', [
    {
      ...{ message_id: messageId, conversation_id: conversationId, appid: 'a', channel: 'wecom:i', openid: 'u' },
      ...{
        message_index: messageIndex,
        speaker: 'user',
        msg_type: 'mixed',
        content: '',
        state: 'answered',
        created_at: 1,
      },
    },
  ]);
  for (const [position, bytes] of pictures.entries()) {
    const id = `${messageId}-${position}`;
    await database.insert('attachment', [
      {
        ...{
          attachment_id: id,
          message_id: messageId,
          conversation_id: conversationId,
          appid: 'a',
          integration_id: 'i',
        },
        ...{ position, origin: 'own', kind: 'image', state: 'ready', name: '', media_type: 'image/png' },
        ...{ tries: 0, created_at: 1 },
      },
    ]);
    for (let from = 0, piece = 0; from < bytes; from += MB, piece++) {
      const row = {
        attachment_id: id,
        message_id: messageId,
        piece,
        bytes: Buffer.alloc(Math.min(MB, bytes - from), piece),
      };
      await database.insert('attachment_piece', [row]);
    }
  }
  return messageId;
}

eachDatabase((dialect, open) => {
  describe(`what a question is asked about, on ${dialect}`, () => {
    test('no more bytes of pictures are read than the expert looks at; who is blind has none read', async () => {
      const database = await open();
      await insertQuestion(database, 1, [MB]);
      const sizes = [MB + 5, 3 * MB, 7, 2 * MB];
      const messageId = await insertQuestion(database, 3, sizes);
      const message = { quoted: '', messageId, conversationId, messageIndex: 3 };
      let readBytes = 0;
      const counted: Database = {
        ...database,
        async all<T>(sql: string, bindings?: Parameters<Database['all']>[1]): Promise<T[]> {
          const rows = await database.all<T>(sql, bindings);
          for (const row of rows) {
            for (const value of Object.values(row as object)) if (Buffer.isBuffer(value)) readBytes += value.length;
          }
          return rows;
        },
      };
      const load = async (pictureBytes: number) => {
        readBytes = 0;
        const { given, came } = await loadMaterial({ database: counted }, message, pictureBytes);
        const lengths = given.map((each) => (each.kind === 'image' ? each.bytes.length : 0));
        assert.equal(
          readBytes,
          lengths.reduce((sum, each) => sum + each, 0),
          'only what is given is read',
        );
        return [lengths, came.map((each) => each.given !== undefined)];
      };
      assert.deepEqual(await load(20 * MB), [
        [...sizes, MB],
        [true, true, true, true],
      ]);
      assert.deepEqual(await load(2 * MB + 12), [
        [MB + 5, 7, MB],
        [true, false, true, false],
      ]);
      assert.deepEqual(await load(0), [[], [false, false, false, false]]);
    });
  });
});
