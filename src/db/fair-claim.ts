/**
 * Claims rows of a leased table so that accounts share the workers of this process. Accounts with due rows have their
 * turn one after another, and none gets more workers than its share (fair-share.ts), however many rows of its own are
 * due, and however long they take.
 *
 * The table has `due_appid`: the account of a row with something to do, else null; and an index on it and `due_at`. So
 * the next account is one step in that index away, past all rows of the one before: what a claim costs depends on how
 * many accounts have something to do, and not on how much.
 */
import { countAllowed, mayHave } from './fair-share.ts';
import { claimDue, type Lease, type Leased } from './lease.ts';
import type { Binding, Session } from './session.ts';

export interface FairClaim {
  /** Claims up to `limit` rows; as many workers are free. */
  claim(limit: number): Promise<Lease[]>;
  /** Notes that a row is not worked on any more. */
  end(lease: Lease): void;
}

export interface FairClaimOptions {
  session: Session;
  leased: Leased;
  leaseMs: number;
  /** The index on `due_appid` and `due_at`. */
  index: string;
  /** Which of the rows, by the columns that lead the index. */
  where?: { sql: string; bindings: Binding[] } | undefined;
}

/** So many accounts are looked at in a claim; the next one goes on from there. */
const maxLooks = 100;

export function createFairClaim({ session, leased, leaseMs, index, where }: FairClaimOptions): FairClaim {
  const held = new Map<Lease, string>();
  const counts = new Map<string, number>();
  let cursor: string | undefined; // the account that had its turn last

  const countOf = (appid: string) => counts.get(appid) ?? 0;

  async function claim(limit: number): Promise<Lease[]> {
    const longest = await findLongestDue();
    if (longest === undefined) return []; // most of the time
    const accounts = await listNext(limit);
    // Of a great many that wait for later, those that are due may come last.
    if (accounts.length === 0 && mayHave(countOf(longest), limit)) accounts.push(longest);
    accounts.sort((a, b) => countOf(a) - countOf(b)); // who has least is first, so that shares become equal
    const leases: Lease[] = [];
    for (const [index, appid] of accounts.entries()) {
      const free = limit - leases.length;
      const even = Math.ceil(free / (accounts.length - index));
      const most = countAllowed(countOf(appid), free, even);
      try {
        leases.push(...(await claimOf(appid, most)));
      } catch (error) {
        if (leases.length === 0) throw error;
        return leases; // these are ours
      }
    }
    return leases;
  }

  /** The account of what has been due for longest; undefined: nothing is due. By the index on due_at. */
  async function findLongestDue(): Promise<string | undefined> {
    const [row] = await session.all<{ appid: string }>(
      `select due_appid appid from ${leased.table}
        where ${where ? `${where.sql} and ` : ''}due_at <= ${session.dialect.now} order by due_at limit 1`,
      where?.bindings,
    );
    return row?.appid;
  }

  /** Up to `limit` accounts that have due rows and may have a worker, beginning with the one whose turn it is. */
  async function listNext(limit: number): Promise<string[]> {
    const accounts: string[] = [];
    const last = cursor;
    let isRound = last === undefined;
    for (let looks = 0; looks < maxLooks && accounts.length < limit; looks++) {
      const next = await findNext(cursor, isRound ? last : undefined);
      if (next === undefined) {
        cursor = undefined;
        if (isRound) break;
        isRound = true;
        continue;
      }
      cursor = next.appid;
      if (next.is_due === 1 && mayHave(countOf(cursor), limit)) accounts.push(cursor);
    }
    return accounts;
  }

  /** The first account after another, up to `last`, that has something to do, and whether any of that is due. */
  async function findNext(after: string | undefined, last: string | undefined) {
    const [row] = await session.all<{ appid: string; is_due: number }>(
      `select due_appid appid, case when due_at <= ${session.dialect.now} then 1 else 0 end is_due
        from ${leased.table} ${session.dialect.byIndex(index)}
        where ${where ? `${where.sql} and ` : ''}due_appid ${after === undefined ? '>=' : '>'} ?
        ${last === undefined ? '' : 'and due_appid <= ?'} order by due_appid, due_at limit 1`,
      [...(where?.bindings ?? []), after ?? '', ...(last === undefined ? [] : [last])],
    );
    return row;
  }

  async function claimOf(appid: string, limit: number): Promise<Lease[]> {
    if (limit === 0) return [];
    const sql = `${where ? `${where.sql} and ` : ''}due_appid = ?`;
    const bindings = [...(where?.bindings ?? []), appid];
    const leases = await claimDue(session, leased, { limit, leaseMs, index, where: { sql, bindings } });
    for (const lease of leases) held.set(lease, appid);
    counts.set(appid, countOf(appid) + leases.length);
    return leases;
  }

  return {
    claim,
    end(lease) {
      const appid = held.get(lease);
      if (appid === undefined) return;
      held.delete(lease);
      const left = countOf(appid) - 1;
      if (left > 0) counts.set(appid, left);
      else counts.delete(appid);
    },
  };
}
