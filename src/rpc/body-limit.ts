/**
 * Bounds the bodies of Connect and gRPC in place of `readMaxBytes`: Connect refuses what is too large as too much at
 * once (resource_exhausted, HTTP 429), which asks for a repetition, and without our details.
 */
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { AppError } from '../errors.ts';
import { toConnectError } from './errors.ts';
import { requestIdHeader } from './request-id.ts';

/** Stands before a message of gRPC, or of a Connect stream: its flags and its length. */
const envelopeBytes = 5;

/** Connect's own limit, where ours are in its place. */
export const connectReadMaxBytes = 0xffffffff;

/** Refuses what says to be too large before it is read. For a request gate. */
export function checkLength(header: Headers, maxBytes: number): void {
  const length = Number(header.get('content-length') ?? 0);
  if (length > maxBytes + envelopeBytes) throw tooLarge(maxBytes, header);
}

/** Makes all that is registered refuse a body that becomes too large while it is read. */
export function limitBodies({ handlers }: ConnectRouter, maxBytes: number): void {
  for (const [at, handler] of handlers.entries()) {
    const limited: typeof handler = Object.assign(
      (...[request]: Parameters<typeof handler>) => {
        const { body, header } = request;
        const limitedBody = isStream(body) ? limit(body, maxBytes, header) : body;
        return handler({ ...request, body: limitedBody });
      },
      { ...handler },
    );
    handlers[at] = limited;
  }
}

/** What bodies may be compressed by, with the same limit for what comes out of it. */
export function limitedCompressions(maxBytes: number) {
  return [compressionGzip, compressionBrotli].map((compression) => ({
    ...compression,
    decompress: (bytes: Uint8Array) =>
      compression.decompress(bytes, maxBytes).catch((error: unknown) => {
        const isTooLarge = error instanceof ConnectError && error.code === Code.ResourceExhausted;
        throw isTooLarge ? tooLarge(maxBytes) : error;
      }),
  }));
}

async function* limit(body: AsyncIterable<Uint8Array>, maxBytes: number, header: Headers) {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes + envelopeBytes) throw tooLarge(maxBytes, header);
    yield chunk;
  }
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** As the JSON routes tell it (body.ts). */
function tooLarge(maxBytes: number, header?: Headers): ConnectError {
  const error = new AppError('INVALID_FIELD', `a body may have at most ${maxBytes} bytes`);
  return toConnectError(error, header?.get(requestIdHeader) ?? '');
}
