/**
 * Lets so many calls at once through, and so many wait, fairly between accounts. Whoever would wait too long is refused
 * at once: a refusal costs little and may be retried, an answer that nobody waits for costs as much as any.
 *
 * - A free slot is given at once where the account's share allows it (db/fair-share.ts): an account whose calls take
 *   long, or that sends nothing but calls, leaves a slot for others.
 * - Accounts that wait have their turn one after another, so one that floods waits for itself.
 * - A burst may wait for `maxWaitMs`. Where an account's queue has not been empty for as long, that is no burst: until it
 *   is empty again (as CoDel tells a good queue from a bad one), who would wait for more than a tenth of that time, by
 *   how long calls have taken of late, is refused at once.
 * - When nothing has come out for `maxWaitMs`, the database is stuck: nobody waits.
 * - When too many wait in all, the last of the account that has most of them goes.
 */
import { mayHave } from '../../db/fair-share.ts';

/** Why a call was not let through. */
export type Refusal = 'busy' | 'full' | 'stuck';

export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`refused: ${refusal}`);
    this.name = 'Refused';
    this.refusal = refusal;
  }
}

export interface GateOptions {
  /** Calls that are let through at once. */
  slots: number;
  /** Calls that wait, in all. */
  maxWaiting: number;
  /** How long a call may wait. */
  maxWaitMs: number;
  /** A monotonic clock, in milliseconds. */
  now?: () => number;
}

export interface Gate {
  /**
   * Waits for a slot. Resolves with what gives it back; rejects with Refused, or with the signal's reason when the
   * caller waits no longer.
   */
  enter(account: string, signal: AbortSignal): Promise<() => void>;
  /** Calls that are let through, and that wait; for metrics. */
  count(): { running: number; waiting: number };
}

/** The calls of one account. It exists while it has any. */
interface Flow {
  running: number;
  waiting: Ticket[];
  /** When nobody waited last. */
  emptyAtMs: number;
}

interface Ticket {
  admit(): void;
  refuse(error: unknown): void;
}

/** After a burst, waits are held to this part of what they may be. */
const standingShare = 0.1;

/** In a burst, who is expected to wait for so many times as long as it may is refused at once. */
const burstShare = 2;

/** How long calls take is not known before so many have ended. */
const fewCalls = 20;

export function createGate({ slots, maxWaiting, maxWaitMs, now = () => performance.now() }: GateOptions): Gate {
  const flows = new Map<string, Flow>(); // in the order of their turns
  let running = 0;
  let waiting = 0;
  let callMs = 0; // how long a call takes, smoothed
  let ended = 0;
  let progressMs = now(); // when something came out, or first went in

  function enter(account: string, signal: AbortSignal): Promise<() => void> {
    const flow = flows.get(account) ?? { running: 0, waiting: [], emptyAtMs: now() };
    if (flow.waiting.length === 0) flow.emptyAtMs = now();
    if (flow.waiting.length === 0 && running < slots && mayHave(flow.running, slots - running)) {
      flows.set(account, flow);
      return Promise.resolve(start(account, flow));
    }
    const refusal = findRefusal(flow);
    if (refusal !== undefined) return Promise.reject(new Refused(refusal));
    flows.set(account, flow);
    return wait(account, flow, signal);
  }

  /** Why a call of this flow would wait in vain. */
  function findRefusal(flow: Flow): Refusal | undefined {
    if (running > 0 && now() - progressMs > maxWaitMs) return 'stuck';
    const isBurst = now() - flow.emptyAtMs <= maxWaitMs;
    const expectedMs = ((flow.waiting.length + 1) * countWaiting(flow) * callMs) / slots;
    if (ended >= fewCalls && expectedMs > maxWaitMs * (isBurst ? burstShare : standingShare)) return 'busy';
    if (waiting < maxWaiting) return undefined;
    const longest = [...flows.values()].reduce((most, each) =>
      each.waiting.length > most.waiting.length ? each : most,
    );
    if (longest.waiting.length <= flow.waiting.length + 1) return 'full';
    longest.waiting.at(-1)!.refuse(new Refused('full'));
    return undefined;
  }

  /** How many accounts take turns, this one among them. */
  function countWaiting(flow: Flow): number {
    let count = flow.waiting.length === 0 ? 1 : 0;
    for (const each of flows.values()) if (each.waiting.length > 0) count++;
    return count;
  }

  function wait(account: string, flow: Flow, signal: AbortSignal): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const leave = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
      flow.waiting.splice(flow.waiting.indexOf(ticket), 1);
      waiting--;
    };
    const ticket: Ticket = {
      admit: () => {
        leave();
        resolve(start(account, flow));
      },
      refuse: (error) => {
        leave();
        forget(account, flow);
        reject(error);
      },
    };
    const abandon = () => ticket.refuse(signal.reason);
    const timer = setTimeout(() => ticket.refuse(new Refused('busy')), maxWaitMs);
    flow.waiting.push(ticket);
    waiting++;
    signal.addEventListener('abort', abandon, { once: true });
    return promise;
  }

  function start(account: string, flow: Flow): () => void {
    if (running === 0) progressMs = now();
    running++;
    flow.running++;
    const startedMs = now();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      running--;
      ended++;
      flow.running--;
      progressMs = now();
      callMs = callMs === 0 ? progressMs - startedMs : callMs * 0.9 + (progressMs - startedMs) * 0.1;
      forget(account, flow);
      admitNext();
    };
  }

  /** Gives free slots to those who wait, an account after another. */
  function admitNext(): void {
    for (const [account, flow] of flows) {
      if (running >= slots) return;
      if (flow.waiting.length === 0 || !mayHave(flow.running, slots - running)) continue;
      flows.delete(account);
      flows.set(account, flow); // its next turn comes after those of the others
      flow.waiting[0]!.admit();
    }
  }

  function forget(account: string, flow: Flow): void {
    if (flow.running === 0 && flow.waiting.length === 0) flows.delete(account);
  }

  return { enter, count: () => ({ running, waiting }) };
}
