/** Copies of a base within its database: that is how a database with many large bases is made in little time. */
import type { Database } from '../../src/db/database.ts';
import { sqlite } from '../../src/db/dialect.ts';

/** Copies the passages, documents and index of a base, each statement by itself, to bases of the following numbers. */
export async function copyBase(database: Database, from: number, copies: number): Promise<void> {
  const id = (at: number) =>
    database.dialect.name === sqlite.name ? `'c${at}_' || document_id` : `concat('c${at}_', document_id)`;
  for (let at = 1; at <= copies; at++) {
    const copy = (table: string, columns: string, values: string, where: string) =>
      database.run(`insert into ${table} (${columns}) select ${values} from ${table} where ${where}`);
    const isFrom = `base_no = ${from}`;
    const block = 'generation, term, block, data';
    await copy('index_block', `base_no, ${block}`, `${from + at}, ${block}`, isFrom);
    const counts = 'generation, tokenizer_version, passages, tokens, next_ordinal';
    await copy('index_base', `base_no, ${counts}`, `${from + at}, ${counts}`, isFrom);
    const text = 'ordinal, revision, heading, text';
    await copy('passage', `base_no, document_id, ${text}`, `${from + at}, ${id(at)}, ${text}`, isFrom);
    const rest = 'appid, source_key, title, url, file_type, state, hidden, revision, created_at, updated_at';
    const isOf = `knowledge_id = 'kb_${from}'`;
    const knowledge = `'kb_${from + at}'`;
    await copy('document', `document_id, knowledge_id, ${rest}`, `${id(at)}, ${knowledge}, ${rest}`, isOf);
  }
}
