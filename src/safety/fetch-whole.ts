import { createBody } from '../egress/body.ts';
import { ModerationFailure } from './moderation-failure.ts';

/**
 * Fetch that reads the whole answer before it gives it, so that who limits its time limits both. More than `maxBytes`
 * fail, the body of an error is not read, and redirects are not followed: the key and the texts are meant for the
 * configured address alone.
 */
export function createWholeFetch(maxBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    const { ok, status, statusText, headers } = response;
    if (!ok) {
      await response.body?.cancel();
      return new Response(null, { status, statusText, headers });
    }
    const body = createBody(maxBytes);
    for await (const chunk of response.body ?? [])
      if (!body.add(chunk)) throw new ModerationFailure('too long an answer');
    return new Response(body.take(), { headers: { 'content-type': 'application/json' } });
  };
}
