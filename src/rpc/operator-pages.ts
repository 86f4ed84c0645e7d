import type { Context } from '../context.ts';
import { describeError } from '../errors.ts';
import { measureBacklog } from './backlog-metrics.ts';
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

async function writeMetrics(context: Context, response: AnyResponse): Promise<void> {
  const { metrics, logger } = context;
  try {
    await measureBacklog(context);
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'the backlog could not be read');
  }
  response.setHeader('content-type', metrics.registry.contentType);
  response.end(await metrics.registry.metrics());
}
