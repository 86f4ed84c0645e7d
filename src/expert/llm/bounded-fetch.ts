import { LlmFailure } from './failure.ts';

/** Of the body that comes with an error, so much is read. */
const maxErrorBytes = 16 * 1024;

/**
 * Fetch, for an endpoint that may send anything: a body longer than `maxBytes` breaks off, an error's body is cut, and
 * redirects are not followed, since the key and the texts are meant for the configured address alone.
 */
export function createBoundedFetch(maxBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    const { body, status, statusText, headers } = response;
    if (body === null || status < 200 || status > 599) return response;
    const bounded = body.pipeThrough(response.ok ? failAfter(maxBytes) : endAfter(maxErrorBytes));
    return new Response(bounded, { status, statusText, headers });
  };
}

function failAfter(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) controller.error(new LlmFailure('too long a stream'));
      else controller.enqueue(chunk);
    },
  });
}

function endAfter(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = maxBytes;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left <= 0) controller.terminate();
    },
  });
}
