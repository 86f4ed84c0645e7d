/**
 * Divides the bots among the processes. Each goes round, three times in a lease:
 *
 * 1. It renews its holder. If that was over, or can't be trusted any more by its own clock, it closes everything at once
 *    and begins anew as another holder.
 * 2. It closes what is not to be connected any more: unbound, disabled, deleted, closed by an operator; and what has new
 *    credentials, to connect it again. Only a connection that is closed is given back.
 * 3. Its share is the bots by the holders, rounded up. What it has beyond that it closes and gives back, some in a round;
 *    below it, it takes bots that are free, some in a round, and connects them at moments of chance until the next one,
 *    so that however many bots there are they don't all subscribe in one second.
 *
 * Two can't hold one bot: taking is one UPDATE over a row that names no living holder, and a holder stops acting, by its
 * own clock, before the others may think it dead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Database } from '../../db/database.ts';
import {
  countHolders,
  deleteHolder,
  giveAllBack,
  giveBack,
  insertHolder,
  listWanted,
  pruneHolders,
  renewHolder,
  takeBot,
  type WantedBot,
} from './holder-store.ts';

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
  /** Begins to keep a bot connected, after a wait, as this holder. */
  hold(integrationId: string, waitMs: number, holderId: string): Omit<Held, 'revision'>;
  /** Called once the holder is renewed; what it does is part of the round. */
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

/** Bots that are taken together are connected at moments of chance, so far from each other on average. */
const spreadMs = 40;

/** Of a lease, how much is kept back for the time that it takes to stop. */
const marginShare = 0.25;

export function startHolding(options: HoldOptions): Holding {
  const { database, leaseMs, onError } = options;
  const held = new Map<string, Held>();
  const stopping = new AbortController();
  let waking = new AbortController();
  let holderId = '';
  let trustedUntilMs = 0;
  let distrust: NodeJS.Timeout | undefined;

  /** From before the database was asked: others count from later. */
  function trustFrom(askedMs: number): void {
    clearTimeout(distrust);
    trustedUntilMs = askedMs + leaseMs * (1 - marginShare);
    distrust = setTimeout(() => void dropAll(), Math.max(0, trustedUntilMs - performance.now()));
  }

  /** The lease is over, or as good as over: nothing is given back, the bots are free by themselves. */
  async function dropAll(): Promise<void> {
    clearTimeout(distrust);
    trustedUntilMs = 0;
    holderId = '';
    const all = [...held.values()];
    held.clear();
    await Promise.all(all.map((each) => each.close()));
  }

  async function renew(): Promise<void> {
    const askedMs = performance.now();
    if (holderId !== '' && (await renewHolder(database, holderId, leaseMs))) return trustFrom(askedMs);
    await dropAll();
    const fresh = ulid();
    const insertedMs = performance.now();
    await insertHolder(database, fresh, options.name, leaseMs);
    await pruneHolders(database);
    holderId = fresh;
    trustFrom(insertedMs);
  }

  async function release(integrationId: string): Promise<void> {
    const holder = holderId;
    const each = held.get(integrationId);
    held.delete(integrationId);
    await each?.close();
    await giveBack(database, integrationId, holder);
  }

  async function goRound(): Promise<void> {
    await renew();
    const holder = holderId;
    await options.onRound?.(holder);
    const wanted = await listWanted(database);
    const revisions = new Map(wanted.map(({ integrationId, revision }) => [integrationId, revision]));
    const over = [...held].filter(([id, { revision }]) => revisions.get(id) !== revision).map(([id]) => id);
    await Promise.all(over.map(release));
    const share = Math.ceil(wanted.length / Math.max(1, await countHolders(database)));
    const surplus = [...held.keys()].slice(share).slice(0, options.mostPerRound);
    await Promise.all(surplus.map(release));
    const isFree = ({ integrationId, holderId: by }: WantedBot) => by === '' || over.includes(integrationId);
    const free = wanted.filter((bot) => isFree(bot) && !surplus.includes(bot.integrationId));
    const taken = shuffle(free).slice(0, Math.max(0, Math.min(options.mostPerRound, share - held.size)));
    for (const bot of taken) {
      if (stopping.signal.aborted || holder !== holderId) return;
      if (!(await database.tx((tx) => takeBot(tx, bot.integrationId, holder)))) continue;
      if (holder !== holderId) return; // it ended meanwhile: the bot is free by itself
      const waitMs = Math.random() * Math.min(leaseMs / 3, taken.length * spreadMs);
      held.set(bot.integrationId, { ...options.hold(bot.integrationId, waitMs, holder), revision: bot.revision });
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      await goRound().catch(onError);
      const signal = AbortSignal.any([stopping.signal, waking.signal]);
      await sleep(leaseMs / 3, undefined, { signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    ids: () => [...held.keys()],
    mayAct: () => performance.now() < trustedUntilMs,
    wake: () => waking.abort(),
    async stop() {
      stopping.abort();
      await running;
      const last = holderId;
      await dropAll();
      if (last === '') return;
      await giveAllBack(database, last).catch(onError);
      await deleteHolder(database, last).catch(onError);
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
