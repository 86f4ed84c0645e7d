/**
 * Writing the index. A base has one writer at a time, the holder of its lease, and terms are written in ascending
 * order: so writers of different bases can't wait for each other in a circle.
 */
import type { Binding, Session } from '../db/session.ts';
import { gatherPostings, type Postings } from './gather-postings.ts';
import { tokenizerVersion } from './tokenise.ts';

/** Passages and postings go in statements of at most so many rows and bytes: packets stay well below 1 MB. */
const maxRows = 500;
const maxBytes = 200_000;
/** Postings that wait in memory, of some 400 passages; looked at after so many passages. */
const maxPostings = 100_000;
const passagesAtOnce = 100;

const firstGeneration = 1;

/** Makes an empty index for a base; one that is there stays. */
export async function createIndexBase(session: Session, baseNo: number): Promise<void> {
  const row = { base_no: baseNo, generation: firstGeneration, tokenizer_version: tokenizerVersion };
  await session.insertOrKeep('index_base', row, ['base_no']);
}

/** A passage as it is indexed. */
export interface IndexedPassage {
  heading: string;
  text: string;
  page?: number | undefined;
}

/** Adds passages to the index of a base. */
export interface IndexWriter {
  /**
   * Makes the passages of a document searchable by their words, their heading and the document's title. The document's
   * row is there already; they are found once it is at their revision.
   */
  add(document: IndexedDocument, passages: readonly IndexedPassage[]): Promise<void>;
}

/** A document as its passages know it. */
export interface IndexedDocument {
  documentId: string;
  revision: number;
  title: string;
}

/**
 * Adds what `write` adds to a base's index, in the transaction of whoever holds the base's lease. The postings of all of
 * it are written together at the end: most of them would else go to the same rows, again and again.
 */
export async function writeIndex<T>(
  tx: Session,
  baseNo: number,
  write: (writer: IndexWriter) => Promise<T>,
): Promise<T> {
  let index: IndexBase | undefined;
  const postings = gatherPostings();
  const added = { passages: 0, tokens: 0 };
  const flush = async () => {
    if (index === undefined || added.passages === 0) return;
    await appendPostings(tx, baseNo, index.generation, postings);
    await tx.run(
      'update index_base set passages = passages + ?, tokens = tokens + ?, next_ordinal = next_ordinal + ? where base_no = ?',
      [added.passages, added.tokens, added.passages, baseNo],
    );
    index.next_ordinal += added.passages;
    Object.assign(added, { passages: 0, tokens: 0 });
  };
  const add = async (document: IndexedDocument, passages: readonly IndexedPassage[]) => {
    index ??= await lockIndex(tx, baseNo);
    const first = index.next_ordinal + added.passages;
    for (const [at, passage] of passages.entries()) {
      const text = searchedText(document.title, passage);
      added.tokens += postings.add(first + at, text, index.tokenizer_version);
    }
    added.passages += passages.length;
    await insertPassages(tx, baseNo, first, document, passages);
    if (postings.size() > maxPostings) await flush();
  };
  const result = await write({
    add: async (document, passages) => {
      for (let from = 0; from < passages.length; from += passagesAtOnce) {
        await add(document, passages.slice(from, from + passagesAtOnce));
      }
    },
  });
  await flush();
  return result;
}

/** The passages of one document, by themselves. */
export async function addPassages(
  tx: Session,
  baseNo: number,
  document: IndexedDocument,
  passages: readonly IndexedPassage[],
): Promise<void> {
  await writeIndex(tx, baseNo, (writer) => writer.add(document, passages));
}

async function insertPassages(
  tx: Session,
  baseNo: number,
  first: number,
  { documentId, revision }: IndexedDocument,
  passages: readonly IndexedPassage[],
): Promise<void> {
  const rows = passages.map(({ heading, text, page = null }, at) => {
    return { base_no: baseNo, ordinal: first + at, document_id: documentId, revision, page, heading, text };
  });
  for (const batch of inBatches(rows, (row) => 3 * (row.heading.length + row.text.length))) {
    await tx.insert('passage', batch);
  }
}

/**
 * Deletes up to `limit` passages of a document that are not of its revision; returns how many. Their entries in
 * the blocks, and their share in the counts of passages and tokens, stay until the base is compacted: they find nothing
 * any more, and shift the rarity of words a little, on both sides of the fraction. By passage_by_document.
 */
export async function sweepPassages(
  tx: Session,
  baseNo: number,
  { documentId, revision }: { documentId: string; revision: number },
  limit: number,
): Promise<number> {
  const deleted = await tx.run(`delete from passage where document_id = ? and revision <> ? limit ${limit}`, [
    documentId,
    revision,
  ]);
  await tx.run('update index_base set removed = removed + ? where base_no = ?', [deleted, baseNo]);
  return deleted;
}

/** A base's index, and how far its next generation is built. */
export interface IndexBase {
  generation: number;
  tokenizer_version: number;
  passages: number;
  next_ordinal: number;
  /** Passages that are counted and gone. */
  removed: number;
  next_generation: number | null;
  next_tokenizer_version: number;
  /** The last ordinal that the next generation has. */
  built: number;
}

/** Locks the base's row: ordinals are handed out once, whatever becomes of the lease. */
export async function lockIndex(tx: Session, baseNo: number): Promise<IndexBase> {
  const [index] = await tx.all<IndexBase>(
    `select generation, tokenizer_version, passages, next_ordinal, removed, next_generation, next_tokenizer_version,
        built from index_base where base_no = ?${tx.dialect.forUpdate}`,
    [baseNo],
  );
  if (index === undefined) throw new Error(`base ${baseNo} has no index`);
  if (index.tokenizer_version > tokenizerVersion) {
    throw new Error(`the index of base ${baseNo} was built by tokenizer ${index.tokenizer_version}`);
  }
  return index;
}

/** A heading that the passage itself begins with isn't counted twice. */
export function searchedText(title: string, { heading, text }: { heading: string; text: string }): string {
  return text.startsWith(heading) ? `${title}\n${text}` : `${title}\n${heading}\n${text}`;
}

/** Appends postings to their rows without reading them. By the primary key of index_block, in its order. */
export async function appendPostings(
  tx: Session,
  baseNo: number,
  generation: number,
  postings: Postings,
): Promise<void> {
  const append =
    tx.dialect.name === 'mysql'
      ? 'on duplicate key update data ='
      : 'on conflict (base_no, generation, term, block) do update set data =';
  for (const batch of inBatches(postings.take(), ({ data }) => data.length)) {
    const values = batch.map(() => '(?, ?, ?, ?, ?)').join(', ');
    const bindings: Binding[] = batch.flatMap(({ row, block, data }) => [baseNo, generation, row, block, data]);
    await tx.run(
      `insert into index_block (base_no, generation, term, block, data) values ${values}
        ${append} ${tx.dialect.appendInserted}`,
      bindings,
    );
  }
}

/** Cuts rows into batches within the limits; each has at least one row. */
function* inBatches<Row>(rows: readonly Row[], sizeOf: (row: Row) => number): Generator<Row[]> {
  let batch: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = sizeOf(row);
    if (batch.length > 0 && (batch.length === maxRows || bytes + size > maxBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
