import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Context } from '../context.ts';
import { awaitTurnMs } from '../db/alone.ts';
import { type Lease, LeaseLost, lockLease, releaseLease } from '../db/lease.ts';
import { startRenewingLoop } from '../db/renewing-loop.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import { joinLoops, type Run, type WorkLoop } from '../db/work-loop.ts';
import { backoffMs } from '../dispatch/backoff.ts';
import { classify } from '../dispatch/classify.ts';
import { documentState, noteState } from '../knowledge/document.ts';
import { type Base, findBase } from '../knowledge/store.ts';
import { findToSweep, sweepBatch } from '../knowledge/sweep.ts';
import { findIndexWork, pruneBatch, rebuildBatch } from '../retrieval/rebuild-index.ts';
import {
  beginEvent,
  bringsFile,
  endEvent,
  endLostTry,
  findNextEvent,
  hasLaterEvent,
  type PendingEvent,
  retryEvent,
} from './event-store.ts';
import type { FetchOptions } from './fetch.ts';
import { handleEvent } from './handle-event.ts';
import { buryFile, noteWaiting } from './handle-file.ts';
import { learnPage } from './learn-page.ts';
import { type Learning, loadLearning, retryPage } from './learning-store.ts';
import { noticeEvent } from './notices.ts';

/**
 * A step that was begun more often than it ended kills the process: after so many times it is not begun at once. The
 * last of these tries is made alone.
 */
const maxUnfinished = 3;

/** An event that can't be handled for so long is given up. */
const maxEventAgeMs = 72 * 60 * 60 * 1000;

/** After so long the base is released, so that others that are due have their turn. */
const turnMs = 2000;

const backoff = { baseMs: 1000, maxMs: 5 * 60 * 1000 };

/** The workers that learn: those of articles, and those of files, so that neither wait for the other. See README.md. */
export function startLearning(context: Context): WorkLoop {
  const { LEARN_WORKERS, FILE_WORKERS } = context.config;
  return joinLoops([startWorkers(context, 1, LEARN_WORKERS), startWorkers(context, 2, FILE_WORKERS)]);
}

/** The workers for the bases of one type. */
function startWorkers(context: Context, type: 1 | 2, concurrency: number): WorkLoop {
  const { database, config, logger, metrics } = context;
  return startRenewingLoop({
    session: database,
    logger,
    metrics,
    leased: { table: 'learning', key: 'knowledge_id' },
    index: 'learning_by_account',
    where: { sql: 'type = ?', bindings: [type] },
    leaseMs: config.LEASE_SECONDS * 1000,
    concurrency,
    work: (lease, run, wakeIn) => workBase(context, lease, run, wakeIn),
  });
}

/** Takes one step after another while it is its turn, then releases the base until there is a step again. */
async function workBase(context: Context, lease: Lease, run: Run, wakeIn: (ms: number) => void): Promise<void> {
  const { database } = context;
  const { signal, isStopping } = run;
  const base = await findBase(database, lease.id);
  const endMs = performance.now() + turnMs;
  let hadTurn = true;
  const goesOn = () => hadTurn && !signal.aborted && !isStopping() && performance.now() < endMs;
  while (goesOn() && base !== undefined && !base.deleted) {
    const step = await nextStep(database, base);
    if ('waitMs' in step) break;
    if ('event' in step) hadTurn = await tryEvent(context, lease, base, step.event, signal);
    else if ('tidy' in step) await tidyOnce(context, lease, step.tidy);
    else hadTurn = await tryPage(context, lease, base, step.page, signal);
  }
  const dueInMs = hadTurn ? 0 : awaitTurnMs();
  const waitMs = await database.tx((tx) => releaseBase(tx, lease, dueInMs));
  if (waitMs !== undefined) wakeIn(waitMs);
}

type Step =
  | { event: PendingEvent }
  | { page: Learning }
  /** Something small that nobody waits for. */
  | { tidy: (tx: Tx) => Promise<unknown> }
  | { waitMs: number | undefined };

/** What the holder of a base does next, or how long it is until there is something (undefined: nothing waits). */
async function nextStep(session: Session, base: Base): Promise<Step> {
  const { knowledgeId, baseNo } = base;
  const next = await findNextEvent(session, knowledgeId);
  if ('event' in next) return next;
  const learning = await loadLearning(session, knowledgeId);
  const hasPages = learning !== undefined && learning.phase !== 'idle';
  if (hasPages && learning.waitMs === 0) return { page: learning };
  const sweep = await findToSweep(session, knowledgeId);
  if (sweep !== undefined) return { tidy: (tx) => sweepBatch(tx, base, sweep) };
  const index = await findIndexWork(session, baseNo);
  if (index?.kind === 'rebuild') return { tidy: (tx) => rebuildBatch(tx, baseNo) };
  if (index?.kind === 'prune') return { tidy: (tx) => pruneBatch(tx, baseNo) };
  const waits = [next.waitMs, hasPages ? learning.waitMs : undefined, index?.waitMs].filter((ms) => ms !== undefined);
  return { waitMs: waits.length === 0 ? undefined : Math.min(...waits) };
}

/** Locks the base, looks for what is left, and makes it due then, or in `dueInMs`. Returns in how long that is. */
async function releaseBase(tx: Tx, lease: Lease, dueInMs: number): Promise<number | undefined> {
  if (!(await lockLease(tx, lease))) return undefined;
  const base = await findBase(tx, lease.id);
  const step: Step = base === undefined || base.deleted ? { waitMs: undefined } : await nextStep(tx, base);
  const waitMs = 'waitMs' in step ? step.waitMs : dueInMs;
  await releaseLease(tx, lease, waitMs);
  return waitMs;
}

/** Returns false where its turn to be tried alone did not come. */
async function tryEvent(
  context: Context,
  lease: Lease,
  base: Base,
  event: PendingEvent,
  signal: AbortSignal,
): Promise<boolean> {
  const { database, logger, alone } = context;
  const entry = { appid: event.appid, eventId: event.eventId, eventType: event.payload.eventType };
  const giveUp = async (reason: string) => {
    await database.tx((tx) => buryEvent(context, tx, lease, base, event, reason));
    logger.error({ ...entry, reason }, 'event given up');
    return true;
  };
  const unfinished = event.started - event.finished;
  if (unfinished >= maxUnfinished) return giveUp('handling it kills the process');
  const handle = async () => {
    await database.tx(async (tx) => {
      if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
      await beginEvent(tx, event);
    });
    return handleEvent(context, lease, base, event, fetchOptions(context, base, signal));
  };
  try {
    const outcome = await (unfinished === maxUnfinished - 1 ? alone(handle) : handle());
    if (outcome === undefined) return false;
    logger.info({ ...entry, ...outcome }, 'event handled');
  } catch (error) {
    if (error instanceof LeaseLost) {
      await endLostTry(database, event); // nothing was killed
      throw error;
    }
    const { verdict, reason, retryAfterMs } = classify(error);
    if (verdict === 'permanent' || event.ageMs > maxEventAgeMs) return giveUp(reason);
    const waitMs = signal.aborted ? 0 : backoffMs(event.finished + 1, backoff, retryAfterMs);
    logger.warn({ ...entry, reason, waitMs }, 'event waits for another try');
    await database.tx(async (tx) => {
      if (!(await lockLease(tx, lease))) return endLostTry(tx, event);
      // What follows on the same file must not wait for it. It may have been accepted while this try failed.
      const ends = bringsFile(event.payload) && (await hasLaterEvent(tx, lease.id, event));
      await retryEvent(tx, event, ends ? 0 : waitMs, reason);
      if (bringsFile(event.payload)) await noteWaiting(tx, base, event.payload, reason);
    });
  }
  return true;
}

/** Ends an event that can't be handled; what was to be learned shows that it wasn't. */
async function buryEvent(
  context: Context,
  tx: Tx,
  lease: Lease,
  base: Base,
  event: PendingEvent,
  reason: string,
): Promise<void> {
  if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
  await endEvent(tx, event, 'dead', reason);
  const { eventType, articleId, msgidx } = event.payload;
  if (bringsFile(event.payload)) {
    const fileRagStatus = await buryFile(tx, base, event.payload, reason);
    await noticeEvent(context, tx, base, event, { fileRagStatus });
    tx.afterCommit(() => context.metrics.files.inc({ state: fileRagStatus }));
  }
  if (eventType !== EventType.ARTICLE_ADDED || msgidx === 0) return;
  const origin = { kind: 'article', articleId, msgidx } as const;
  await noteState(tx, base, origin, { state: documentState.parseFailed, reason });
}

/** Does a batch of what keeps a base in order. */
async function tidyOnce({ database }: Context, lease: Lease, tidy: (tx: Tx) => Promise<unknown>): Promise<void> {
  await database.tx(async (tx) => {
    if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
    await tidy(tx);
  });
}

/** Returns false where its turn to be tried alone did not come. */
async function tryPage(
  context: Context,
  lease: Lease,
  base: Base,
  page: Learning,
  signal: AbortSignal,
): Promise<boolean> {
  const { database, logger, alone } = context;
  const entry = { appid: base.appid, phase: page.phase, offset: page.nextOffset };
  const wait = async (waitMs: number, reason: string) => {
    logger.warn({ ...entry, reason, waitMs }, 'page waits for another try');
    await database.tx(async (tx) => {
      if (await lockLease(tx, lease)) await retryPage(tx, base.knowledgeId, waitMs, reason);
    });
    return true;
  };
  const unfinished = page.started - page.finished;
  if (unfinished >= maxUnfinished) return wait(backoff.maxMs, 'learning it kills the process');
  const learn = () => learnPage(context, lease, base, page, fetchOptions(context, base, signal)).then(() => true);
  try {
    const learned = await (unfinished === maxUnfinished - 1 ? alone(learn) : learn());
    if (learned === undefined) return false;
    logger.info(entry, 'page learned');
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    const { reason, retryAfterMs } = classify(error);
    return wait(signal.aborted ? 0 : backoffMs(page.failures + 1, backoff, retryAfterMs), reason);
  }
  return true;
}

function fetchOptions({ bizcomm, config }: Context, { appid }: Base, signal: AbortSignal): FetchOptions {
  return { bizcomm, appid, paid: config.LEARN_PAID_ARTICLES, signal };
}
