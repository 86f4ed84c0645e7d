/** What is stored, as the contract has it. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AttemptOutcome,
  type AttemptSchema,
  type AuditEntrySchema,
  type DispatchSchema,
  DispatchState,
  type LaneSchema,
  Route,
} from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { AttemptRow } from './attempts.ts';
import type { AuditRow } from './audit.ts';
import type { PauseRow } from './pause-store.ts';
import { toPause } from './scope.ts';
import type { DispatchRow, LaneRow } from './store.ts';

const states: Record<string, DispatchState> = {
  pending: DispatchState.PENDING,
  delivered: DispatchState.DELIVERED,
  expired: DispatchState.EXPIRED,
  dead: DispatchState.DEAD,
  cancelled: DispatchState.CANCELLED,
};

/** All states, as they are stored. */
export const stateNames = Object.keys(states);

/** States as they are stored, each once. */
export function namesOfStates(wanted: readonly DispatchState[]): string[] {
  return stateNames.filter((name) => wanted.includes(states[name]!));
}

const routes = { first: Route.FIRST, fallback: Route.FALLBACK };

const outcomes = {
  delivered: AttemptOutcome.DELIVERED,
  failed: AttemptOutcome.FAILED,
  refused: AttemptOutcome.REFUSED,
  closed: AttemptOutcome.CLOSED,
  expired: AttemptOutcome.EXPIRED,
  buried: AttemptOutcome.BURIED,
  fallback: AttemptOutcome.FALLBACK,
};

const toSeconds = (ms: number | null) => Math.floor((ms ?? 0) / 1000);

export function toDispatch(row: DispatchRow): MessageInitShape<typeof DispatchSchema> {
  return {
    dispatchId: row.dispatch_id,
    laneId: row.lane_id,
    sequence: BigInt(row.sequence),
    state: states[row.state] ?? DispatchState.UNSPECIFIED,
    kind: row.kind,
    route: routes[row.route],
    appid: row.appid,
    messageId: row.message_id ?? '',
    createdAt: toSeconds(row.created_at),
    expiresAt: toSeconds(row.expires_at),
    settledAt: toSeconds(row.settled_at),
    attempts: row.started,
    unendedAttempts: row.started - row.finished,
    retries: row.retries,
    reason: row.reason ?? '',
  };
}

export function toAttempt(row: AttemptRow): MessageInitShape<typeof AttemptSchema> {
  return {
    number: row.attempt,
    outcome: outcomes[row.outcome],
    kind: row.kind,
    route: routes[row.route],
    startedAt: toSeconds(row.started_at),
    tookMs: row.ended_at - row.started_at,
    reason: row.reason ?? '',
  };
}

export function toLane(row: LaneRow, pauses: readonly PauseRow[]): MessageInitShape<typeof LaneSchema> {
  return {
    laneId: row.lane_id,
    held: row.held === 1,
    dueAt: toSeconds(row.due_at),
    failures: row.failures,
    pauses: pauses.map(toPause),
  };
}

export function toAuditEntry(row: AuditRow): MessageInitShape<typeof AuditEntrySchema> {
  const { id, actor, action, target, reason, detail } = row;
  return { id, at: toSeconds(row.at), actor, action, target, reason, detail };
}
