import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { countPauses } from '../dispatch/pause-store.ts';
import { describeError } from '../errors.ts';
import { type AnyRequest, type AnyResponse, writeJson } from './json-routes.ts';
import { isReady } from './readiness.ts';

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

async function writeReadiness(context: Context, response: AnyResponse): Promise<void> {
  if (await isReady(context)) writeJson(response, 200, { status: 'ok' });
  else writeJson(response, 503, { status: 'unavailable' });
}

async function writeMetrics({ database, metrics, logger }: Context, response: AnyResponse): Promise<void> {
  try {
    for (const { what, waiting, oldest_ms } of await loadBacklog(database)) {
      metrics.backlog.set({ what }, waiting);
      metrics.oldestSeconds.set({ what }, (oldest_ms ?? 0) / 1000);
    }
    for (const [scope, pauses] of await countPauses(database)) metrics.pauses.set({ scope }, pauses);
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'the backlog could not be read');
  }
  response.setHeader('content-type', metrics.registry.contentType);
  response.end(await metrics.registry.metrics());
}

/** What waits, up to ten thousand of each: a metric must not cost more the worse things are. */
function loadBacklog(session: Session) {
  const { now } = session.dialect;
  const part = (what: string, from: string) =>
    `select '${what}' what, count(*) waiting, max(age_ms) oldest_ms
      from (select ${now} - created_at age_ms from ${from} limit 10000) ${what}`;
  return session.all<{ what: string; waiting: number; oldest_ms: number | null }>(
    [
      part('dispatch_pending', "dispatch where state = 'pending'"),
      part('dispatch_dead', "dispatch where state = 'dead'"),
      part('message_pending', "message where state = 'pending'"),
      part('event_pending', "article_event where state = 'pending'"),
    ].join(' union all '),
  );
}
