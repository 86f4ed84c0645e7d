/**
 * Keeps this process a holder. It is renewed six times in a lease, each try beside those that still wait for the database:
 * one connection that hangs costs nothing. What counts is when a renewal was asked for. Where none succeeds in time, by the
 * own clock and well before others may think the holder dead, it is lost: everything that it holds is let go of, and then
 * its row goes, so that nobody waits for it. A new one begins at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Database } from '../../db/database.ts';
import { deleteHolder, giveAllBack, insertHolder, pruneHolders, renewHolder } from './holder-store.ts';

export interface HolderOptions {
  database: Database;
  /** What operators know this process by. */
  name: string;
  leaseMs: number;
  /** A new holder has begun. */
  onBegin(): void;
  /** The holder is lost; resolves when nothing is held any more. */
  onLost(): Promise<void>;
  onError(error: unknown): void;
}

export interface Holder {
  /** Empty: there is none at the moment. */
  id(): string;
  /** Whether what it holds is certainly its own. */
  mayAct(): boolean;
  /** Ends it: all bots are free. What was held is closed before that. */
  stop(): Promise<void>;
}

/** Of a lease, how much is kept back for the time that it takes to stop. */
const marginShare = 0.25;

export function startHolder({ database, name, leaseMs, onBegin, onLost, onError }: HolderOptions): Holder {
  const stopping = new AbortController();
  let id = '';
  let trustedUntilMs = 0;
  let distrust: NodeJS.Timeout | undefined;
  let beginning: Promise<void> | undefined;
  let losing: Promise<void> | undefined;

  /** From before the database was asked: others count from later. */
  function trustFrom(askedMs: number): void {
    trustedUntilMs = Math.max(trustedUntilMs, askedMs + leaseMs * (1 - marginShare));
    clearTimeout(distrust);
    distrust = setTimeout(() => void lose(), Math.max(0, trustedUntilMs - performance.now()));
  }

  function lose(): Promise<void> {
    const lost = id;
    clearTimeout(distrust);
    trustedUntilMs = 0;
    id = '';
    if (lost === '') return losing ?? Promise.resolve();
    losing = onLost()
      .then(() => deleteHolder(database, lost))
      .catch(onError)
      .finally(() => {
        losing = undefined;
      });
    return losing;
  }

  async function begin(): Promise<void> {
    await losing;
    const fresh = ulid();
    const askedMs = performance.now();
    await insertHolder(database, fresh, name, leaseMs);
    await pruneHolders(database);
    if (stopping.signal.aborted) return deleteHolder(database, fresh);
    id = fresh;
    trustFrom(askedMs);
    onBegin();
  }

  async function renew(): Promise<void> {
    const renewing = id;
    if (renewing === '') {
      beginning ??= begin().finally(() => {
        beginning = undefined;
      });
      return beginning;
    }
    const askedMs = performance.now();
    const isRenewed = await renewHolder(database, renewing, leaseMs);
    if (id !== renewing) return; // it was lost while this was asked
    if (isRenewed) trustFrom(askedMs);
    else await lose();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const renewed = renew().catch(onError);
      await Promise.race([renewed, sleep(leaseMs / 6, undefined, { ref: false })]);
      await sleep(leaseMs / 6, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    id: () => id,
    mayAct: () => performance.now() < trustedUntilMs,
    async stop() {
      stopping.abort();
      await running;
      await beginning?.catch(() => {});
      const last = id;
      if (last === '') return losing;
      clearTimeout(distrust);
      trustedUntilMs = 0;
      id = '';
      await giveAllBack(database, last).catch(onError);
      await deleteHolder(database, last).catch(onError);
    },
  };
}
