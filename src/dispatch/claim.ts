import { claimDue, type Lease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';
import { globalScope } from './pause-store.ts';

/**
 * Claims lanes that are due and that anyone may drain; none while everything is paused. By the index lane_by_due. See
 * README.md, step 2.
 */
export function claimLanes(session: Session, limit: number, leaseMs: number): Promise<Lease[]> {
  const where = {
    sql: "drain_key = '' and not exists (select 1 from delivery_pause where scope = ?)",
    bindings: [globalScope],
  };
  return claimDue(session, { table: 'lane', key: 'lane_id' }, { limit, leaseMs, where });
}
