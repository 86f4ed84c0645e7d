import type { StoredTrigger } from './store.ts';

/** A trigger as operators see it. */
export function showTrigger({ publishedAt, ...trigger }: StoredTrigger) {
  return { ...trigger, publishedAt: Math.floor(publishedAt / 1000) };
}
