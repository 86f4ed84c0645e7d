import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';

const dayMs = 24 * 60 * 60 * 1000;
const batchSize = 500;

/**
 * The scheduled job: deletes messages whose time is over, with their explanations, streams and settled dispatches.
 * Where the account's consent is in effect they live longer; a deleted account's go at once. Nothing that is still
 * owed is touched.
 */
export async function pruneMessages({ database, config, logger }: Context, signal: AbortSignal): Promise<void> {
  const { MESSAGE_RETENTION_DAYS: days, MESSAGE_RETENTION_CONSENT_DAYS: consentDays } = config;
  let after: Cursor = { created_at: 0, message_id: '' };
  let pruned = 0;
  while (!signal.aborted) {
    const batch = await listOld(database, after, days * dayMs, consentDays * dayMs);
    const ids = batch.filter((row) => row.is_over === 1).map((row) => row.message_id);
    if (ids.length > 0) await database.tx((tx) => deleteMessages(tx, ids), { signal });
    pruned += ids.length;
    if (batch.length < batchSize) break;
    after = batch.at(-1)!;
  }
  logger.info({ messages: pruned }, 'messages pruned');
}

interface Cursor {
  created_at: number;
  message_id: string;
}

/** In the order of message_by_age, so that a run reads each message once. */
function listOld(session: Session, after: Cursor, keepMs: number, keepWithConsentMs: number) {
  const { now } = session.dialect;
  return session.all<Cursor & { is_over: number }>(
    `select m.message_id, m.created_at,
        case when m.state <> 'pending'
            and not exists (select 1 from dispatch d where d.message_id = coalesce(m.answers, m.message_id)
              and d.state = 'pending')
            and (a.deleted_at is not null or m.created_at < ${now} -
              case when a.consent_at <= ${now} then ? else ? end) then 1 else 0 end is_over
      from message m join assistant a on a.appid = m.appid
      where m.created_at < ${now} - case when a.deleted_at is null then ? else 0 end
        and (m.created_at > ? or (m.created_at = ? and m.message_id > ?))
      order by m.created_at, m.message_id limit ${batchSize}`,
    [keepWithConsentMs, keepMs, keepMs, after.created_at, after.created_at, after.message_id],
  );
}

/** By primary keys, and dispatch_by_message. */
async function deleteMessages(tx: Session, ids: string[]): Promise<void> {
  const marks = ids.map(() => '?').join(', ');
  await tx.run(`delete from dispatch where message_id in (${marks}) and state <> 'pending'`, ids);
  await tx.run(`delete from explanation where message_id in (${marks})`, ids);
  await tx.run(`delete from reply where message_id in (${marks})`, ids);
  await tx.run(`delete from message where message_id in (${marks})`, ids);
}
