import type { Config } from '../config.ts';
import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Answer, Webhook } from '../wecom/webhook/webhook.ts';
import { HttpRefusal, readBytes } from './body.ts';
import { writeJson } from './json-routes.ts';
import { listenOnePort, type OnePort, type OnePortRequest, type OnePortResponse } from './one-port.ts';

/** A callback is larger only when somebody plays. */
const maxCallbackBytes = 1024 * 1024;

/** So many callbacks are read and answered at once: strangers may send as well, and none is believed before it is read. */
const maxCallbacks = 256;

/** WeCom does not wait for longer. */
const callbackTimeoutMs = 5000;

/** The only listener meant for the internet: /healthz, and the callback addresses of WeCom's bots. */
export function startPublicListener(config: Config, logger: Logger, webhook: Webhook): Promise<OnePort> {
  let callbacks = 0;
  return listenOnePort({
    ...config.PUBLIC_ADDR,
    onRequest: (request, response) => {
      const [path, query] = splitUrl(request.url ?? '');
      const [, integrationId] = /^\/api\/wecom\/webhook\/([^/]*)$/.exec(path) ?? [];
      const isHealth = path === '/healthz' && (request.method === 'GET' || request.method === 'HEAD');
      if (isHealth || integrationId === undefined) {
        writeJson(response, isHealth ? 200 : 404, isHealth ? { status: 'ok' } : { status: 'not found' });
        return;
      }
      if (callbacks >= maxCallbacks) return writeText(response, { status: 503, body: 'try again' });
      callbacks++;
      response.once('close', () => callbacks--);
      void callBack(webhook, request, { integrationId, query }).then(
        (answer) => writeText(response, answer),
        (error) => {
          if (error instanceof HttpRefusal) return writeText(response, { status: error.status, body: error.message });
          if (response.destroyed) return; // who called is gone
          logger.error({ integrationId, error: describeError(error) }, 'a callback failed');
          writeText(response, { status: 503, body: 'try again' });
        },
      );
    },
    sniffTimeoutMs: config.REQUEST_TIMEOUT_MS,
    headersTimeoutMs: config.REQUEST_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    maxConnections: 10_000,
    onError: (error) => logger.warn({ error: describeError(error) }, 'a public request failed'),
  });
}

function splitUrl(url: string): [path: string, query: string] {
  const end = url.indexOf('?');
  return end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
}

async function callBack(
  webhook: Webhook,
  request: OnePortRequest,
  { integrationId, query }: { integrationId: string; query: string },
): Promise<Answer> {
  const method = request.method ?? '';
  if (method !== 'GET' && method !== 'POST') throw new HttpRefusal(405, 'GET or POST only');
  const limits = { maxBodyBytes: maxCallbackBytes, bodyTimeoutMs: callbackTimeoutMs };
  const body = method === 'POST' ? await readBytes(request, limits) : new Uint8Array();
  return webhook({ method, integrationId, query: new URLSearchParams(query), body });
}

/** Never kept by anybody in between. */
function writeText(response: OnePortResponse, { status, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('cache-control', 'no-store');
  response.end(body);
}
