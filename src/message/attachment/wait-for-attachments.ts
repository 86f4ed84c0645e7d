import type { Session } from '../../db/session.ts';
import { linkMs } from './store.ts';

/** Whoever fetches has given up by then, or nobody does. */
const patienceMs = linkMs + 60_000;

/**
 * How long a message has to wait for what came with it, at most: the one who fetches the last of it makes the
 * conversation due. 0: nothing is pending, or nobody fetches it any more. By attachment_by_message.
 */
export async function attachmentsWaitMs(session: Session, messageId: string): Promise<number> {
  const [row] = await session.all<{ age_ms: number | null }>(
    `select ${session.dialect.now} - max(created_at) age_ms from attachment where message_id = ? and state = 'pending'`,
    [messageId],
  );
  const ageMs = row?.age_ms ?? null;
  return ageMs === null ? 0 : Math.max(0, patienceMs - ageMs);
}
