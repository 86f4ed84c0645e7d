/**
 * An index is built anew beside the one that is searched, as its next generation, when the tokenizer has changed or when
 * much of what it counts is gone: batch after batch by the holder of the base's lease, and then switched by one row's
 * update. Passages that are added meanwhile go into the present generation and, having the highest ordinals, into the
 * next one when its turn comes to them. A search that began before the switch goes on with the old blocks, so these are
 * deleted only a minute later.
 */
import type { Session } from '../db/session.ts';
import { gatherPostings } from './gather-postings.ts';
import { appendPostings, type IndexBase, lockIndex, searchedText } from './index-passages.ts';
import { tokenizerVersion } from './tokenise.ts';

/** Passages in one transaction: SQLite has one writer, and messages wait for it. */
const passagesAtOnce = 100;
const blocksAtOnce = 500;

/** An index is compacted when so many passages that it counts are gone, and they are so much of it. */
const leastRemoved = 32;
const removedShare = 1 / 3;

/** How long a search may go on with blocks of the generation before. */
const pruneAfterMs = 60_000;

export type IndexWork = { kind: 'rebuild' | 'prune' | 'wait'; waitMs?: number } | undefined;

/** What there is to do on the index of a base. By the primary keys of index_base and index_block. */
export async function findIndexWork(session: Session, baseNo: number): Promise<IndexWork> {
  const [row] = await session.all<IndexBase & { since_switch_ms: number }>(
    `select index_base.*, ${session.dialect.now} - switched_at since_switch_ms from index_base where base_no = ?`,
    [baseNo],
  );
  if (row === undefined) return undefined;
  const isOld = row.tokenizer_version < tokenizerVersion;
  const isSparse = row.removed >= leastRemoved && row.removed >= removedShare * row.passages;
  if (isOld || isSparse || row.next_generation !== null) return { kind: 'rebuild' };
  const old = await session.all('select 1 from index_block where base_no = ? and generation < ? limit 1', [
    baseNo,
    row.generation,
  ]);
  if (old.length === 0) return undefined;
  const waitMs = pruneAfterMs - row.since_switch_ms;
  return waitMs > 0 ? { kind: 'wait', waitMs } : { kind: 'prune' };
}

/** Builds a part of the next generation, or switches to it when it is whole. Under the base's lease. */
export async function rebuildBatch(tx: Session, baseNo: number): Promise<void> {
  const index = await lockIndex(tx, baseNo);
  if (index.next_generation === null || index.next_tokenizer_version !== tokenizerVersion) {
    await beginGeneration(tx, baseNo, Math.max(index.generation, index.next_generation ?? 0) + 1);
    return;
  }
  const rows = await readPassages(tx, baseNo, index.built);
  if (rows.length === 0) {
    await switchGeneration(tx, baseNo);
    return;
  }
  const postings = gatherPostings();
  let tokens = 0;
  for (const row of rows) tokens += postings.add(row.ordinal, searchedText(row.title, row), tokenizerVersion);
  await appendPostings(tx, baseNo, index.next_generation, postings);
  await tx.run(
    'update index_base set built = ?, next_passages = next_passages + ?, next_tokens = next_tokens + ? where base_no = ?',
    [rows.at(-1)!.ordinal, rows.length, tokens, baseNo],
  );
}

/** Deletes some of the blocks of generations that are searched no more. */
export async function pruneBatch(tx: Session, baseNo: number): Promise<void> {
  const { generation } = await lockIndex(tx, baseNo);
  await tx.run(`delete from index_block where base_no = ? and generation < ? limit ${blocksAtOnce}`, [
    baseNo,
    generation,
  ]);
}

async function beginGeneration(tx: Session, baseNo: number, generation: number): Promise<void> {
  await tx.run(
    `update index_base set next_generation = ?, next_tokenizer_version = ?, built = -1, next_passages = 0,
        next_tokens = 0 where base_no = ?`,
    [generation, tokenizerVersion, baseNo],
  );
}

async function switchGeneration(tx: Session, baseNo: number): Promise<void> {
  await tx.run(
    `update index_base set generation = next_generation, tokenizer_version = next_tokenizer_version,
        passages = next_passages, tokens = next_tokens, removed = 0, switched_at = ${tx.dialect.now}
      where base_no = ?`,
    [baseNo],
  );
  await tx.run('update index_base set next_generation = null where base_no = ?', [baseNo]);
}

interface Row {
  ordinal: number;
  heading: string;
  text: string;
  title: string;
}

/** The next passages, those that are not shown yet among them. By the primary keys. */
function readPassages(session: Session, baseNo: number, after: number): Promise<Row[]> {
  return session.all<Row>(
    `select p.ordinal, p.heading, p.text, d.title from passage p join document d on d.document_id = p.document_id
      where p.base_no = ? and p.ordinal > ? order by p.ordinal limit ${passagesAtOnce}`,
    [baseNo, after],
  );
}

/** Makes the bases due whose indexes were built by an older tokenizer, unless they are being worked on anyway. */
export async function requestRebuilds(session: Session): Promise<number> {
  return session.run(
    `update learning set due_at = ${session.dialect.now} where due_at is null and lease_token is null
      and knowledge_id in (select k.knowledge_id from knowledge k join index_base i on i.base_no = k.base_no
        where i.tokenizer_version < ? and k.deleted_at is null)`,
    [tokenizerVersion],
  );
}
