import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';
import type { StoredExplanation } from './explanation.ts';

const batchSize = 100;

/**
 * A question that hangs on the one before is searched for together with that one. So what was searched is forgotten
 * where it is more than the question, in all of a conversation of which a part is erased. By message_by_index.
 */
export async function forgetSearched(database: Database, conversationId: string, signal: AbortSignal): Promise<void> {
  let after = -1;
  await inBatches(signal, async () => {
    const rows = await listExplained(database, conversationId, after);
    for (const { message_id, content, body } of rows) {
      const explanation = JSON.parse(body) as StoredExplanation;
      if (explanation.trace === undefined || explanation.trace.searched === content) continue;
      const own = { ...explanation, trace: { ...explanation.trace, searched: content } };
      await database.run('update explanation set body = ? where message_id = ?', [JSON.stringify(own), message_id]);
    }
    after = rows.at(-1)?.message_index ?? after;
    return rows.length === batchSize;
  });
}

function listExplained(session: Session, conversationId: string, after: number) {
  return session.all<{ message_id: string; message_index: number; content: string; body: string }>(
    `select m.message_id, m.message_index, m.content, e.body
      from message m join explanation e on e.message_id = m.message_id
      where m.conversation_id = ? and m.message_index > ? order by m.message_index limit ${batchSize}`,
    [conversationId, after],
  );
}
