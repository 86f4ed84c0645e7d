import { claimDue, type Lease } from '../db/lease.ts';
import type { Session } from '../db/session.ts';

/** Claims lanes that are due and that anyone may drain. By the index lane_by_due. See README.md, step 2. */
export function claimLanes(session: Session, limit: number, leaseMs: number): Promise<Lease[]> {
  const where = { sql: "drain_key = ''", bindings: [] };
  return claimDue(session, { table: 'lane', key: 'lane_id' }, { limit, leaseMs, where });
}
