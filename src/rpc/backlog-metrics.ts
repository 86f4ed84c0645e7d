import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { countPauses } from '../dispatch/pause-store.ts';
import { countConnections } from '../wecom/long-connection/connection-store.ts';

/** Sets the gauges that tell what the tables hold. */
export async function measureBacklog({ database, metrics }: Context): Promise<void> {
  for (const { what, waiting, oldest_ms } of await loadBacklog(database)) {
    metrics.backlog.set({ what }, Number(waiting));
    metrics.oldestSeconds.set({ what }, Math.max(0, Number(oldest_ms ?? 0)) / 1000);
  }
  for (const [scope, pauses] of await countPauses(database)) metrics.pauses.set({ scope }, pauses);
  for (const [state, bots] of await countConnections(database)) metrics.botConnections.set({ state }, bots);
}

/** A metric must not cost more the worse things are: of each kind the oldest are looked at, up to so many. */
const maxRows = 10_000;

/** Each by an index on its state and time, or on when it is due. */
export function loadBacklog(session: Session) {
  const { now } = session.dialect;
  const pending = (table: string, state = 'pending') =>
    `select created_at since from ${table} where state = '${state}'`;
  const parts = {
    dispatch_pending: `${pending('dispatch')} order by created_at`,
    dispatch_dead: `${pending('dispatch', 'dead')} order by created_at`,
    dispatch_unended: `select since from (select created_at since, started, finished from dispatch
      where state = 'pending' order by created_at limit ${maxRows}) pending where started > finished`,
    message_pending: `${pending('message')} order by created_at`,
    event_pending: `${pending('article_event')} order by created_at`,
    lane_due: `select due_at since from lane where drain_key = '' and due_at <= ${now} order by due_at`,
    conversation_due: `select due_at since from conversation where due_at <= ${now} order by due_at`,
  };
  const selects = Object.entries(parts).map(
    ([what, rows]) =>
      `select '${what}' what, count(*) waiting, ${now} - min(since) oldest_ms from (${rows} limit ${maxRows}) ${what}`,
  );
  return session.all<{ what: string; waiting: number; oldest_ms: number | null }>(selects.join(' union all '));
}
