import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Context } from '../context.ts';
import { type Lease, LeaseLost, lockLease } from '../db/lease.ts';
import type { Tx } from '../db/tx.ts';
import { closeBase } from '../knowledge/close-base.ts';
import { removeDocument } from '../knowledge/document.ts';
import type { Base } from '../knowledge/store.ts';
import { setBan } from './ban-store.ts';
import { endEvent, type PendingEvent } from './event-store.ts';
import { type FetchOptions, fetchArticle } from './fetch.ts';
import { deleteFile, prepareFile } from './handle-file.ts';
import { learnItems } from './learn-items.ts';
import { noteUpdate } from './learning-store.ts';
import { noticeEvent } from './notices.ts';
import { endWithdrawal } from './withdraw.ts';

/** What the notice of an event tells. */
interface Outcome {
  count?: number;
  fileRagStatus?: number;
}

/**
 * Handles an event: fetches what it is about, then commits all that follows from it with its end and its notice.
 * Returns what the notice tells.
 */
export async function handleEvent(
  context: Context,
  lease: Lease,
  base: Base,
  event: PendingEvent,
  fetching: FetchOptions,
): Promise<Outcome> {
  const { database, metrics, reached } = context;
  const apply = await prepare(context, lease, base, event, fetching);
  reached('event.fetched');
  return database.tx(async (tx) => {
    if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
    const outcome = await apply(tx);
    await endWithdrawal(tx, base, event.payload, event.sequence);
    await endEvent(tx, event, 'done');
    if (!event.internal) {
      await noteUpdate(tx, base.knowledgeId);
      // The seed has no notice for a deleted base.
      if (event.payload.eventType !== EventType.KNOWLEDGE_DELETED) await noticeEvent(context, tx, base, event, outcome);
    }
    tx.afterCommit(() => {
      if (outcome.fileRagStatus !== undefined) metrics.files.inc({ state: outcome.fileRagStatus });
      reached('event.committed');
    });
    return outcome;
  });
}

/** Commits what follows from an event. */
type Apply = (tx: Tx) => Promise<Outcome>;

/** Events carry no content: what is new is fetched as it is now. */
async function prepare(
  context: Context,
  lease: Lease,
  base: Base,
  event: PendingEvent,
  fetching: FetchOptions,
): Promise<Apply> {
  const { eventType, articleId, msgidx } = event.payload;
  switch (eventType) {
    case EventType.ARTICLE_ADDED:
    case EventType.ARTICLE_UPDATED: {
      const fetched = await fetchArticle(fetching, articleId, msgidx);
      return async (tx) => {
        const { learned, removed } = await learnItems(tx, base, fetched);
        const kept = new Set(fetched.map((item) => item.msgidx));
        return { count: learned + removed + (await removeItems(tx, base, articleId, msgidx, kept)) };
      };
    }
    case EventType.ARTICLE_DELETED:
      return async (tx) => ({ count: await removeItems(tx, base, articleId, msgidx, new Set()) });
    case EventType.ARTICLE_BANNED:
    case EventType.ARTICLE_UNBANNED: {
      const hidden = eventType === EventType.ARTICLE_BANNED;
      return async (tx) => ({ count: await setBan(tx, base.knowledgeId, { articleId, msgidx, hidden }) });
    }
    case EventType.FILE_ADDED:
    case EventType.FILE_UPDATED: {
      const settle = await prepareFile(context, lease, base, event, fetching.signal);
      return async (tx) => ({ fileRagStatus: await settle(tx) });
    }
    case EventType.FILE_DELETED:
      return async (tx) => ({ fileRagStatus: await deleteFile(tx, base, event.payload) });
    case EventType.KNOWLEDGE_DELETED:
      return async (tx) => {
        await closeBase(tx, base.appid, base.knowledgeId);
        return {};
      };
    default:
      throw new Error(`event type ${eventType} can't be handled`);
  }
}

/** Removes the items of a message (one, or with msgidx 0 all) that are not among those `kept`; returns how many. */
async function removeItems(tx: Tx, base: Base, articleId: string, msgidx: number, kept: Set<number>): Promise<number> {
  // By document_by_article.
  const rows = await tx.all<{ document_id: string; msgidx: number }>(
    `select document_id, msgidx from document
      where knowledge_id = ? and article_id = ? and state <> 8 ${msgidx === 0 ? '' : 'and msgidx = ?'}`,
    [base.knowledgeId, articleId, ...(msgidx === 0 ? [] : [msgidx])],
  );
  const gone = rows.filter((row) => !kept.has(row.msgidx));
  for (const row of gone) await removeDocument(tx, row.document_id);
  return gone.length;
}
