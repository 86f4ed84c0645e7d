import { ulid } from 'ulid';
import type { SyncArticlesRequest } from '../../gen/wxmp/article/v1/article_pb.ts';
import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { AppError } from '../errors.ts';
import { documentState } from '../knowledge/document.ts';
import { type Base, findArticleBase } from '../knowledge/store.ts';
import { requestRebuilds } from '../retrieval/rebuild-index.ts';
import { insertEvent, internalPrefix, listWaiting } from './event-store.ts';
import { beginSync } from './learning-store.ts';

/** See ArticleService.SyncArticles. A base that is busy with its list anyway needs no comparison. */
export function syncArticles({ database, bizcomm, wake }: Context) {
  return async ({ appid }: SyncArticlesRequest) => {
    await requireAssistant(database, appid);
    if (bizcomm === undefined) throw new AppError('CONFLICT', 'this installation has no WeChat side (BIZCOMM_URL)');
    const base = await findArticleBase(database, appid);
    if (base !== undefined) await beginSync(database, base.knowledgeId);
    wake.learning();
    return {};
  };
}

/** Accounts whose comparison is begun by one run of the job at a time. */
const batchSize = 100;

/** So much later each batch is due than the one before: of many accounts, what else is to be learned has its turn. */
const batchPaceMs = 10_000;

/**
 * The scheduled job: begins a comparison for every account, and ends what hangs. Asks for outdated indexes again: a
 * replica of the release before may have taken the base that was due for it, and made more of them since.
 */
export async function syncAllArticles(context: Context, signal: AbortSignal): Promise<void> {
  const { database, config, bizcomm, wake, logger } = context;
  await requestRebuilds(database);
  const hung = await endHanging(database, config.LEARN_TIMEOUT_MINUTES * 60_000);
  if (hung > 0) logger.warn({ documents: hung }, 'documents took too long to be learned');
  if (bizcomm === undefined) return;
  let delayMs = 0;
  for (let after = ''; !signal.aborted; delayMs += batchPaceMs) {
    const ids = await listArticleBases(database, after);
    for (const id of ids) await beginSync(database, id, delayMs);
    wake.learning();
    if (ids.length < batchSize) return;
    after = ids.at(-1)!;
  }
}

/** By the primary key. */
async function listArticleBases(session: Session, after: string): Promise<string[]> {
  const rows = await session.all<{ knowledge_id: string }>(
    `select knowledge_id from knowledge where type = 1 and deleted_at is null and knowledge_id > ?
      order by knowledge_id limit ${batchSize}`,
    [after],
  );
  return rows.map((row) => row.knowledge_id);
}

/** An article that is being parsed for too long has timed out; should it be learned after all, it is learned. */
async function endHanging(session: Session, afterMs: number): Promise<number> {
  const { now } = session.dialect;
  // By document_by_state.
  return session.run(
    `update document set state = ${documentState.timedOut}, reason = 'it was not learned in time', updated_at = ${now}
      where state = ${documentState.parsing} and article_id is not null and updated_at < ${now} - ?`,
    [afterMs],
  );
}

/** So many documents are looked up after one comparison; the next goes on with others. */
const maxMissing = 1000;

/**
 * At the end of a comparison: what was learned, and wasn't in the list, is looked up one by one, as events of our own.
 * The list alone is not believed: articles move within it while it is read. What was seen or looked up longest ago comes
 * first, so that those that never get out of the list's gaps keep nobody from being looked up. An article that an event
 * waits for already needs no other.
 */
export async function enqueueMissing(tx: Tx, base: Base, syncId: string, limit = maxMissing): Promise<void> {
  const { knowledgeId } = base;
  // By document_by_article. The ids of comparisons are in the order of time; what none has seen yet is null.
  const rows = await tx.all<{ document_id: string; article_id: string; msgidx: number }>(
    `select document_id, article_id, msgidx from document
      where knowledge_id = ? and article_id is not null and state <> 8 and (sync_id is null or sync_id <> ?)
      order by sync_id, article_id, msgidx limit ${limit}`,
    [knowledgeId, syncId],
  );
  if (rows.length === 0) return;
  const waiting = await listWaiting(tx, knowledgeId, [...new Set(rows.map((row) => row.article_id))]);
  for (const { article_id: articleId, msgidx } of rows) {
    if (waiting.has(articleId)) continue;
    const payload = { eventType: EventType.ARTICLE_UPDATED, articleId, msgidx, fileId: '', knowledgeId: '' };
    const eventId = internalPrefix + ulid();
    await insertEvent(tx, { eventId, base, payload: { ...payload, fileName: '', fileType: '' }, payloadHash: '' });
  }
  const ids = rows.map((row) => row.document_id);
  await tx.run(`update document set sync_id = ? where document_id in ${marksFor(ids)}`, [syncId, ...ids]);
}
