import { setTimeout as sleep } from 'node:timers/promises';
import type { Binding } from './session.ts';

/** Between two batches a job rests for as long as the one before took, but no longer than this. */
const maxRestMs = 100;

/**
 * Runs `batch` until it returns false, or the signal is aborted. Between two batches it rests for as long as the one
 * before took: others get at least half of the time, and never wait for more than one batch.
 */
export async function inBatches(signal: AbortSignal, batch: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted) {
    const startedMs = performance.now();
    if (!(await batch())) return;
    const restMs = Math.min(maxRestMs, performance.now() - startedMs);
    await sleep(restMs, undefined, { signal }).catch(() => {}); // an abort ends the rest, and the loop
  }
}

/** `(?, ?, …)` for so many values, of which there is at least one. */
export function marksFor(values: readonly Binding[]): string {
  return `(${values.map(() => '?').join(', ')})`;
}
