import type { Context } from '../context.ts';
import { pendingMigrations } from '../db/migrate.ts';
import type { Session } from '../db/session.ts';
import { describeError } from '../errors.ts';
import { type AnyRequest, type AnyResponse, writeJson } from './json-routes.ts';

/** Serves /healthz (the process lives), /readyz (it can do its work) and /metrics. False: the path is none of them. */
export function operatorPages(context: Context) {
  return (request: AnyRequest, response: AnyResponse): boolean => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/healthz') writeJson(response, 200, { status: 'ok' });
    else if (path === '/readyz') void writeReadiness(context, response);
    else if (path === '/metrics') void writeMetrics(context, response);
    else return false;
    return true;
  };
}

async function writeReadiness({ database, logger }: Context, response: AnyResponse): Promise<void> {
  try {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) throw new Error(`the schema lacks ${pending.join(', ')}`);
    writeJson(response, 200, { status: 'ok' });
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'not ready');
    writeJson(response, 503, { status: 'unavailable' });
  }
}

async function writeMetrics({ database, metrics, logger }: Context, response: AnyResponse): Promise<void> {
  try {
    for (const { what, waiting, oldest_ms } of await loadBacklog(database)) {
      metrics.backlog.set({ what }, waiting);
      metrics.oldestSeconds.set({ what }, (oldest_ms ?? 0) / 1000);
    }
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'the backlog could not be read');
  }
  response.setHeader('content-type', metrics.registry.contentType);
  response.end(await metrics.registry.metrics());
}

/**
 * What waits, up to ten thousand of each: a metric must not cost more the worse things are, nor the more messages are
 * kept. What is pending is found by what has to do with it and so is due, or held: conversations and bases.
 */
export function loadBacklog(session: Session) {
  const { now } = session.dialect;
  const part = (what: string, at: string, from: string) =>
    `select '${what}' what, count(*) waiting, max(age_ms) oldest_ms
      from (select ${now} - ${at} age_ms from ${from} limit 10000) ${what}`;
  return session.all<{ what: string; waiting: number; oldest_ms: number | null }>(
    [
      // By dispatch_by_state.
      part('dispatch_pending', 'created_at', "dispatch where state = 'pending'"),
      part('dispatch_dead', 'created_at', "dispatch where state = 'dead'"),
      // By conversation_by_due and message_by_state.
      part(
        'message_pending',
        'm.created_at',
        `conversation c join message m on m.conversation_id = c.conversation_id and m.state = 'pending'
          where c.due_at is not null`,
      ),
      // By learning_by_due and article_event_by_base.
      part(
        'event_pending',
        'e.created_at',
        `learning l join article_event e on e.knowledge_id = l.knowledge_id and e.state = 'pending'
          where l.due_at is not null`,
      ),
    ].join(' union all '),
  );
}
