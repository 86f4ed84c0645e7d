/**
 * The one lease primitive: of conversations, attachments, lanes, knowledge bases, scheduled jobs and the migrations.
 *
 * A leased table has `due_at` (milliseconds by the database's clock; NULL = nothing to do) and `lease_token`. To claim
 * is to write a fresh token and push `due_at` forward by the lease, in one UPDATE over the rows that are due. So
 * `due_at` is the visibility time-out: when the holder dies, the row simply becomes due again, and nobody has to
 * rescue it. To renew is to push `due_at` again; to release is to clear the token and to set `due_at` to when there is
 * something to do next. Every write of the holder names its token: whoever was paused past its lease changes nothing.
 *
 * The holder also must not *act* on the outside past its lease. It can't ask the database in the same instant, so it
 * trusts its own monotonic clock: from before the claim was sent, for the lease less a margin.
 *
 * A row that is released is found by whoever makes it due after; so the one who adds work sets `due_at` only where no
 * token is set, and the one who releases locks the row first and then looks for work (see each `release…`).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binding, Session } from './session.ts';

/** What is leased: a table with `due_at` and `lease_token`, and the column of its primary key. */
export interface Leased {
  table: 'lane' | 'conversation' | 'learning' | 'cron_task' | 'lease' | 'attachment';
  key: string;
}

/** A row that was claimed. */
export interface Lease extends Leased {
  id: string;
  token: string;
  leaseMs: number;
  /** Until when the holder may act on the outside, by `performance.now()`. */
  trustedUntilMs: number;
}

export interface ClaimOptions {
  /** Rows at most. */
  limit: number;
  leaseMs: number;
  /** Which of the rows. */
  where?: { sql: string; bindings: Binding[] };
  /** The index that carries the claim, where the database might choose another. */
  index?: string;
}

/** Of a lease, how much is kept back for the skew between clocks and for what is under way when it ends. */
const marginShare = 0.15;

/**
 * Claims up to `limit` rows that are due, the longest due first, among those that `where` narrows it to. The index on
 * (…, due_at) carries it: its cost doesn't depend on how many rows wait. The claim counts once this has returned.
 */
export async function claimDue(
  session: Session,
  leased: Leased,
  { limit, leaseMs, where, index }: ClaimOptions,
): Promise<Lease[]> {
  const { now } = session.dialect;
  const token = randomUUID();
  const trustedUntilMs = trustFrom(performance.now(), leaseMs);
  await session.run(
    `update ${leased.table} ${index === undefined ? '' : session.dialect.byIndex(index)}
      set lease_token = ?, due_at = ${now} + ?
      where ${where ? `${where.sql} and ` : ''}due_at <= ${now} order by due_at limit ${limit}`,
    [token, leaseMs, ...(where?.bindings ?? [])],
  );
  // Also where it says that it changed nothing: it may have been run twice. By the index on lease_token.
  const rows = await session.all<{ id: string }>(`select ${leased.key} id from ${leased.table} where lease_token = ?`, [
    token,
  ]);
  return rows.map(({ id }) => ({ ...leased, id, token, leaseMs, trustedUntilMs }));
}

/** Pushes the end of the lease forward, locks its row, and tells whether it is still held. */
export async function renewLease(session: Session, lease: Lease): Promise<boolean> {
  const askedMs = performance.now();
  const held = await session.run(
    `update ${lease.table} set due_at = ${session.dialect.now} + ? where ${lease.key} = ? and lease_token = ?`,
    [lease.leaseMs, lease.id, lease.token],
  );
  if (held === 1) lease.trustedUntilMs = trustFrom(askedMs, lease.leaseMs);
  return held === 1;
}

/**
 * Locks the lease's row until the transaction ends and tells whether it is still held. It does so by changing the row,
 * a little: on Galera a lock alone is known to one node, and only what a transaction has written is held against the
 * claim that another node commits at the same time.
 */
export async function lockLease(tx: Session, lease: Lease): Promise<boolean> {
  const held = await tx.run(
    `update ${lease.table} set due_at = due_at + 1 where ${lease.key} = ? and lease_token = ?`,
    [lease.id, lease.token],
  );
  return held === 1;
}

/** Ends the lease; the row is due again in `dueInMs`, or not until somebody makes it due. After `lockLease`. */
export async function releaseLease(session: Session, lease: Lease, dueInMs: number | undefined): Promise<void> {
  const due = dueInMs === undefined ? 'null' : `${session.dialect.now} + ?`;
  await session.run(
    `update ${lease.table} set lease_token = null, due_at = ${due} where ${lease.key} = ? and lease_token = ?`,
    [...(dueInMs === undefined ? [] : [Math.max(0, Math.round(dueInMs))]), lease.id, lease.token],
  );
}

/** Whether the holder may still act on the outside for `forMs`. */
export function isTrusted(lease: Lease, forMs = 0): boolean {
  return performance.now() + forMs < lease.trustedUntilMs;
}

/**
 * Runs `work` while renewing the lease at a third of its length. The signal that `work` gets ends with `signal`, and
 * when the lease is lost or can't be trusted any more; what it writes after that finds its token gone.
 */
export async function whileRenewing<T>(
  session: Session,
  lease: Lease,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const timer = setInterval(async () => {
    // A database that doesn't answer in time has not renewed anything: the lease ends meanwhile.
    const limitMs = Math.max(lease.trustedUntilMs - performance.now(), (lease.leaseMs * marginShare) / 2);
    const renewed = renewLease(session, lease).catch(() => undefined);
    const held = (await Promise.race([renewed, sleep(limitMs, undefined, { ref: false })])) ?? isTrusted(lease);
    if (!held) lost.abort(new LeaseLost(lease));
  }, lease.leaseMs / 3);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(timer);
  }
}

/** The lease went to somebody else, or may have: what was under way is theirs now. */
export class LeaseLost extends Error {
  constructor(lease: Leased & { id: string }) {
    super(`lost the lease of ${lease.table} ${lease.id}`);
    this.name = 'LeaseLost';
  }
}

function trustFrom(askedMs: number, leaseMs: number): number {
  return askedMs + leaseMs * (1 - marginShare);
}
