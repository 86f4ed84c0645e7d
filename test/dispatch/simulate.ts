/** Workers that deliver from the real tables, moved by chance, and a model of what a receiver may see of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import type { Lease } from '../../src/db/lease.ts';
import { deliverLane } from '../../src/dispatch/deliver.ts';
import type { Dispatch } from '../../src/dispatch/dispatch.ts';
import { CallError } from '../../src/errors.ts';
import { claimLanes, deliverOptions, enqueueAll, listDispatches, startWorker } from '../support/dispatching.ts';
import { createMortal, type MortalDatabase } from '../support/mortal-database.ts';
import type { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { createLaneModel, type LaneModel } from './lane-model.ts';

const lanes = ['a', 'b', 'c'];
const hourMs = 3_600_000;

/** How a send ends. */
type End = 'taken' | 'failed' | 'refused';

/** A worker, which holds one lane at a time. */
interface Worker {
  database: MortalDatabase;
  isIdle: boolean;
  lease?: Lease | undefined;
  /** Lanes that it lost while it was paused: it may be killed before it has counted its try there as ended. */
  lost: string[];
  /** What it is sending; it waits to be told how that ended. `decided`: the receiver knows already. */
  sending?: { dispatch: Dispatch; tell(end: End): void; decided?: End } | undefined;
}

interface Stage {
  database: Database;
  random: Random;
  workers: Worker[];
  models: Map<string, LaneModel>;
  /** What a model found wrong. */
  broken: unknown[];
  cutOff: number;
}

/** Plays one schedule on an empty database. Throws when a promise is broken; else tells what happened. */
export async function simulate(database: Database, random: Random) {
  const models = new Map(lanes.map((lane) => [lane, createLaneModel()]));
  const stage: Stage = { database, random, workers: [], models, broken: [], cutOff: 0 };
  for (let at = 0; at < 3; at++) stage.workers[at] = newWorker(stage);
  let enqueued = 0;
  for (let step = 0; step < 50; step++) {
    const action = random.pick(['enqueue', 'claim', 'claim', 'end', 'end', 'wait', 'cut off']);
    if (action === 'enqueue') await enqueue(stage, enqueued++);
    else if (action === 'claim') claim(stage);
    else if (action === 'end') endOne(stage);
    else if (action === 'wait') await endWaits(stage);
    else await cutOne(stage);
    await stillness(stage);
  }
  for (const worker of stage.workers.filter(({ isIdle }) => !isIdle)) await cutOff(stage, worker, true);
  await drain(stage);
  const counts = [...models.values()].map((model) => model.count());
  return {
    enqueued,
    distinct: counts.reduce((sum, { distinct }) => sum + distinct, 0),
    arrivals: counts.reduce((sum, { arrivals }) => sum + arrivals, 0),
    cutOff: stage.cutOff,
    dead: (await listDispatches(database)).filter(({ state }) => state === 'dead').length,
  };
}

function newWorker({ database }: Stage): Worker {
  return { database: createMortal(database), isIdle: true, lost: [] };
}

async function enqueue({ database, random, models }: Stage, number: number): Promise<void> {
  const lane = random.pick(lanes);
  models.get(lane)!.enqueue(`${lane}${number}`);
  await enqueueAll(database, lane, [`${lane}${number}`]);
}

/** An idle worker claims a lane and delivers from it; it may be its fate to die, or to be paused, some steps later. */
function claim(stage: Stage): void {
  const { workers, random } = stage;
  const worker = workers.find(({ isIdle }) => isIdle);
  if (worker === undefined) return;
  const fate = random.below(5);
  if (fate === 0) worker.database.dieAfter(1 + random.below(9));
  if (fate === 1) worker.database.pauseAfter(1 + random.below(9));
  void deliver(stage, worker);
}

async function deliver(stage: Stage, worker: Worker): Promise<void> {
  worker.isIdle = false;
  const [lease] = await claimLanes(worker.database, 1, hourMs);
  worker.lease = lease;
  const send = (dispatch: Dispatch) =>
    new Promise<void>((resolve, reject) => {
      judge(stage, () => stage.models.get(dispatch.laneId)!.send(dispatch.payload));
      const tell = (end: End) => {
        worker.sending = undefined;
        if (end === 'taken') resolve();
        else reject(new CallError(end, { verdict: end === 'refused' ? 'permanent' : 'transient' }));
      };
      worker.sending = { dispatch, tell };
    });
  const run = { signal: new AbortController().signal, isStopping: () => false };
  if (lease) await deliverLane({ ...deliverOptions(worker.database, send), wakeIn: () => {} }, lease, run);
  worker.lease = undefined;
  worker.lost = [];
  worker.isIdle = true;
}

/** The receiver decides about something that is being sent, and the worker learns of it. */
function endOne(stage: Stage): void {
  const worker = stage.workers.find(({ sending }) => sending !== undefined);
  if (worker === undefined) return;
  const end = decide(stage, worker, 'seen');
  worker.sending!.tell(end);
}

function decide(stage: Stage, worker: Worker, how: 'seen' | 'unseen'): End {
  const { dispatch } = worker.sending!;
  const end = stage.random.pick<End>(['taken', 'taken', 'taken', 'failed', 'refused']);
  const state = ({ taken: 'delivered', failed: 'pending', refused: 'dead' } as const)[end];
  const model = stage.models.get(dispatch.laneId)!;
  if (end === 'taken') judge(stage, () => model.arrive(dispatch.payload));
  model.end(dispatch.payload, state, how === 'seen' && !worker.database.isDoomed());
  return end;
}

/** All waits are over. Leases aren't. */
async function endWaits({ database }: Stage): Promise<void> {
  const { now } = database.dialect;
  await database.run(`update lane set due_at = ${now} where lease_token is null and due_at is not null`);
}

/** A worker was dead, or paused, for longer than its lease. */
async function cutOne(stage: Stage): Promise<void> {
  const busy = stage.workers.filter(({ isIdle }) => !isIdle);
  if (busy.length === 0) return;
  const worker = stage.random.pick(busy);
  await cutOff(stage, worker, worker.database.isDead() || stage.random.chance(0.5));
}

/** What was being sent has ended by then: a send is begun only if it ends within the lease. */
async function cutOff(stage: Stage, worker: Worker, forGood: boolean): Promise<void> {
  const { database, workers, models } = stage;
  stage.cutOff++;
  const end = worker.sending && decide(stage, worker, 'unseen');
  if (worker.lease) worker.lease.trustedUntilMs = Number.NEGATIVE_INFINITY;
  // Whoever died in mid-claim doesn't know its token: what nobody else holds was its.
  const others = workers.flatMap((other) => (other !== worker && other.lease ? [other.lease.token] : []));
  const rows = await database.all<{ lane_id: string; lease_token: string }>(
    'select lane_id, lease_token from lane where lease_token is not null',
  );
  for (const { lane_id: laneId, lease_token: token } of rows) {
    if (worker.lease ? token !== worker.lease.token : others.includes(token)) continue;
    models.get(laneId)!.cutOff('paused');
    worker.lost.push(laneId);
    await database.run(`update lane set due_at = ${database.dialect.now} where lane_id = ?`, [laneId]);
  }
  // Half of the time somebody else is quicker than one that wakes up: to that one it is as good as dead.
  const isOvertaken = !forGood && stage.random.chance(0.5) && workers.some(({ isIdle }) => isIdle);
  const isDead = forGood || isOvertaken || worker.database.isDoomed();
  if (isDead) for (const laneId of worker.lost) models.get(laneId)!.cutOff('killed');
  if (forGood) {
    worker.database.dieAfter(0);
    workers[workers.indexOf(worker)] = newWorker(stage);
    return;
  }
  if (isOvertaken) claim(stage);
  await stillness(stage);
  worker.database.resume();
  if (end) worker.sending?.tell(end);
}

/** Until nothing moves any more by itself. */
async function stillness({ workers, broken }: Stage): Promise<void> {
  const isStill = ({ database, isIdle, sending }: Worker) =>
    !database.isBusy() && (isIdle || sending !== undefined || database.isDead() || database.isPaused());
  const giveUpAtMs = performance.now() + 30_000;
  for (let turns = 0; turns < 3; ) {
    if (performance.now() > giveUpAtMs)
      throw new Error(`the workers do not come to rest: ${workers.map(describeWorker)}`);
    await nextTurn();
    turns = workers.every(isStill) ? turns + 1 : 0;
    if (broken.length > 0) throw broken[0];
  }
}

function describeWorker({ database, isIdle, sending }: Worker): string {
  const { isBusy, isDead, isPaused } = database;
  return JSON.stringify({ isIdle, sends: sending !== undefined, busy: isBusy(), dead: isDead(), paused: isPaused() });
}

function judge({ broken }: Stage, look: () => void): void {
  try {
    look();
  } catch (error) {
    broken.push(error);
  }
}

/** One worker without a fate delivers what is left; then the table is compared with what the models know. */
async function drain(stage: Stage): Promise<void> {
  const { database, models, broken } = stage;
  await database.run(`update lane set due_at = ${database.dialect.now} where due_at is not null`);
  const send = async ({ laneId, payload }: Dispatch) => {
    const model = models.get(laneId)!;
    judge(stage, () => model.send(payload));
    judge(stage, () => model.arrive(payload));
    model.end(payload, 'delivered', true);
  };
  const worker = startWorker(deliverOptions(database, send));
  const pending = () => database.all("select 1 from dispatch where state = 'pending' limit 1");
  await until('all are settled', async () => (await pending()).length === 0, 30_000).finally(() => worker.stop());
  if (broken.length > 0) throw broken[0];
  for (const [lane, model] of models) model.check(await listDispatches(database, lane));
}
