import type { Database } from '../../src/db/database.ts';
import { addPassages, createIndexBase } from '../../src/retrieval/index-passages.ts';

/** A document as the tests write it: its passages, or only their texts. */
export interface TestDocument {
  id: string;
  title?: string;
  passages: (string | { heading: string; text: string })[];
  state?: number;
  hidden?: number;
}

/** Makes a base, or adds to it, in one transaction, as the holder of its lease does. */
export async function fillBase(database: Database, baseNo: number, documents: readonly TestDocument[]): Promise<void> {
  await database.tx(async (tx) => {
    await createIndexBase(tx, baseNo);
    for (const { id, title = '', passages, state = 5, hidden = 0 } of documents) {
      const row = { document_id: id, knowledge_id: `kb_${baseNo}`, appid: 'wx1', source_key: `article:${id}:1`, title };
      const rest = { url: `https://example.com/${id}`, file_type: 'HTML', state, hidden, created_at: 0, updated_at: 0 };
      await tx.insert('document', [{ ...row, ...rest }]);
      const whole = passages.map((passage) => (typeof passage === 'string' ? { heading: '', text: passage } : passage));
      await addPassages(tx, baseNo, { documentId: id, revision: 0, title }, whole);
    }
  });
}
