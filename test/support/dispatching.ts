/** Enqueues and delivers on a bare database, with senders that a test makes up. */
import { createAlone } from '../../src/db/alone.ts';
import type { Database } from '../../src/db/database.ts';
import type { Lease } from '../../src/db/lease.ts';
import { shareLanes } from '../../src/dispatch/claim.ts';
import type { Dispatch, Sender } from '../../src/dispatch/dispatch.ts';
import { enqueue, type NewDispatch } from '../../src/dispatch/enqueue.ts';
import { type DispatchOptions, startDispatch } from '../../src/dispatch/start-dispatch.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';

/** A row of the table, as far as tests look at it. */
export interface DispatchRow {
  dispatch_id: string;
  lane_id: string;
  sequence: number;
  payload: string;
  state: string;
  reason: string | null;
  started: number;
  finished: number;
  settled_at: number | null;
}

/** Opens one database for several tests: each finds it without lanes and dispatches. */
export function emptied(open: () => Promise<Database>): () => Promise<Database> {
  let opened: Promise<Database> | undefined;
  return async () => {
    opened ??= open();
    const database = await opened;
    const tables = ['lane', 'dispatch', 'dispatch_attempt', 'delivery_pause', 'audit', 'cron_task'];
    for (const table of tables) await database.run(`delete from ${table}`);
    return database;
  };
}

export function newDispatch(laneId: string, payload: string, more: Partial<NewDispatch> = {}): NewDispatch {
  return { laneId, dedupeKey: `${laneId}:${payload}`, kind: 'test', appid: 'wx', payload, windowMs: 60_000, ...more };
}

/** Enqueues payloads on a lane, each in a transaction of its own. */
export async function enqueueAll(database: Database, laneId: string, payloads: readonly string[]): Promise<void> {
  for (const payload of payloads) await database.tx((tx) => enqueue(tx, newDispatch(laneId, payload)));
}

/** All dispatches, or those of a lane, in order. */
export function listDispatches(database: Database, laneId?: string): Promise<DispatchRow[]> {
  return database.all<DispatchRow>(
    `select dispatch_id, lane_id, sequence, payload, state, reason, started, finished, settled_at from dispatch
      ${laneId === undefined ? '' : 'where lane_id = ?'} order by lane_id, sequence`,
    laneId === undefined ? [] : [laneId],
  );
}

/** What lanes, dispatches and their tries hold, to be compared: who may change nothing leaves it the same. */
export async function snapshot(database: Database): Promise<string> {
  const lanes = await database.all('select * from lane order by lane_id');
  const dispatches = await database.all('select * from dispatch order by dispatch_id');
  const attempts = await database.all('select * from dispatch_attempt order by dispatch_id, attempt, outcome');
  return JSON.stringify([lanes, dispatches, attempts]);
}

/** What delivering needs, with short waits. */
export function deliverOptions(database: Database, send: Sender, kind = 'test'): DispatchOptions {
  return {
    database,
    senders: new Map([[kind, send]]),
    backoff: { baseMs: 10, maxMs: 80 },
    sendTimeoutMs: 1000,
    concurrency: 8,
    leaseMs: 10_000,
    metrics: createMetrics(),
    logger: createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
    alone: createAlone(),
    reached: () => {},
  };
}

/** Claims lanes as the workers of a process do that has just begun. */
export function claimLanes(database: Database, limit: number, leaseMs: number): Promise<Lease[]> {
  return shareLanes(database, leaseMs).claim(limit);
}

/** A worker that ticks every 50 ms until it is stopped, or left as if it were dead. */
export function startWorker(options: DispatchOptions): { stop(graceMs?: number): Promise<void>; abandon(): void } {
  const loop = startDispatch(options);
  const ticking = setInterval(loop.wake, 50);
  loop.wake();
  return {
    stop: async (graceMs = 1000) => {
      clearInterval(ticking);
      await loop.stop(graceMs);
    },
    abandon: () => clearInterval(ticking),
  };
}

/** A sender that notes what it was given; `fail` may throw for some. */
export function recordingSender(fail: (dispatch: Dispatch, earlier: string[]) => void = () => {}) {
  const sent: string[] = [];
  const tried: string[] = [];
  const send: Sender = async (dispatch) => {
    const earlier = tried.filter((payload) => payload === dispatch.payload);
    tried.push(dispatch.payload);
    fail(dispatch, earlier);
    sent.push(dispatch.payload);
  };
  return { send, sent, tried };
}
