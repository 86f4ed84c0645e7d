import { ulid } from 'ulid';
import { readNow } from '../../db/read-now.ts';
import type { Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';

/** What came from WeCom, as it is stored. */
export interface StatusRow {
  last_callback_at: number | null;
  last_bad_signature_at: number | null;
  callbacks: number;
  bad_signatures: number;
  messages: number;
}

/** By the primary key. */
export async function loadStatus(session: Session, integrationId: string): Promise<StatusRow> {
  const [row] = await session.all<StatusRow>(
    `select last_callback_at, last_bad_signature_at, callbacks, bad_signatures, messages
      from integration_status where integration_id = ?`,
    [integrationId],
  );
  return row ?? { last_callback_at: null, last_bad_signature_at: null, callbacks: 0, bad_signatures: 0, messages: 0 };
}

/** What came since it was written last. Ages are in milliseconds; undefined: none came. */
export interface StatusChange {
  callbacks: number;
  badSignatures: number;
  messages: number;
  lastCallbackAgeMs: number | undefined;
  lastBadSignatureAgeMs: number | undefined;
}

/** Adds what came. By the primary key. */
export async function addToStatus(session: Session, integrationId: string, change: StatusChange): Promise<void> {
  const { now } = session.dialect;
  const { lastCallbackAgeMs, lastBadSignatureAgeMs } = change;
  await session.run(
    `update integration_status set callbacks = callbacks + ?, bad_signatures = bad_signatures + ?,
        messages = messages + ?,
        last_callback_at = ${lastCallbackAgeMs === undefined ? 'last_callback_at' : `${now} - ?`},
        last_bad_signature_at = ${lastBadSignatureAgeMs === undefined ? 'last_bad_signature_at' : `${now} - ?`}
      where integration_id = ?`,
    [
      ...[change.callbacks, change.badSignatures, change.messages],
      ...[lastCallbackAgeMs, lastBadSignatureAgeMs].filter((age) => age !== undefined).map(Math.round),
      integrationId,
    ],
  );
}

/** An error as it is stored. */
export interface ErrorRow {
  at: number;
  code: number;
  what: string;
  reason: string;
}

const keptErrors = 20;

/** The newest first. By integration_error_by_integration. */
export function loadErrors(session: Session, integrationId: string): Promise<ErrorRow[]> {
  return session.all<ErrorRow>(
    `select at, code, what, reason from integration_error where integration_id = ?
      order by error_id desc limit ${keptErrors}`,
    [integrationId],
  );
}

/** Writes an error down, and forgets what is older than the last twenty. By integration_error_by_integration. */
export async function addError(tx: Tx, integrationId: string, error: Omit<ErrorRow, 'at'>): Promise<void> {
  const { code, what, reason } = error;
  const at = await readNow(tx); // the order of the ids is that of the database's time, whichever process writes
  await tx.run(
    'insert into integration_error (error_id, integration_id, at, code, what, reason) values (?, ?, ?, ?, ?, ?)',
    [ulid(at), integrationId, at, code, what, reason.slice(0, 500)],
  );
  const [oldest] = await tx.all<{ error_id: string }>(
    `select error_id from integration_error where integration_id = ?
      order by error_id desc limit 1 offset ${keptErrors - 1}`,
    [integrationId],
  );
  if (oldest === undefined) return;
  await tx.run('delete from integration_error where integration_id = ? and error_id < ?', [
    integrationId,
    oldest.error_id,
  ]);
}
