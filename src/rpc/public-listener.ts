import type { Config } from '../config.ts';
import { describeError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Answer, Callback, Webhook } from '../wecom/webhook/webhook.ts';
import { HttpRefusal, readBytes } from './body.ts';
import { writeJson } from './json-routes.ts';
import { listenOnePort, type OnePort, type OnePortRequest, type OnePortResponse } from './one-port.ts';

/** A callback is larger only when somebody plays. */
const maxCallbackBytes = 1024 * 1024;

/**
 * So many callbacks are read at once, and so many of those that were read are answered. Strangers may send as well, and
 * none is believed before it is read: who sends slowly takes no place from what has arrived.
 */
const maxReading = 512;
const maxAnswering = 256;

/** WeCom does not wait for longer. */
const bodyTimeoutMs = 5000;

/** The only listener meant for the internet: /healthz, and the callback addresses of WeCom's bots. */
export function startPublicListener(config: Config, logger: Logger, webhook: Webhook): Promise<OnePort> {
  const reading = createPlaces(maxReading);
  const answering = createPlaces(maxAnswering);
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
      const callBack = async () => {
        const callback = await reading(() => readCallback(request, { integrationId, query }));
        return answering(() => webhook(callback));
      };
      void callBack().then(
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

/** What can't be a callback is refused before it is read. */
async function readCallback(
  request: OnePortRequest,
  { integrationId, query }: { integrationId: string; query: string },
): Promise<Callback> {
  const method = request.method ?? '';
  if (method !== 'GET' && method !== 'POST') throw new HttpRefusal(405, 'GET or POST only');
  const callback = { method, integrationId, query: new URLSearchParams(query) };
  const isSigned = ['msg_signature', 'timestamp', 'nonce'].every((name) => callback.query.get(name));
  if (method === 'GET' || !isSigned) return { ...callback, body: new Uint8Array() };
  return { ...callback, body: await readBytes(request, { maxBodyBytes: maxCallbackBytes, bodyTimeoutMs }) };
}

/** Runs so many at once, and refuses what is beyond that. */
function createPlaces(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let taken = 0;
  return async (work) => {
    if (taken >= most) throw new HttpRefusal(503, 'try again');
    taken++;
    try {
      return await work();
    } finally {
      taken--;
    }
  };
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
