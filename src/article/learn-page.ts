import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Context } from '../context.ts';
import { type Lease, LeaseLost, lockLease } from '../db/lease.ts';
import type { Tx } from '../db/tx.ts';
import type { Base } from '../knowledge/store.ts';
import { type FetchOptions, fetchPage, type Page } from './fetch.ts';
import { learnItems } from './learn-items.ts';
import { advance, beginPage, type Learning } from './learning-store.ts';
import { noticePhase } from './notices.ts';
import { enqueueMissing } from './sync-articles.ts';

/** The WeChat side gives no more at once. */
const maxPageSize = 20;

/**
 * Pulls the next page of the list and commits its documents, the cursor behind it and, at the end of a phase, the
 * notice, all at once. The page may have been pulled before, by a process that died: what is there already stays.
 */
export async function learnPage(
  context: Context,
  lease: Lease,
  base: Base,
  learning: Learning,
  fetching: FetchOptions,
): Promise<void> {
  const { database, config, metrics, reached } = context;
  await beginPage(database, base.knowledgeId);
  const wanted = learning.phase === 'first' ? config.LEARN_FIRST_ARTICLES - learning.learned : maxPageSize;
  const page = await fetchPage(fetching, learning.nextOffset, Math.min(maxPageSize, Math.max(1, wanted)));
  reached('page.fetched');
  await database.tx(async (tx) => {
    if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
    const { learned, removed } = await learnItems(tx, base, page.items, learning.syncId);
    reached('page.indexing');
    await moveOn(context, tx, base, learning, { ...page, learned });
    tx.afterCommit(() => {
      metrics.learned.inc({ event: 'learned' }, learned);
      metrics.learned.inc({ event: 'removed' }, removed);
      reached('page.committed');
    });
  });
}

/** Which phase follows, and who is told. */
async function moveOn(
  context: Context,
  tx: Tx,
  base: Base,
  { phase, learned: before, syncId }: Learning,
  { nextOffset, learned }: Page & { learned: number },
): Promise<void> {
  const { knowledgeId, appid } = base;
  const sum = before + learned;
  const atEnd = nextOffset === 0;
  if (phase === 'first' && atEnd) {
    await advance(tx, knowledgeId, { phase: 'idle', nextOffset, learned: sum, finishedPhase: 'first' });
    await noticePhase(context, tx, appid, knowledgeId, EventType.LEARNED);
  } else if (phase === 'first' && sum >= context.config.LEARN_FIRST_ARTICLES) {
    await advance(tx, knowledgeId, { phase: 'supplement', nextOffset, learned: 0, finishedPhase: 'first' });
    await noticePhase(context, tx, appid, knowledgeId, EventType.LEARNED_SUPPLEMENT_FOLLOWS);
  } else if (phase === 'supplement' && atEnd) {
    await advance(tx, knowledgeId, { phase: 'idle', nextOffset, learned: sum, finishedPhase: 'supplement' });
    await noticePhase(context, tx, appid, knowledgeId, EventType.SUPPLEMENTED);
  } else if (atEnd) {
    if (phase === 'sync' && syncId !== null) await enqueueMissing(tx, base, syncId);
    await advance(tx, knowledgeId, { phase: 'idle', nextOffset, learned: sum });
  } else {
    await advance(tx, knowledgeId, { phase, nextOffset, learned: sum });
  }
}
