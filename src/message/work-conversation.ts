import type { Context } from '../context.ts';
import { awaitTurnMs } from '../db/alone.ts';
import { type Lease, LeaseLost, lockLease, releaseLease } from '../db/lease.ts';
import { type RenewedRun, startRenewingLoop } from '../db/renewing-loop.ts';
import type { Session } from '../db/session.ts';
import { recordPatienceMs, type Tx, type TxOptions } from '../db/tx.ts';
import type { WorkLoop } from '../db/work-loop.ts';
import { backoffMs } from '../dispatch/backoff.ts';
import { describeError } from '../errors.ts';
import { isAttachment } from '../expert/expert.ts';
import { areShown, listSearchedBases } from '../knowledge/store.ts';
import { forgetPictures, loadMaterial } from './attachment/load-material.ts';
import { attachmentsWaitMs } from './attachment/wait-for-attachments.ts';
import type { AttachmentText } from './attachment/without-expert.ts';
import { viewOfChannel } from './channel.ts';
import { type Composed, composeAnswer, fixed } from './compose-answer.ts';
import { saveExplanation } from './explanation.ts';
import { closeGathering } from './gather.ts';
import { endLongWait } from './long-wait.ts';
import { endMessage, findPending, insertAnswer, listTurns, type PendingMessage } from './store.ts';
import { hearVoice } from './voice/hear-voice.ts';

/** After so many tries that failed a message is answered with a "sorry". */
const maxFailures = 3;

/**
 * The same after so many tries at which the process died. After the second it is tried alone, so that none that only
 * happened to be under way is taken for what kills. More than a dispatch gets: an answer takes longer, so that of many
 * processes that are killed for other reasons some are killed at the same one again and again.
 */
const maxDeaths = 5;
const suspectDeaths = 2;

/** So often an answer is composed anew at once, because what it cites was deleted meanwhile. */
const maxStale = 5;

/** After so long a conversation with more questions is released, so that other accounts have their turn. */
const turnMs = 2000;

/** Drafts are shown no more often. */
const draftEveryMs = 1000;

const backoff = { baseMs: 1000, maxMs: 30_000 };

/** The workers that answer. See README.md, step 2. */
export function startAnswering(context: Context): WorkLoop {
  const { database, config, logger, metrics } = context;
  return startRenewingLoop({
    session: database,
    logger,
    metrics,
    leased: { table: 'conversation', key: 'conversation_id' },
    index: 'conversation_by_account',
    leaseMs: config.LEASE_SECONDS * 1000,
    concurrency: config.ANSWER_WORKERS,
    work: (lease, run, wakeIn) => workConversation(context, lease, run, wakeIn),
  });
}

/** Answers what is pending while it is its turn, one message after another, then releases the conversation. */
async function workConversation(
  context: Context,
  lease: Lease,
  run: RenewedRun,
  wakeIn: (ms: number) => void,
): Promise<void> {
  const { database } = context;
  let waitMs = 0;
  const endMs = performance.now() + turnMs;
  while (waitMs === 0 && !run.isStopping() && !run.signal.aborted && performance.now() < endMs) {
    const message = await findPending(database, lease.id);
    if (message === undefined || message.gathersMs > 0) break;
    const tries = await loadTries(database, lease.id);
    if (tries.deleted === 1) {
      await database.tx((tx) => cancelMessage(tx, lease, message));
      continue;
    }
    if ((await attachmentsWaitMs(database, message.messageId)) > 0) break;
    const tryIt = async () => (run.isStopping() ? 0 : tryMessage(context, lease, { message, tries }, run));
    const isSuspect = tries.started - tries.finished >= suspectDeaths;
    waitMs = isSuspect ? ((await context.alone(tryIt)) ?? awaitTurnMs()) : await tryIt();
  }
  const dueInMs = await database.tx((tx) => releaseConversation(tx, lease, waitMs));
  if (dueInMs !== undefined) wakeIn(dueInMs);
}

/** Locks the conversation, looks for pending messages, and makes it due accordingly. Returns in how long, if it is. */
async function releaseConversation(tx: Tx, lease: Lease, waitMs: number): Promise<number | undefined> {
  if (!(await lockLease(tx, lease))) return undefined;
  const pending = await findPending(tx, lease.id);
  if (pending === undefined) await endLongWait(tx, lease.id);
  const attachedMs = pending === undefined ? 0 : await attachmentsWaitMs(tx, pending.messageId);
  const dueInMs = pending && Math.max(waitMs, pending.gathersMs, attachedMs);
  await releaseLease(tx, lease, dueInMs);
  return dueInMs;
}

/** Tries to answer a message. Returns how long to wait before the next try of this conversation; 0: it is answered. */
async function tryMessage(
  context: Context,
  lease: Lease,
  { message: found, tries }: { message: PendingMessage; tries: Tries },
  { signal, stopSignal }: RenewedRun,
): Promise<number> {
  const { database, logger, metrics, texts } = context;
  const recording = { patienceMs: recordPatienceMs, signal: stopSignal };
  const message = await database.tx((tx) => beginTry(tx, lease, tries, found), recording);
  if (tries.started - tries.finished >= maxDeaths || tries.failures >= maxFailures) {
    await commitAnswer(context, lease, message, fixed(texts.failed, 'failed'), recording);
    return 0;
  }
  try {
    for (let stale = 0; stale < maxStale; stale++) {
      const composed = await compose(context, lease, message, signal);
      context.reached('message.composed');
      if (await commitAnswer(context, lease, message, composed, recording)) return 0;
    }
    throw new Error(`what answered was deleted before the answer was committed, ${maxStale} times in a row`);
  } catch (error) {
    const failures = tries.failures + (signal.aborted ? 0 : 1); // one that a stop cut off is no failure
    const isLost = error instanceof LeaseLost || signal.reason instanceof LeaseLost;
    if (isLost || !(await database.tx((tx) => failTry(tx, lease, failures), recording))) {
      await database.tx((tx) => endLostTry(tx, lease, message), recording);
      throw isLost ? error : new LeaseLost(lease);
    }
    metrics.messages.inc({ event: 'failed' });
    logger.error({ appid: message.appid, msgid: message.msgid, error: describeError(error) }, 'answering failed');
    return signal.aborted ? 1 : backoffMs(failures, backoff);
  }
}

/** Tries at a conversation's oldest message: begun and ended, and how many failed in a row. */
interface Tries {
  started: number;
  finished: number;
  failures: number;
  /** 1: the assistant is deleted. */
  deleted: number;
}

async function loadTries(session: Session, conversationId: string): Promise<Tries> {
  const [row] = await session.all<Tries>(
    `select started, finished, failures, exists (select 1 from assistant a
        where a.appid = conversation.appid and a.deleted_at is not null) deleted
      from conversation where conversation_id = ?`,
    [conversationId],
  );
  return row!;
}

/** Ends a message that another node of the database accepted while its assistant was deleted, or a cut off deletion left. */
async function cancelMessage(tx: Tx, lease: Lease, { messageId }: PendingMessage): Promise<void> {
  if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
  await tx.run("update message set state = 'cancelled' where message_id = ? and state = 'pending'", [messageId]);
}

/**
 * Counts the start of a try. By value, as failTry: a commit that takes effect unseen counts once. From then on the
 * message takes no more parts; it is returned with all that it has.
 */
async function beginTry(tx: Tx, lease: Lease, { started }: Tries, message: PendingMessage): Promise<PendingMessage> {
  if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
  await tx.run('update conversation set started = ? where conversation_id = ?', [started + 1, lease.id]);
  if (!message.isOpen) return message;
  return { ...message, ...(await closeGathering(tx, message.messageId)) };
}

/** Counts the end of a try that failed; false: the conversation is not ours any more. */
async function failTry(tx: Tx, lease: Lease, failures: number): Promise<boolean> {
  if (!(await lockLease(tx, lease))) return false;
  await tx.run('update conversation set finished = started, failures = ? where conversation_id = ?', [
    failures,
    lease.id,
  ]);
  return true;
}

/**
 * Counts the end of a try that lost its lease. Nothing was killed: a database or a machine that stalls again and again
 * must not look like a message that kills. No fence: whoever holds the conversation now counts its own start.
 */
async function endLostTry(session: Session, lease: Lease, { messageId }: PendingMessage): Promise<void> {
  await session.run(
    `update conversation set finished = finished + 1 where conversation_id = ? and finished < started
      and exists (select 1 from message where message_id = ? and state = 'pending')`,
    [lease.id, messageId],
  );
}

async function compose(
  context: Context,
  lease: Lease,
  message: PendingMessage,
  signal: AbortSignal,
): Promise<Composed> {
  const { config, database, logger, texts } = context;
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(config.ANSWER_TIMEOUT_MS)]);
  const text = message.msgType === 'voice' ? await hearVoice(context, message, inTime) : message.content;
  if (text === undefined) return fixed(texts.voiceUnsupported, 'voice_unsupported');
  const history = await listTurns(database, message, 2 * config.ANSWER_HISTORY_TURNS);
  const { showDraft, textOf } = context.replyChannel(message.channel);
  const drafts = showDraft !== undefined;
  const loaded = textOf && (await loadMaterial(context, message));
  const material = loaded && { ...loaded, say: (name: AttachmentText) => textOf(context, message, name) };
  const asked = { appid: message.appid, view: viewOfChannel(message.channel), text, history, drafts, material };
  let shownMs = Number.NEGATIVE_INFINITY;
  for await (const step of composeAnswer(context, asked, signal)) {
    signal.throwIfAborted();
    if ('final' in step) return step.final;
    if (performance.now() - shownMs < draftEveryMs) continue;
    // One that fails is dropped: the answer does not depend on it.
    await showDraft?.(context, message, step.draft, lease.token).catch((error) =>
      logger.debug({ msgid: message.msgid, error: describeError(error) }, 'a draft was not shown'),
    );
    shownMs = performance.now();
  }
  throw new Error('the expert ended without an answer');
}

/**
 * Commits an answer with all that follows from it. Nothing happens where the message was ended before. False, and
 * nothing is committed, where a document that it cites is not shown any more: no answer points at one that was deleted,
 * hidden or unbound before it.
 */
async function commitAnswer(
  context: Context,
  lease: Lease,
  message: PendingMessage,
  composed: Composed,
  recording: TxOptions,
): Promise<boolean> {
  const { database, metrics, logger, reached } = context;
  return database.tx(async (tx) => {
    if (!(await lockLease(tx, lease))) throw new LeaseLost(lease);
    const view = viewOfChannel(message.channel);
    const cited = composed.citations.map(({ documentId }) => documentId).filter((id) => !isAttachment(id));
    if (!(await areShown(tx, await listSearchedBases(tx, message.appid, view), cited))) return false;
    await tx.run('update conversation set finished = started, failures = 0 where conversation_id = ?', [lease.id]);
    const state = composed.fixedText === undefined ? 'answered' : 'fixed';
    if (!(await endMessage(tx, message.messageId, state))) return true;
    await forgetPictures(tx, message);
    await insertAnswer(tx, message, { content: composed.text, state });
    await saveExplanation(tx, message.messageId, composed);
    await context.replyChannel(message.channel).enqueueReply(context, tx, message, composed);
    tx.afterCommit(() => {
      metrics.messages.inc({ event: composed.refused ? 'refused' : 'answered' });
      metrics.answerSeconds.observe(message.ageMs / 1000);
      const { refused, fixedText, blockedBy } = composed;
      logger.info({ appid: message.appid, msgid: message.msgid, refused, fixedText, blockedBy }, 'message answered');
      reached('message.answered');
    });
    return true;
  }, recording);
}
