/** Writes passages as the service does: page after page of articles, each in one transaction, and what follows it. */
import { learnItems } from '../../src/article/learn-items.ts';
import type { Database } from '../../src/db/database.ts';
import { createIndexBase } from '../../src/retrieval/index-passages.ts';
import { findIndexWork, pruneBatch, rebuildBatch } from '../../src/retrieval/rebuild-index.ts';
import type { BenchDocument } from './generate.ts';

/** The WeChat side gives no more articles at once. */
const documentsAtOnce = 20;

export interface Filled {
  seconds: number;
  /** The longest transaction: for so long nobody else writes to SQLite. */
  longestMs: number;
}

/** Learns the documents; `onPage` is told how many passages there are after each page, outside of the time. */
export async function fillBase(
  database: Database,
  baseNo: number,
  documents: Iterable<BenchDocument>,
  onPage: (passages: number) => void = () => {},
): Promise<Filled> {
  const base = { knowledgeId: `kb_${baseNo}`, appid: 'wx_bench', baseNo, type: 1, deleted: false };
  const filled: Filled = { seconds: 0, longestMs: 0 };
  let passages = 0;
  const clock = async (step: () => Promise<unknown>) => {
    const startMs = performance.now();
    await step();
    const tookMs = performance.now() - startMs;
    filled.seconds += tookMs / 1000;
    filled.longestMs = Math.max(filled.longestMs, tookMs);
  };
  await database.tx((tx) => createIndexBase(tx, baseNo));
  for (const page of pagesOf(documents)) {
    await clock(() => database.tx((tx) => learnItems(tx, base, page)));
    await clock(() => tidy(database, baseNo));
    passages += page.reduce((sum, { content }) => sum + content.passages.length, 0);
    onPage(passages);
  }
  return filled;
}

/** What the holder of the base's lease does when no page waits. */
export async function tidy(database: Database, baseNo: number): Promise<void> {
  for (;;) {
    const work = await findIndexWork(database, baseNo);
    if (work?.kind === 'rebuild') await database.tx((tx) => rebuildBatch(tx, baseNo));
    else if (work?.kind === 'prune') await database.tx((tx) => pruneBatch(tx, baseNo));
    else return;
  }
}

function* pagesOf(documents: Iterable<BenchDocument>): Generator<BenchDocument[]> {
  let page: BenchDocument[] = [];
  for (const document of documents) {
    page.push(document);
    if (page.length < documentsAtOnce) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
