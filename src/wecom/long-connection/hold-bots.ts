/**
 * Divides the bots among the processes. Each goes round, six times in a lease, and again at once while there is more to take:
 *
 * 1. It closes what is not to be connected any more: unbound, disabled, deleted, closed by an operator; what has new
 *    credentials, to connect it again; and what the table does not say is its own. Only a connection that is closed is given
 *    back.
 * 2. Its share is the bots by the holders, rounded up. What it has beyond that it closes and gives back, some in a round;
 *    below it, it takes bots that are free, some in a round.
 *
 * Two can't hold one bot: taking is one UPDATE over a row that names no other living holder, and a holder stops acting, by
 * its own clock, before the others may think it dead (holder.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../db/database.ts';
import { startHolder } from './holder.ts';
import { countHolders, giveBack, listHeld, listWanted, takeBot, type WantedBot } from './holder-store.ts';

/** A connection that is kept; `close` resolves once nothing more is sent by it. */
export interface Held {
  revision: number;
  close(): Promise<void>;
}

export interface HoldOptions {
  database: Database;
  /** What operators know this process by. */
  name: string;
  leaseMs: number;
  /** Taken, or given back for others to have their share, in a round. */
  mostPerRound: number;
  /** Begins to keep a bot connected, as this holder. */
  hold(integrationId: string, holderId: string): Omit<Held, 'revision'>;
  /** Called in each round. */
  onRound?(holderId: string): Promise<void>;
  onError(error: unknown): void;
}

export interface Holding {
  /** The bots that this process holds. */
  ids(): string[];
  /** Whether what it holds is certainly its own: others can't think its holder dead yet. */
  mayAct(): boolean;
  /** Goes round now. */
  wake(): void;
  /** Closes everything, and frees all bots at once. */
  stop(): Promise<void>;
}

/** Taking goes on for so long in a round. */
const takingMs = 2000;

export function startHolding(options: HoldOptions): Holding {
  const { database, name, leaseMs, onError } = options;
  const held = new Map<string, Held>();
  const stopping = new AbortController();
  let waking = new AbortController();
  const wake = () => waking.abort();
  const holder = startHolder({ database, name, leaseMs, onBegin: wake, onLost: closeAll, onError });

  /** Nothing is given back: with their holder the bots are free by themselves. */
  async function closeAll(): Promise<void> {
    const all = [...held.values()];
    held.clear();
    await Promise.all(all.map((each) => each.close()));
  }

  async function release(integrationId: string, holderId: string): Promise<void> {
    const each = held.get(integrationId);
    held.delete(integrationId);
    await each?.close();
    await giveBack(database, integrationId, holderId);
  }

  async function goRound(): Promise<void> {
    const holderId = holder.id();
    if (holderId === '') return;
    await options.onRound?.(holderId);
    const wanted = new Map((await listWanted(database)).map((bot) => [bot.integrationId, bot]));
    if (holder.id() !== holderId) return;
    const isOurs = (id: string, revision: number) =>
      wanted.get(id)?.revision === revision && wanted.get(id)?.holderId === holderId;
    const over = [...held].filter(([id, { revision }]) => !isOurs(id, revision)).map(([id]) => id);
    await Promise.allSettled(over.map((id) => release(id, holderId)));
    const share = Math.ceil(wanted.size / Math.max(1, await countHolders(database)));
    const surplus = [...held.keys()].slice(share).slice(0, options.mostPerRound);
    await Promise.allSettled(surplus.map((id) => release(id, holderId)));
    // What is ours and not held: it could not be given back, or was taken by a commit that nobody saw take effect.
    const strays = (await listHeld(database, holderId)).filter((id) => !held.has(id));
    for (const id of strays) await giveBack(database, id, holderId);
    const isFree = ({ integrationId: id, holderId: by }: WantedBot) =>
      by === '' || (!held.has(id) && !surplus.includes(id) && (over.includes(id) || strays.includes(id)));
    await take(shuffle([...wanted.values()].filter(isFree)), share, holderId);
  }

  async function take(free: readonly WantedBot[], share: number, holderId: string): Promise<void> {
    const endMs = performance.now() + takingMs;
    const most = Math.max(0, Math.min(options.mostPerRound, share - held.size));
    for (const { integrationId, revision } of free.slice(0, most)) {
      if (stopping.signal.aborted || performance.now() > endMs) break;
      const isTaken = await database.tx((tx) => takeBot(tx, integrationId, holderId));
      if (holder.id() !== holderId) return; // the bot is free by itself
      if (isTaken) held.set(integrationId, { ...options.hold(integrationId, holderId), revision });
    }
    if (held.size < share && free.length > most) wake();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      await goRound().catch(onError);
      const signal = AbortSignal.any([stopping.signal, waking.signal]);
      await sleep(leaseMs / 6, undefined, { signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    ids: () => [...held.keys()],
    mayAct: holder.mayAct,
    wake,
    async stop() {
      stopping.abort();
      await running;
      await closeAll();
      await holder.stop();
    },
  };
}

/** In an order of chance, so that processes that take bots at once seldom want the same. */
function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((each) => [Math.random(), each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}
