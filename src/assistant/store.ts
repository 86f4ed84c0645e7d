import type { AssistantStatus } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Session } from '../db/session.ts';
import { notFound } from '../errors.ts';

/** Which of the two configurations. */
export type View = 'online' | 'draft';

export interface Assistant {
  appid: string;
  /** Counts re-creations: what was before a deletion stays apart. */
  incarnation: number;
  /** For the last time. Milliseconds since 1970 by the database's clock. */
  createdAt: number;
  lastStatus: AssistantStatus;
  deleted: boolean;
}

/** What the account's owner sets. */
export interface Settings {
  name: string;
  description: string;
  systemPrompt: string;
}

export interface AssistantRow {
  appid: string;
  incarnation: number;
  created_at: number;
  last_status: AssistantStatus;
  deleted_at: number | null;
}

/** Finds an assistant, deleted ones too. */
export async function findAssistant(session: Session, appid: string): Promise<Assistant | undefined> {
  return toAssistant(
    await session.all<AssistantRow>(
      'select appid, incarnation, created_at, last_status, deleted_at from assistant where appid = ?',
      [appid],
    ),
  );
}

/** Finds an assistant, deleted ones too, and locks it: changes of one assistant come one after another. */
export async function lockAssistant(tx: Session, appid: string): Promise<Assistant | undefined> {
  return toAssistant(
    await tx.all<AssistantRow>(
      `select appid, incarnation, created_at, last_status, deleted_at from assistant where appid = ?${tx.dialect.forUpdate}`,
      [appid],
    ),
  );
}

/** The assistant, or an error for the caller where there is none or it was deleted. */
export async function requireAssistant(session: Session, appid: string): Promise<Assistant> {
  return present(await findAssistant(session, appid), appid);
}

/** The same, and it is not deleted before the commit: what is accepted for it is found by its deletion, or refused. */
export async function requireHeldAssistant(tx: Session, appid: string): Promise<Assistant> {
  const rows = await tx.all<AssistantRow>(
    `select appid, incarnation, created_at, last_status, deleted_at from assistant where appid = ?${tx.dialect.forShare}`,
    [appid],
  );
  return present(toAssistant(rows), appid);
}

/** Whether it is deleted; it is not created again before the commit. By the primary key. */
export async function holdDeleted(tx: Session, appid: string): Promise<boolean> {
  const rows = await tx.all(
    `select 1 from assistant where appid = ? and deleted_at is not null${tx.dialect.forShare}`,
    [appid],
  );
  return rows.length > 0;
}

export async function requireLockedAssistant(tx: Session, appid: string): Promise<Assistant> {
  return present(await lockAssistant(tx, appid), appid);
}

function present(assistant: Assistant | undefined, appid: string): Assistant {
  if (assistant === undefined || assistant.deleted) throw notFound('assistant', appid);
  return assistant;
}

function toAssistant([row]: AssistantRow[]): Assistant | undefined {
  return (
    row && {
      appid: row.appid,
      incarnation: row.incarnation,
      createdAt: row.created_at,
      lastStatus: row.last_status,
      deleted: row.deleted_at !== null,
    }
  );
}

export async function insertAssistant(tx: Session, appid: string): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(`insert into assistant (appid, incarnation, created_at, updated_at) values (?, 1, ${now}, ${now})`, [
    appid,
  ]);
}

/** A fresh start after a deletion. */
export async function reviveAssistant(tx: Session, appid: string): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(
    `update assistant set incarnation = incarnation + 1, deleted_at = null, consent_at = null, last_status = 1,
        created_at = ${now}, updated_at = ${now} where appid = ?`,
    [appid],
  );
}

export async function markDeleted(tx: Session, appid: string, lastStatus: number): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(`update assistant set deleted_at = ${now}, updated_at = ${now}, last_status = ? where appid = ?`, [
    lastStatus,
    appid,
  ]);
}

export async function saveSettings(tx: Session, appid: string, view: View, settings: Settings): Promise<void> {
  const { name, description, systemPrompt } = settings;
  await tx.upsert(
    'assistant_config',
    { appid, view, name, description, system_prompt: systemPrompt },
    ['appid', 'view'],
    ['name', 'description', 'system_prompt'],
  );
}

export async function loadSettings(session: Session, appid: string, view: View): Promise<Settings> {
  const [row] = await session.all<{ name: string; description: string; system_prompt: string }>(
    'select name, description, system_prompt from assistant_config where appid = ? and view = ?',
    [appid, view],
  );
  return { name: row?.name ?? '', description: row?.description ?? '', systemPrompt: row?.system_prompt ?? '' };
}

/**
 * Sets from when users' messages may be kept: 00:00 in Asia/Shanghai (which has no daylight saving time) of the second
 * day from today. Consent that was given before keeps its time.
 */
export async function giveConsent(tx: Session, appid: string): Promise<void> {
  const day = 24 * 60 * 60 * 1000;
  const shanghai = 8 * 60 * 60 * 1000;
  const local = `(${tx.dialect.now} + ${shanghai})`;
  await tx.run(
    `update assistant set consent_at = coalesce(consent_at, ${local} - (${local} % ${day}) + ${2 * day - shanghai})
      where appid = ?`,
    [appid],
  );
}

export async function withdrawConsent(tx: Session, appid: string): Promise<void> {
  await tx.run('update assistant set consent_at = null where appid = ?', [appid]);
}
