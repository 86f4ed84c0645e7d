/**
 * Claims lanes that only the holder of their `drain_key` drains. The keys share the workers as accounts do (fair-claim.ts).
 *
 * A process may hold a thousand keys, and few of them have something to do: so it looks at those that somebody has woken
 * within the last minute, and at all at each tick, which finds what other processes have enqueued.
 */
import { marksFor } from '../db/batches.ts';
import type { FairClaim } from '../db/fair-claim.ts';
import { countAllowed, mayHave } from '../db/fair-share.ts';
import { claimDue, type Lease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import { globalScope } from './pause-store.ts';

const warmMs = 60_000;
const keysAtOnce = 200;

export interface OwnClaim extends FairClaim {
  /** Looks at this key from now on for a while. */
  warm(key: string): void;
  /** Looks at all keys at the next claim. */
  warmAll(): void;
}

export interface OwnClaimOptions {
  session: Session;
  leaseMs: number;
  /** The keys whose lanes may be drained here at the moment. */
  keys(): readonly string[];
}

export function createOwnClaim({ session, leaseMs, keys }: OwnClaimOptions): OwnClaim {
  const held = new Map<Lease, string>();
  const counts = new Map<string, number>();
  const warmUntilMs = new Map<string, number>();
  let isAll = true;

  const countOf = (key: string) => counts.get(key) ?? 0;

  function listKeys(): readonly string[] {
    const mine = keys();
    if (isAll) return mine;
    const nowMs = performance.now();
    return mine.filter((key) => (warmUntilMs.get(key) ?? 0) > nowMs);
  }

  async function claim(limit: number): Promise<Lease[]> {
    const looked = listKeys();
    isAll = false;
    const due = await listDue(session, looked);
    // Those that have least are first; who of them is chance, so that none is always last.
    const waiting = due
      .filter((key) => mayHave(countOf(key), limit))
      .map((key) => ({ key, order: countOf(key) + Math.random() }))
      .sort((a, b) => a.order - b.order);
    const leases: Lease[] = [];
    for (const [index, { key }] of waiting.entries()) {
      warm(key);
      const free = limit - leases.length;
      const most = countAllowed(countOf(key), free, Math.ceil(free / (waiting.length - index)));
      try {
        if (most > 0) leases.push(...(await claimOf(key, most)));
      } catch (error) {
        if (leases.length === 0) throw error;
        return leases; // these are ours
      }
    }
    return leases;
  }

  async function claimOf(key: string, limit: number): Promise<Lease[]> {
    const where = {
      sql: 'drain_key = ? and not exists (select 1 from delivery_pause where scope = ?)',
      bindings: [key, globalScope],
    };
    const lanes = { table: 'lane', key: 'lane_id' } as const;
    const leases = await claimDue(session, lanes, { limit, leaseMs, index: 'lane_by_due', where });
    for (const lease of leases) held.set(lease, key);
    if (leases.length > 0) counts.set(key, countOf(key) + leases.length);
    return leases;
  }

  function warm(key: string): void {
    warmUntilMs.set(key, performance.now() + warmMs);
  }

  return {
    claim,
    warm,
    warmAll() {
      isAll = true;
      for (const [key, untilMs] of warmUntilMs) if (untilMs < performance.now()) warmUntilMs.delete(key);
    },
    end(lease) {
      const key = held.get(lease);
      if (key === undefined) return;
      held.delete(lease);
      warm(key);
      const left = countOf(key) - 1;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
    },
  };
}

/** Which of the keys have lanes that are due. By lane_by_due. */
async function listDue(session: Session, keys: readonly string[]): Promise<string[]> {
  const due: string[] = [];
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const some = keys.slice(from, from + keysAtOnce);
    const rows = await session.all<{ drain_key: string }>(
      `select distinct drain_key from lane ${session.dialect.byIndex('lane_by_due')}
        where drain_key in ${marksFor(some)} and due_at <= ${session.dialect.now}`,
      some,
    );
    due.push(...rows.map((row) => row.drain_key));
  }
  return due;
}

/** Makes all lanes of a key due that wait: what they waited for is there. By lane_by_due. */
export async function makeKeyDue(session: Session, key: string): Promise<void> {
  const { now } = session.dialect;
  await session.run(`update lane set due_at = ${now} where drain_key = ? and due_at > ${now} and lease_token is null`, [
    key,
  ]);
}
