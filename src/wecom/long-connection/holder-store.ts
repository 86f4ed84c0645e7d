/**
 * Who holds which bot. A process that may hold connections has a row in `connection_holder`, alive until its `due_at`:
 * one UPDATE renews it for all of its bots. Its id is made anew whenever it was lost, and so is the fence of everything
 * that it does. A bot names its holder, and is free when that one is not alive.
 */
import type { Session } from '../../db/session.ts';
import type { Tx } from '../../db/tx.ts';

/** Makes a holder. */
export async function insertHolder(session: Session, holderId: string, name: string, leaseMs: number): Promise<void> {
  await session.run(
    `insert into connection_holder (holder_id, name, due_at) values (?, ?, ${session.dialect.now} + ?)`,
    [...[holderId, name, leaseMs]],
  );
}

/** Pushes a holder's end; false: it was over already. By the primary key. */
export async function renewHolder(session: Session, holderId: string, leaseMs: number): Promise<boolean> {
  const { now } = session.dialect;
  const renewed = await session.run(
    `update connection_holder set due_at = ${now} + ? where holder_id = ? and due_at > ${now}`,
    [leaseMs, holderId],
  );
  return renewed === 1;
}

/** Ends a holder: all of its bots are free. By the primary key. */
export async function deleteHolder(session: Session, holderId: string): Promise<void> {
  await session.run('delete from connection_holder where holder_id = ?', [holderId]);
}

/** Forgets holders that ended an hour ago. They are few: one for each process. */
export async function pruneHolders(session: Session): Promise<void> {
  await session.run(`delete from connection_holder where due_at < ${session.dialect.now} - 3600000`);
}

/** Holders that are alive. They are few. */
export async function countHolders(session: Session): Promise<number> {
  const [row] = await session.all<{ holders: number }>(
    `select count(*) holders from connection_holder where due_at > ${session.dialect.now}`,
  );
  return Number(row!.holders);
}

/** A bot that is to be connected. */
export interface WantedBot {
  integrationId: string;
  /** Grows with each change of its settings and each ReconnectIntegration: another one means a new connection. */
  revision: number;
  /** Empty: it is free. */
  holderId: string;
}

/** Bots that are to be connected, with who holds them: enabled, bound, and not closed by an operator. By the primary keys. */
export const wantedSql = ({ dialect }: Session) => `from integration i
      join wecom_trigger t on t.integration_id = i.integration_id and t.enabled = 1
      join assistant a on a.appid = t.appid and a.deleted_at is null
      left join bot_connection c on c.integration_id = i.integration_id
      left join connection_holder h on h.holder_id = c.holder_id and h.due_at > ${dialect.now}
      where i.mode = 2 and i.enabled = 1 and i.deleted_at is null and coalesce(c.wanted, 1) = 1`;

/**
 * The bots that are to be connected: enabled, bound to an assistant that is there, and not closed by an operator. By the
 * primary keys; a read of all bots, once in a round.
 */
export async function listWanted(session: Session): Promise<WantedBot[]> {
  const rows = await session.all<{ integration_id: string; revision: number; holder_id: string | null }>(
    `select i.integration_id, i.revision + coalesce(c.reconnects, 0) revision, h.holder_id ${wantedSql(session)}
      order by i.integration_id`,
  );
  return rows.map((row) => ({
    integrationId: row.integration_id,
    revision: Number(row.revision),
    holderId: row.holder_id ?? '',
  }));
}

/**
 * Takes a bot that is free, or the holder's already; false: somebody else was quicker, or the holder is not alive. What the holder before wrote of
 * its connection ends with it. By the primary keys.
 */
export async function takeBot(tx: Tx, integrationId: string, holderId: string): Promise<boolean> {
  const { now } = tx.dialect;
  await tx.insertOrKeep('bot_connection', { integration_id: integrationId }, ['integration_id']);
  const taken = await tx.run(
    `update bot_connection set holder_id = ?, next_attempt_at = null, reason = '', code = 0, attempts = 0,
        disconnected_at = case when state = 'connected' then ${now} else disconnected_at end, state = 'idle'
      where integration_id = ? and wanted = 1
      and (holder_id = ? or not exists (select 1 from connection_holder h
        where h.holder_id = bot_connection.holder_id and h.due_at > ${now}))
      and exists (select 1 from connection_holder h where h.holder_id = ? and h.due_at > ${now})`,
    [holderId, integrationId, holderId, holderId],
  );
  return taken === 1;
}

/** What is noted of a connection that its holder has closed. */
const closedSql = ({ dialect }: Session) => `holder_id = '', next_attempt_at = null,
        reason = case when state = 'stopped' then reason else '' end,
        code = case when state = 'stopped' then code else 0 end,
        attempts = case when state = 'stopped' then attempts else 0 end,
        disconnected_at = case when state = 'connected' then ${dialect.now} else disconnected_at end,
        state = case when state = 'stopped' then state else 'idle' end`;

/** Gives a bot back, where it is still held. By the primary key. */
export async function giveBack(session: Session, integrationId: string, holderId: string): Promise<void> {
  await session.run(`update bot_connection set ${closedSql(session)} where integration_id = ? and holder_id = ?`, [
    integrationId,
    holderId,
  ]);
}

/** The bots that the table says a holder has. By bot_connection_by_holder. */
export async function listHeld(session: Session, holderId: string): Promise<string[]> {
  const rows = await session.all<{ integration_id: string }>(
    'select integration_id from bot_connection where holder_id = ?',
    [holderId],
  );
  return rows.map((row) => row.integration_id);
}

/** Gives all bots of a holder back. By bot_connection_by_holder. */
export async function giveAllBack(session: Session, holderId: string): Promise<void> {
  await session.run(`update bot_connection set ${closedSql(session)} where holder_id = ?`, [holderId]);
}

/** Notes whether an operator wants a bot connected. By the primary key. */
export async function setWanted(tx: Tx, integrationId: string, wanted: boolean): Promise<void> {
  await tx.insertOrKeep('bot_connection', { integration_id: integrationId }, ['integration_id']);
  await tx.run('update bot_connection set wanted = ? where integration_id = ?', [wanted ? 1 : 0, integrationId]);
}

/** Asks for another connection, of a bot that has its row: setWanted comes first. By the primary key. */
export async function countReconnect(tx: Tx, integrationId: string): Promise<void> {
  await tx.run('update bot_connection set reconnects = reconnects + 1 where integration_id = ?', [integrationId]);
}
