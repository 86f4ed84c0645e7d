import { marksFor } from '../db/batches.ts';
import { readNow } from '../db/read-now.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Dispatch } from './dispatch.ts';

/** The scope of a pause of everything. */
export const globalScope = 'global';

/** The scope of a pause of one account, or of one integration. */
export const appidScope = (appid: string) => `appid:${appid}`;
export const integrationScope = (integrationId: string) => `integration:${integrationId}`;

/** The scopes that a dispatch, or its lane, is in. */
export function scopesOf({ appid, integrationId }: Pick<Dispatch, 'appid' | 'integrationId'>): string[] {
  const integration = integrationId === '' ? [] : [integrationScope(integrationId)];
  return [globalScope, appidScope(appid), ...integration];
}

/** A pause as it is stored. */
export interface PauseRow {
  scope: string;
  since: number;
  actor: string;
  reason: string;
}

/** Which of the scopes is paused: the widest. By the primary key. */
export async function findPause(session: Session, scopes: readonly string[]): Promise<string | undefined> {
  const pauses = await loadPauses(session, scopes);
  return pauses.find(({ scope }) => scope === globalScope)?.scope ?? pauses[0]?.scope;
}

/** The pauses of these scopes. By the primary key. */
export function loadPauses(session: Session, scopes: readonly string[]): Promise<PauseRow[]> {
  return session.all<PauseRow>(
    `select scope, since, actor, reason from delivery_pause where scope in ${marksFor(scopes)}`,
    scopes,
  );
}

/** All pauses, up to a thousand. By the primary key. */
export function listPauseRows(session: Session): Promise<PauseRow[]> {
  return session.all<PauseRow>('select scope, since, actor, reason from delivery_pause order by scope limit 1000');
}

/** How many pauses there are of each kind of scope: global, appid and integration. */
export async function countPauses(session: Session): Promise<Map<string, number>> {
  const counts = new Map([globalScope, appidScope(''), integrationScope('')].map((prefix) => [kindOf(prefix), 0]));
  for (const { scope } of await listPauseRows(session)) counts.set(kindOf(scope), counts.get(kindOf(scope))! + 1);
  return counts;
}

const kindOf = (scope: string) => scope.split(':', 1)[0]!;

/** Inserts a pause, or replaces who and why; returns since when it is. By the primary key. */
export async function insertPause(tx: Tx, scope: string, actor: string, reason: string): Promise<number> {
  await tx.upsert('delivery_pause', { scope, since: await readNow(tx), actor, reason }, ['scope'], ['actor', 'reason']);
  const [pause] = await loadPauses(tx, [scope]);
  return pause!.since;
}

/** Deletes a pause; false: there was none. By the primary key. */
export async function deletePause(tx: Tx, scope: string): Promise<boolean> {
  return (await tx.run('delete from delivery_pause where scope = ?', [scope])) === 1;
}

/**
 * Returns when no begin that did not see a pause is on its way: each locks its lane before it looks for one, so whoever
 * has written to every lane that was held has waited for them. It is a write, since a lock holds on one node only
 * where the database has several. The lanes by lane_by_token, then by primary key: as many as there are workers.
 */
export async function passBarrier(session: Session): Promise<void> {
  const held = await session.all<{ lane_id: string }>('select lane_id from lane where lease_token is not null');
  for (const { lane_id } of held)
    await session.run('update lane set barrier = barrier + 1 where lane_id = ?', [lane_id]);
}

const batchLanes = 500;

/**
 * Makes the lanes due that were parked under an account's or integration's pause, in batches by lane_by_appid or
 * lane_by_integration. A lane that is held is waited for: its holder may be about to park it.
 */
export async function wakeParked(session: Session, column: 'appid' | 'integration_id', id: string): Promise<void> {
  const { now } = session.dialect;
  for (let after = ''; ; ) {
    const lanes = await session.all<{ lane_id: string }>(
      `select lane_id from lane where ${column} = ? and lane_id > ? and due_at > ${now}
        order by lane_id limit ${batchLanes}`,
      [id, after],
    );
    if (lanes.length === 0) return;
    const ids = lanes.map(({ lane_id }) => lane_id);
    await session.run(
      `update lane set due_at = ${now} where lane_id in ${marksFor(ids)}
        and lease_token is null and due_at > ${now}`,
      ids,
    );
    after = ids.at(-1)!;
  }
}
