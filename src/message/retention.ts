import type { Config } from '../config.ts';
import type { Session } from '../db/session.ts';
import { isEarlier } from './channel.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** What of an account's messages is kept. Times are milliseconds since 1970 by the database's clock. */
export interface Retention {
  /** What is older is over. */
  since: number;
  /** Of an earlier incarnation all is over. */
  incarnation: number;
  /** All that is over is older than this. */
  border: number;
}

/** Where the account's consent is in effect messages live longer; a deleted account's are over at once. By primary key. */
export async function loadRetention(session: Session, config: Config, appid: string): Promise<Retention> {
  const { now } = session.dialect;
  const [row] = await session.all<{ since: number; incarnation: number; created_at: number }>(
    `select ${now} - case when deleted_at is not null then 0 when consent_at <= ${now} then ? else ? end since,
        incarnation, created_at from assistant where appid = ?`,
    [config.MESSAGE_RETENTION_CONSENT_DAYS * dayMs, config.MESSAGE_RETENTION_DAYS * dayMs, appid],
  );
  const { since, incarnation, created_at } = row!;
  return { since, incarnation, border: incarnation > 1 ? Math.max(since, created_at) : since };
}

/** Whether the time of something that was said in a conversation is over. */
export function isOver({ since, incarnation }: Retention, at: number, scopeKey: string): boolean {
  return at < since || isEarlier(scopeKey, incarnation);
}
