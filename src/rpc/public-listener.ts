import type { Config } from '../config.ts';
import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { writeJson } from './json-routes.ts';
import { listenOnePort, type OnePort } from './one-port.ts';

/** The only listener meant for the internet: /healthz, and later the webhooks of WeCom. */
export function startPublicListener(config: Config, logger: Logger): Promise<OnePort> {
  return listenOnePort({
    ...config.PUBLIC_ADDR,
    onRequest: (request, response) => {
      const isHealth = request.url === '/healthz' && (request.method === 'GET' || request.method === 'HEAD');
      writeJson(response, isHealth ? 200 : 404, isHealth ? { status: 'ok' } : { status: 'not found' });
    },
    sniffTimeoutMs: config.REQUEST_TIMEOUT_MS,
    headersTimeoutMs: config.REQUEST_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    maxConnections: 10_000,
    onError: (error) => logger.warn({ error: describeError(error) }, 'a public request failed'),
  });
}
