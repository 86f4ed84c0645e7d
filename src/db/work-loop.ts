/**
 * Drains a leased table: claims rows that are due and hands each to `handle`, up to `concurrency` at once. It has no
 * timer of its own. It wakes when somebody in this process made a row due (`wake`), when one will be due at a known
 * time (`wakeIn`), and when DISPATCH_CRON ticks, which finds what a process that died has left behind.
 */
import type { Lease } from './lease.ts';

export interface WorkLoop {
  /** Looks for work now. */
  wake(): void;
  /** Looks for work after `ms`. */
  wakeIn(ms: number): void;
  /** Claims nothing more and waits for what is under way; after `graceMs` its signals are aborted. */
  stop(graceMs: number): Promise<void>;
}

/** The conditions under which a row is handled. */
export interface Run {
  /** Aborted when the grace of a stop is over. */
  signal: AbortSignal;
  /** True once the loop is stopping: nothing more is begun, the row is released. */
  isStopping(): boolean;
}

export interface WorkLoopOptions {
  concurrency: number;
  claim(limit: number): Promise<Lease[]>;
  /** Handles a row and releases it. An error is reported and costs nothing but the rest of the lease. */
  handle(lease: Lease, run: Run): Promise<void>;
  onError(error: unknown): void;
}

export function startWorkLoop({ concurrency, claim, handle, onError }: WorkLoopOptions): WorkLoop {
  const abort = new AbortController();
  const running = new Set<Promise<void>>();
  const timers = new Map<number, NodeJS.Timeout>(); // by when they end
  let stopped = false;
  let claiming: Promise<void> | undefined;
  let wanted = false;

  const wake = () => {
    wanted = true;
    claiming ??= claimAll().finally(() => {
      claiming = undefined;
      if (wanted && !stopped && running.size < concurrency) wake();
    });
  };

  async function claimAll(): Promise<void> {
    while (wanted && !stopped && running.size < concurrency) {
      wanted = false;
      try {
        const leases = await claim(concurrency - running.size);
        if (leases.length > 0) wanted = true;
        for (const lease of leases) start(lease);
      } catch (error) {
        onError(error);
      }
    }
  }

  function start(lease: Lease): void {
    const run = handle(lease, { signal: abort.signal, isStopping: () => stopped })
      .catch(onError)
      .finally(() => {
        running.delete(run);
        if (!stopped) wake();
      });
    running.add(run);
  }

  return {
    wake: () => {
      if (!stopped) wake();
    },
    wakeIn(ms) {
      if (stopped) return;
      const atMs = roundWait(performance.now(), Math.max(0, ms));
      if (timers.has(atMs)) return;
      const timer = setTimeout(
        () => {
          timers.delete(atMs);
          wake();
        },
        Math.max(0, atMs - performance.now()),
      );
      timers.set(atMs, timer);
    },
    async stop(graceMs) {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      const force = setTimeout(() => abort.abort(new Error('the service is stopping')), graceMs);
      await claiming;
      await Promise.allSettled(running);
      clearTimeout(force);
    },
  };
}

/**
 * When a wait ends, at most an eighth of it too late, so that many waits end together: however many rows wait, there
 * are some hundred timers at most.
 */
export function roundWait(nowMs: number, waitMs: number): number {
  const stepMs = Math.max(1, 2 ** (Math.floor(Math.log2(Math.max(1, waitMs))) - 3));
  return Math.ceil((nowMs + waitMs) / stepMs) * stepMs;
}

/** Several loops that are woken and stopped as one. */
export function joinLoops(loops: readonly WorkLoop[]): WorkLoop {
  return {
    wake: () => {
      for (const loop of loops) loop.wake();
    },
    wakeIn: (ms) => {
      for (const loop of loops) loop.wakeIn(ms);
    },
    stop: async (graceMs) => {
      await Promise.all(loops.map((loop) => loop.stop(graceMs)));
    },
  };
}
