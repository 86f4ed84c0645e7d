/**
 * Writing the index. A base has one writer at a time, the holder of its lease, and terms are written in ascending
 * order: so writers of different bases can't wait for each other in a circle.
 */
import type { Binding, Session } from '../db/session.ts';
import { blockOrdinals, codeOfLength } from './score.ts';
import { termOf, tokenise, tokenizerVersion } from './tokenise.ts';

/** Passages and postings go in statements of at most so many rows and bytes: packets stay well below 1 MB. */
const maxRows = 500;
const maxBytes = 200_000;

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

/**
 * Makes the passages of a document searchable by their words, their heading and the document's title. Runs in the
 * transaction of whoever holds the base's lease; the document's row is there already. They are found once the document
 * is at their revision.
 */
export async function addPassages(
  tx: Session,
  baseNo: number,
  { documentId, revision, title }: { documentId: string; revision: number; title: string },
  passages: readonly IndexedPassage[],
): Promise<void> {
  if (passages.length === 0) return;
  const index = await lockIndex(tx, baseNo);
  const postings = new Map<number, number[]>();
  let tokens = 0;
  passages.forEach((passage, at) => {
    const text = searchedText(title, passage);
    tokens += addPostings(postings, index.next_ordinal + at, text, index.tokenizer_version);
  });
  const rows = passages.map(({ heading, text, page = null }, at) => {
    const ordinal = index.next_ordinal + at;
    return { base_no: baseNo, ordinal, document_id: documentId, revision, page, heading, text };
  });
  for (const batch of inBatches(rows, (row) => 3 * (row.heading.length + row.text.length))) {
    await tx.insert('passage', batch);
  }
  await appendPostings(tx, baseNo, index.generation, postings);
  await tx.run(
    'update index_base set passages = passages + ?, tokens = tokens + ?, next_ordinal = next_ordinal + ? where base_no = ?',
    [passages.length, tokens, passages.length, baseNo],
  );
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

/** Adds a passage's entries as (ordinal, frequency, length code) to each of its terms; returns its length. */
export function addPostings(postings: Map<number, number[]>, ordinal: number, text: string, version: number): number {
  const tokens = tokenise(text, version);
  const frequencies = new Map<string, number>();
  for (const token of tokens) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
  const length = codeOfLength(tokens.length);
  for (const [token, frequency] of frequencies) {
    const term = termOf(token);
    const entries = postings.get(term) ?? [];
    if (entries.length === 0) postings.set(term, entries);
    // Two tokens of one passage with the same number: one entry, else the passage would count twice in the blocks.
    if (entries.at(-3) === ordinal) entries[entries.length - 2] = entries.at(-2)! + frequency;
    else entries.push(ordinal, frequency, length);
  }
  return tokens.length;
}

interface Block {
  term: number;
  block: number;
  data: Buffer;
}

/**
 * Appends entries to their blocks without reading them. By the primary key of index_block, in its order.
 */
export async function appendPostings(
  tx: Session,
  baseNo: number,
  generation: number,
  postings: Map<number, number[]>,
): Promise<void> {
  const append =
    tx.dialect.name === 'mysql'
      ? 'on duplicate key update data ='
      : 'on conflict (base_no, generation, term, block) do update set data =';
  const blocks = [...postings].sort(([x], [y]) => x - y).flatMap(([term, entries]) => blocksOf(term, entries));
  for (const batch of inBatches(blocks, (block) => block.data.length)) {
    const values = batch.map(() => '(?, ?, ?, ?, ?)').join(', ');
    const bindings: Binding[] = batch.flatMap(({ term, block, data }) => [baseNo, generation, term, block, data]);
    await tx.run(
      `insert into index_block (base_no, generation, term, block, data) values ${values}
        ${append} ${tx.dialect.appendInserted}`,
      bindings,
    );
  }
}

/** The entries of one term as they are stored, a buffer for each block that they fall into. */
function blocksOf(term: number, entries: number[]): Block[] {
  const blocks: Block[] = [];
  for (let from = 0; from < entries.length; ) {
    const block = Math.floor(entries[from]! / blockOrdinals);
    const bytes: number[] = [];
    for (; from < entries.length && Math.floor(entries[from]! / blockOrdinals) === block; from += 3) {
      const ordinal = entries[from]! % blockOrdinals;
      bytes.push(ordinal & 0xff, ordinal >> 8, Math.min(255, entries[from + 1]!), entries[from + 2]!);
    }
    blocks.push({ term, block, data: Buffer.from(bytes) });
  }
  return blocks;
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
