import { rangeOf } from '../db/prefix.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';

/**
 * The scopes of the conversations that a user has had with an account's bots, alone or in groups where each member has
 * one. By wecom_session_by_owner and conversation_by_scope.
 */
export async function listWecomScopes(
  session: Session,
  appid: string,
  userId: string,
  incarnation: number,
): Promise<string[]> {
  const sessions = await session.all<{ session_id: string }>(
    'select session_id from wecom_session where owner_id = ?',
    [userId],
  );
  const scopes: string[] = [];
  for (const { session_id } of sessions) {
    for (let each = incarnation; each > 0; each--) {
      const rows = await session.all<{ scope_key: string }>(
        'select scope_key from conversation where appid = ? and scope_key >= ? and scope_key < ?',
        [appid, ...rangeOf(`wecom:${each}:${session_id}:`)],
      );
      scopes.push(...rows.map((row) => row.scope_key));
    }
  }
  return scopes;
}

/**
 * Forgets that a user has talked to an account's bots, and to those that nobody's assistant answers for. By
 * wecom_session_by_owner, and primary keys.
 */
export async function forgetSessions(tx: Tx, appid: string, userId: string): Promise<void> {
  await tx.run(
    `delete from wecom_session where owner_id = ? and not exists (select 1 from wecom_trigger t
        where t.integration_id = wecom_session.integration_id and t.appid <> ?)`,
    [userId, appid],
  );
}
