import { createFairClaim, type FairClaim } from '../db/fair-claim.ts';
import type { Session } from '../db/session.ts';
import { globalScope } from './pause-store.ts';

const lanes = { table: 'lane', key: 'lane_id' } as const;

/** Those that anyone may drain; none while everything is paused. */
const where = {
  sql: "drain_key = '' and not exists (select 1 from delivery_pause where scope = ?)",
  bindings: [globalScope],
};

/** Claims lanes that are due, an account after another. By the index lane_by_account. See README.md, step 2. */
export function shareLanes(session: Session, leaseMs: number): FairClaim {
  return createFairClaim({ session, leased: lanes, index: 'lane_by_account', leaseMs, where });
}
