import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the event loop did not turn while something ran: the most, and the 99th percentile. */
export interface Stalls {
  mostMs: number;
  p99Ms: number;
}

export async function watchStalls(run: () => Promise<void>): Promise<Stalls> {
  const resolution = 1;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  await run();
  delays.disable();
  const toMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  return { mostMs: toMs(delays.max), p99Ms: toMs(delays.percentile(99)) };
}
