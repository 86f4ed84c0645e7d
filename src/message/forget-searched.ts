import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';
import { attachmentDocumentId } from '../expert/expert.ts';
import type { StoredExplanation } from './explanation.ts';

const batchSize = 100;

/**
 * A question that hangs on the one before is searched for together with that one, and is answered from the files that came
 * before it, too. So in a conversation of which a part is erased it is forgotten what was searched, where that is more
 * than the question, and what was found in the files of that part. By message_by_index.
 */
export async function forgetSearched(
  database: Database,
  { id, partOf }: { id: string; partOf: string },
  signal: AbortSignal,
): Promise<void> {
  const files = await listFiles(database, id);
  let after = -1;
  await inBatches(signal, async () => {
    const rows = await listExplained(database, partOf, after);
    for (const { message_id, content, body } of rows) {
      const own = JSON.stringify(withoutFiles(JSON.parse(body) as StoredExplanation, content, files));
      if (own === body) continue;
      await database.run('update explanation set body = ? where message_id = ?', [own, message_id]);
    }
    after = rows.at(-1)?.message_index ?? after;
    return rows.length === batchSize;
  });
}

function withoutFiles(
  { citations, trace, ...rest }: StoredExplanation,
  searched: string,
  files: ReadonlySet<string>,
): StoredExplanation {
  const passages = trace?.passages.filter(({ source }) => !files.has(source.documentId)) ?? [];
  return {
    citations: citations.filter(({ documentId }) => !files.has(documentId)),
    trace: trace && { ...trace, searched, passages },
    ...rest,
  };
}

/** The files that came with the messages of a part, as experts are told of them. By attachment_by_conversation. */
async function listFiles(session: Session, id: string): Promise<Set<string>> {
  const rows = await session.all<{ attachment_id: string }>(
    'select attachment_id from attachment where conversation_id = ?',
    [id],
  );
  return new Set(rows.map((row) => attachmentDocumentId(row.attachment_id)));
}

function listExplained(session: Session, conversationId: string, after: number) {
  return session.all<{ message_id: string; message_index: number; content: string; body: string }>(
    `select m.message_id, m.message_index, m.content, e.body
      from message m join explanation e on e.message_id = m.message_id
      where m.conversation_id = ? and m.message_index > ? order by m.message_index limit ${batchSize}`,
    [conversationId, after],
  );
}
