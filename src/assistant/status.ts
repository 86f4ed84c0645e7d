import { AssistantStatus } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { internalPrefix } from '../article/event-store.ts';
import type { Session } from '../db/session.ts';

/** The account's open work, as far as the status depends on it. */
export interface OpenWork {
  /** What the articles' base is doing. */
  phase: string;
  /** What it finished last. */
  finishedPhase: string | null;
  /** Whether events wait to be handled. */
  hasEvents: boolean;
}

/** SQL: whether events wait for the base of `l`, those of our own left out. By article_event_by_base. */
export const hasEventsSql = `exists (select 1 from article_event e where e.knowledge_id = l.knowledge_id
  and e.state = 'pending' and e.event_id not like '${internalPrefix}%')`;

/**
 * The status of an assistant: 1, then 5, then 3 while such work is open, else the one that finished last (design
 * section 8). A comparison with the WeChat side (sync) is no such work.
 */
export function deriveStatus({ phase, finishedPhase, hasEvents }: OpenWork): AssistantStatus {
  if (phase === 'first') return AssistantStatus.LEARNING;
  if (phase === 'supplement') return AssistantStatus.SUPPLEMENTING;
  if (hasEvents) return AssistantStatus.UPDATING;
  if (finishedPhase === 'supplement') return AssistantStatus.SUPPLEMENTED;
  if (finishedPhase === 'update') return AssistantStatus.UPDATED;
  return AssistantStatus.LEARNED;
}

/** The status of an assistant now. By learning_by_appid and article_event_by_base. */
export async function loadStatus(session: Session, appid: string): Promise<AssistantStatus> {
  const [row] = await session.all<{ phase: string; finished_phase: string | null; events: number }>(
    `select l.phase, l.finished_phase, ${hasEventsSql} events
      from learning l join knowledge k on k.knowledge_id = l.knowledge_id
      where l.appid = ? and k.type = 1 and k.deleted_at is null`,
    [appid],
  );
  if (row === undefined) return AssistantStatus.LEARNING;
  return deriveStatus({ phase: row.phase, finishedPhase: row.finished_phase, hasEvents: row.events === 1 });
}
