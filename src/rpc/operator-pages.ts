import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { describeError } from '../errors.ts';
import { measureBacklog } from './backlog-metrics.ts';
import { type AnyRequest, type AnyResponse, writeJson } from './json-routes.ts';
import { isReady } from './readiness.ts';

/** Serves /healthz (the process lives), /readyz (it can do its work) and /metrics. False: the path is none of them. */
export function operatorPages(context: Context) {
  const writeMetrics = createMetricsPage(context);
  return (request: AnyRequest, response: AnyResponse): boolean => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/healthz') writeJson(response, 200, { status: 'ok' });
    else if (path === '/readyz') void writeReadiness(context, response);
    else if (path === '/metrics') void writeMetrics(response);
    else return false;
    return true;
  };
}

async function writeReadiness(context: Context, response: AnyResponse): Promise<void> {
  if (await isReady(context)) writeJson(response, 200, { status: 'ok' });
  else writeJson(response, 503, { status: 'unavailable' });
}

/** A database that is slow or away must not keep those waiting who want to see that: the gauges stay as they were. */
const backlogPatienceMs = 2000;

/** The function that it returns writes the metrics. What the tables hold is read once at a time. */
function createMetricsPage(context: Context): (response: AnyResponse) => Promise<void> {
  const { metrics, logger } = context;
  let measuring: Promise<void> | undefined;
  return async (response) => {
    measuring ??= measureBacklog(context)
      .catch((error) => logger.warn({ error: describeError(error) }, 'the backlog could not be read'))
      .finally(() => {
        measuring = undefined;
      });
    await Promise.race([measuring, sleep(backlogPatienceMs, undefined, { ref: false })]);
    response.setHeader('content-type', metrics.registry.contentType);
    response.end(await metrics.registry.metrics());
  };
}
