import type { Binding, Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';
import { notFound } from '../../errors.ts';
import type { Sealer } from '../../sealer.ts';

export const mode = { webhook: 1, longConnection: 2 } as const;

export type Language = 'zh' | 'en';

/** A WeCom bot, without its credentials. */
export interface Integration {
  integrationId: string;
  name: string;
  mode: number;
  receiveId: string;
  /** WeCom's id of the bot; empty: not known. */
  botId: string;
  language: Language;
  /** What replaces our texts, by name. */
  texts: Record<string, string>;
  /** The name by which users mention it; empty: not known. */
  botName: string;
  enabled: boolean;
  /** Milliseconds since 1970 by the database's clock. */
  createdAt: number;
  updatedAt: number;
  /** The assistant that its trigger binds it to; empty: none. */
  appid: string;
}

/** Credentials of a bot: those of its mode. */
export interface Credentials {
  token: string;
  encodingAesKey: string;
  secret: string;
}

/** What an operator sets of a bot. */
export type Settings = Pick<Integration, 'name' | 'receiveId' | 'botId' | 'language' | 'texts' | 'botName' | 'enabled'>;

/** The columns of a row in the order of `toIntegration`, from `integration i`. */
export const integrationSql = `select i.integration_id, i.name, i.mode, i.receive_id, i.bot_id, i.language, i.texts,
    i.bot_name, i.enabled, i.created_at, i.updated_at, t.appid
  from integration i left join wecom_trigger t on t.integration_id = i.integration_id and t.enabled = 1`;

export interface IntegrationRow {
  integration_id: string;
  name: string;
  mode: number;
  receive_id: string;
  bot_id: string | null;
  language: Language;
  texts: string;
  bot_name: string;
  enabled: number;
  created_at: number;
  updated_at: number;
  appid: string | null;
}

export function toIntegration(row: IntegrationRow): Integration {
  return {
    integrationId: row.integration_id,
    name: row.name,
    mode: row.mode,
    receiveId: row.receive_id,
    botId: row.bot_id ?? '',
    language: row.language,
    texts: JSON.parse(row.texts) as Record<string, string>,
    botName: row.bot_name,
    enabled: row.enabled === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    appid: row.appid ?? '',
  };
}

/** Finds a bot that is not deleted. By the primary keys. */
export async function findIntegration(session: Session, id: string): Promise<Integration | undefined> {
  const [row] = await session.all<IntegrationRow>(
    `${integrationSql} where i.integration_id = ? and i.deleted_at is null`,
    [id],
  );
  return row && toIntegration(row);
}

export async function requireIntegration(session: Session, id: string): Promise<Integration> {
  const integration = await findIntegration(session, id);
  if (integration === undefined) throw notFound('integration', id);
  return integration;
}

/** The same, locked until the commit: changes of one bot come one after another. */
export async function requireLockedIntegration(tx: Tx, id: string): Promise<Integration> {
  await tx.all(`select integration_id from integration where integration_id = ?${tx.dialect.forUpdate}`, [id]);
  return requireIntegration(tx, id);
}

/** The bot that has this id at WeCom. By integration_by_bot. */
export async function findByBotId(session: Session, botId: string): Promise<string | undefined> {
  const [row] = await session.all<{ integration_id: string }>(
    'select integration_id from integration where bot_id = ?',
    [botId],
  );
  return row?.integration_id;
}

/** The credentials of a bot. By the primary key. */
export async function loadCredentials(session: Session, sealer: Sealer, id: string): Promise<Credentials> {
  const [row] = await session.all<Record<keyof typeof sealedColumns, string | null>>(
    `select sealed_token token, sealed_aes_key encodingAesKey, sealed_secret secret
      from integration where integration_id = ?`,
    [id],
  );
  const open = (name: keyof typeof sealedColumns) => {
    const sealed = row?.[name];
    return sealed ? sealer.open(sealed, placeOf(id, name)) : '';
  };
  return { token: open('token'), encodingAesKey: open('encodingAesKey'), secret: open('secret') };
}

const sealedColumns = { token: 'sealed_token', encodingAesKey: 'sealed_aes_key', secret: 'sealed_secret' } as const;

const placeOf = (id: string, name: keyof Credentials) => `integration:${id}:${name}`;

export async function insertIntegration(
  tx: Tx,
  { integrationId, mode }: Pick<Integration, 'integrationId' | 'mode'>,
  settings: Settings,
): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(
    `insert into integration (integration_id, mode, name, receive_id, bot_id, language, texts, bot_name, enabled, revision,
        created_at, updated_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ${now}, ${now})`,
    [integrationId, mode, ...toColumns(settings)],
  );
  await tx.run('insert into integration_status (integration_id) values (?)', [integrationId]);
}

/** Changes settings; a long connection is dialled anew where that is by other credentials. By the primary key. */
export async function updateSettings(tx: Tx, id: string, settings: Settings, redials: boolean): Promise<void> {
  await tx.run(
    `update integration set name = ?, receive_id = ?, bot_id = ?, language = ?, texts = ?, bot_name = ?, enabled = ?,
        revision = revision + ${redials ? 1 : 0}, updated_at = ${tx.dialect.now} where integration_id = ?`,
    [...toColumns(settings), id],
  );
}

function toColumns({ name, receiveId, botId, language, texts, botName, enabled }: Settings): Binding[] {
  return [name, receiveId, botId === '' ? null : botId, language, JSON.stringify(texts), botName, enabled ? 1 : 0];
}

/** Replaces the credentials that are given. By the primary key. */
export async function saveCredentials(
  tx: Tx,
  sealer: Sealer,
  id: string,
  credentials: Partial<Credentials>,
): Promise<void> {
  for (const [name, column] of Object.entries(sealedColumns) as [keyof Credentials, string][]) {
    const secret = credentials[name];
    if (secret === undefined || secret === '') continue;
    await tx.run(`update integration set ${column} = ? where integration_id = ?`, [
      sealer.seal(secret, placeOf(id, name)),
      id,
    ]);
  }
}

/** Nothing of its credentials is left. By the primary key; false: it was deleted before. */
export async function markIntegrationDeleted(tx: Tx, id: string): Promise<boolean> {
  const deleted = await tx.run(
    `update integration set deleted_at = ${tx.dialect.now}, bot_id = null, sealed_token = null, sealed_aes_key = null,
        sealed_secret = null, revision = revision + 1 where integration_id = ? and deleted_at is null`,
    [id],
  );
  return deleted === 1;
}
