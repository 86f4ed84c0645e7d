import { ulid } from 'ulid';
import type { OnePortRequest, OnePortResponse } from './one-port.ts';

export const requestIdHeader = 'x-request-id';

/**
 * Gives a request the id under which it is logged, and its answer as well, whatever becomes of it. A caller's own id
 * is taken where it is harmless.
 */
export function setRequestId(request: OnePortRequest, response: OnePortResponse): void {
  const given = request.headers[requestIdHeader];
  const id = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : ulid();
  request.headers[requestIdHeader] = id;
  response.setHeader(requestIdHeader, id);
}
