import { ulid } from 'ulid';
import { marksFor } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';

/** What an operator asks for. */
export interface Command {
  /** Who asks. */
  actor: string;
  /** The call's name. */
  action: 'RetryDispatch' | 'CancelDispatch' | 'UnblockLane' | 'PauseDelivery' | 'ResumeDelivery' | 'EraseUser';
  /** What it is about; see the `…Target` functions. */
  target: string;
  /** Why. */
  reason: string;
}

export const dispatchTarget = (dispatchId: string) => `dispatch:${dispatchId}`;
export const laneTarget = (laneId: string) => `lane:${laneId}`;
export const deliveryTarget = (scope: string) => `delivery:${scope}`;
export const userTarget = (appid: string, userHash: string) => `user:${appid}:${userHash}`;

/**
 * Runs an operator's command in one transaction, and writes it down in the same with what came of it, which it returns:
 * something that JSON can hold. Should the transaction run again after a commit that took effect unseen, it finds its
 * own entry, and does nothing twice. What is refused is not written down.
 */
export async function runCommand<Outcome>(
  database: Database,
  command: Command,
  work: (tx: Tx) => Promise<Outcome>,
): Promise<Outcome> {
  const id = ulid();
  return database.tx(async (tx) => {
    const [done] = await tx.all<{ detail: string }>('select detail from audit where id = ?', [id]);
    if (done !== undefined) return JSON.parse(done.detail) as Outcome;
    const outcome = await work(tx);
    await insertEntry(tx, id, command, JSON.stringify(outcome));
    return outcome;
  });
}

/** Writes a command down, with what came of it so far as JSON. */
export async function insertEntry(session: Session, id: string, command: Command, detail: string): Promise<void> {
  const { actor, action, target, reason } = command;
  await session.run(
    `insert into audit (id, at, actor, action, target, reason, detail) values (?, ${session.dialect.now}, ?, ?, ?, ?, ?)`,
    [id, actor, action, target, reason, detail],
  );
}

/** An entry as it is stored. */
export interface AuditRow extends Command {
  id: string;
  at: number;
  detail: string;
}

/** What was done to these targets, oldest first; of many, the last hundred. By audit_by_target. */
export async function loadAudit(session: Session, targets: readonly string[]): Promise<AuditRow[]> {
  const rows = await session.all<AuditRow>(
    `select id, at, actor, action, target, reason, detail from audit
      where target in ${marksFor(targets)} order by id desc limit 100`,
    targets,
  );
  return rows.reverse();
}
