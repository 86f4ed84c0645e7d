import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';

/** What a base is doing with the WeChat side's list. */
export type Phase = 'first' | 'supplement' | 'sync' | 'idle';

/** What a base still has to learn. */
export interface Learning {
  knowledgeId: string;
  appid: string;
  phase: Phase;
  nextOffset: number;
  /** Items that were learned in this phase so far. */
  learned: number;
  syncId: string | null;
  failures: number;
  /** Tries of a page, begun and ended. */
  started: number;
  finished: number;
  /** How long the next page has to wait. */
  waitMs: number;
}

export async function loadLearning(session: Session, knowledgeId: string): Promise<Learning | undefined> {
  const [row] = await session.all<LearningRow>(
    `select knowledge_id, appid, phase, next_offset, learned, sync_id, failures, started, finished,
        retry_at - ${session.dialect.now} wait_ms from learning where knowledge_id = ?`,
    [knowledgeId],
  );
  return (
    row && {
      knowledgeId: row.knowledge_id,
      appid: row.appid,
      phase: row.phase,
      nextOffset: row.next_offset,
      learned: row.learned,
      syncId: row.sync_id,
      failures: row.failures,
      started: row.started,
      finished: row.finished,
      waitMs: Math.max(0, row.wait_ms),
    }
  );
}

/** Counts the start of a page. */
export async function beginPage(session: Session, knowledgeId: string): Promise<void> {
  await session.run('update learning set started = started + 1 where knowledge_id = ?', [knowledgeId]);
}

/** Moves the cursor behind a page, in the page's transaction. */
export async function advance(
  tx: Tx,
  knowledgeId: string,
  to: { phase: Phase; nextOffset: number; learned: number; finishedPhase?: 'first' | 'supplement' },
): Promise<void> {
  await tx.run(
    `update learning set phase = ?, next_offset = ?, learned = ?, finished_phase = coalesce(?, finished_phase),
        finished = started, failures = 0, last_error = null where knowledge_id = ?`,
    [to.phase, to.nextOffset, to.learned, to.finishedPhase ?? null, knowledgeId],
  );
}

/** Lets the pages of a base wait after a failure. */
export async function retryPage(tx: Tx, knowledgeId: string, waitMs: number, reason: string): Promise<void> {
  await tx.run(
    `update learning set retry_at = ${tx.dialect.now} + ?, failures = failures + 1, finished = started,
        last_error = ? where knowledge_id = ?`,
    [waitMs, reason, knowledgeId],
  );
}

/** Notes that an event was the last thing to be finished, for the status. */
export async function noteUpdate(tx: Tx, knowledgeId: string): Promise<void> {
  await tx.run("update learning set finished_phase = 'update' where knowledge_id = ?", [knowledgeId]);
}

/**
 * Begins a comparison with the WeChat side, unless the base is busy with its list anyway. Returns whether it did. It
 * begins after `delayMs`; one that waits to begin does so then at the latest.
 */
export async function beginSync(session: Session, knowledgeId: string, delayMs = 0): Promise<boolean> {
  const at = `${session.dialect.now} + ${Math.round(delayMs)}`;
  const begun = await session.run(
    `update learning set retry_at = case when phase = 'sync' and retry_at < ${at} then retry_at else ${at} end,
        due_at = case when lease_token is not null or due_at < ${at} then due_at else ${at} end,
        phase = 'sync', sync_id = ?, next_offset = 0, learned = 0
      where knowledge_id = ? and (phase = 'idle' or phase = 'sync' and next_offset = 0 and lease_token is null)`,
    [ulid(), knowledgeId],
  );
  return begun === 1;
}

interface LearningRow {
  knowledge_id: string;
  appid: string;
  phase: Phase;
  next_offset: number;
  learned: number;
  sync_id: string | null;
  failures: number;
  started: number;
  finished: number;
  wait_ms: number;
}
