import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Job, type JobOptions, nextSlot, registerJob, runJob } from '../../src/cron/run-job.ts';
import { startCron } from '../../src/cron/start-cron.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { claimDue } from '../../src/db/lease.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createLogger } from '../../src/logger.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { until } from '../support/until.ts';

const forever = new AbortController().signal;
/** No test lasts until its slot. */
const yearly = '0 0 1 1 *';
const everySecond = '* * * * * *';

for (const { name: dialect, create } of dialects) {
  describe(`scheduled jobs on ${dialect}`, () => {
    let file: TestDatabase;
    let database: Database;
    let replicas: JobOptions[];
    const logged: { level: string; task: string; error?: string; msg: string }[] = [];
    before(async () => {
      file = await create();
      const logger = createLogger('info', { write: (line) => logged.push(JSON.parse(line)) });
      replicas = [1, 2, 3].map(() => {
        const own = openDatabase({ url: file.url, poolSize: 4, queryTimeoutMs: 10_000 });
        return { database: own, logger, leaseMs: 10_000 };
      });
      database = replicas[0]!.database;
      await migrate(database, { signal: forever, leaseMs: 10_000 });
    });
    after(async () => {
      for (const replica of replicas) await replica.database.close();
      await file.drop();
    });

    /** A job that counts its runs, registered by all replicas. */
    const addJob = async (
      task: string,
      schedule: string,
      work: (signal: AbortSignal) => Promise<void> = async () => {},
    ) => {
      const job = {
        task,
        schedule,
        runs: 0,
        run: (signal: AbortSignal) => {
          job.runs++;
          return work(signal);
        },
      };
      await Promise.all(replicas.map((replica) => registerJob(replica, job)));
      return job;
    };
    /** All replicas tick at once, some twice. Returns how many ran the job. */
    const tick = async (job: Job) => {
      const ran = await Promise.all([...replicas, ...replicas].map((replica) => runJob(replica, job, forever)));
      return ran.filter(Boolean).length;
    };
    const row = async ({ task }: Job) => {
      const sql = `select due_at, lease_token, last_error, ${database.dialect.now} now from cron_task where task = ?`;
      type Row = { due_at: number; lease_token: string | null; last_error: string | null; now: number };
      const [found] = await database.all<Row>(sql, [task]);
      return found!;
    };
    const makeDue = (job: Job, agoMs = 0) =>
      database.run(`update cron_task set due_at = ${database.dialect.now} - ? where task = ?`, [agoMs, job.task]);

    test('three replicas that tick at once: nobody runs before the slot, and one runs in it', async () => {
      const job = await addJob('once', yearly);
      assert.equal(await tick(job), 0);
      for (let slot = 1; slot <= 5; slot++) {
        await makeDue(job);
        assert.equal(await tick(job), 1);
        assert.equal(await tick(job), 0);
        assert.equal(job.runs, slot);
      }
    });

    test('slots that were missed are made up for by one run, and the next is the first to come', async () => {
      const job = await addJob('missed', '0 * * * *');
      await makeDue(job, 10 * 24 * 3_600_000);
      assert.equal(await tick(job), 1);
      assert.equal(await tick(job), 0);
      const { due_at, now } = await row(job);
      assert.equal(due_at, nextSlot('0 * * * *', now));
    });

    test('a run whose process died is taken over once its lease has run out, by one replica', async () => {
      let ranAtMs = 0;
      const job = await addJob('killed', yearly, async () => {
        ranAtMs = (await row(job)).now;
      });
      await makeDue(job);
      const leased = { table: 'cron_task', key: 'task' } as const;
      const where = { sql: 'task = ?', bindings: [job.task] };
      // All that a process leaves that dies in mid-run.
      const [lease] = await claimDue(database, leased, { limit: 1, leaseMs: 700, where });
      const { due_at: endMs } = await row(job);
      assert.ok(lease);
      await until('it is taken over', async () => (await tick(job)) === 1);
      assert.ok(ranAtMs >= endMs);
      assert.equal(await tick(job), 0);
      assert.equal(job.runs, 1);
    });

    test('a run that is longer than its lease keeps it', async () => {
      const ended = Promise.withResolvers<void>();
      const job = await addJob('long', yearly, () => ended.promise);
      await makeDue(job);
      const { database: own, logger } = replicas[0]!;
      const run = runJob({ database: own, logger, leaseMs: 1200 }, job, forever);
      const { now: startMs } = await row(job);
      await until('its first lease is long over', async () => {
        assert.equal(await tick(job), 0);
        return (await row(job)).now > startMs + 1800;
      });
      ended.resolve();
      assert.equal(await run, true);
      assert.equal(job.runs, 1);
    });

    test('a run that a stop cuts off is done again at once by another replica', async () => {
      const stop = new AbortController();
      const work = (signal: AbortSignal) =>
        new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      const job = await addJob('stopped', yearly, (signal) => (job.runs === 1 ? work(signal) : Promise.resolve()));
      await makeDue(job);
      const run = runJob(replicas[0]!, job, stop.signal);
      await until('it runs', () => job.runs === 1);
      stop.abort(new Error('stopping'));
      assert.equal(await run, true);
      assert.equal(await tick(job), 1);
      assert.equal(job.runs, 2);
    });

    test('a job that fails is logged, keeps its error, and runs at its next slot', async () => {
      const job = await addJob('fails', yearly, async () => {
        if (job.runs === 1) throw new Error('out of order');
      });
      await makeDue(job);
      assert.equal(await tick(job), 1);
      const [entry] = logged.filter(({ task, level }) => task === 'fails' && level === 'error');
      assert.deepEqual([entry?.msg, entry?.error], ['scheduled job failed', 'out of order']);
      const { due_at, now, last_error } = await row(job);
      assert.deepEqual([last_error, due_at], ['out of order', nextSlot(yearly, now)]);
      assert.equal(await tick(job), 0);
      await makeDue(job);
      assert.equal(await tick(job), 1);
      assert.equal((await row(job)).last_error, null);
    });

    test('a changed schedule takes effect: an earlier slot at once, a later one after the slot that was stored', async () => {
      const job = await addJob('changed', yearly);
      const sooner = await addJob('changed', everySecond);
      assert.ok((await row(job)).due_at <= (await row(job)).now + 1000);
      await until('its slot has come', async () => (await tick(sooner)) === 1);
      const later = await addJob('changed', yearly);
      await until('the stored slot has come', async () => (await tick(later)) === 1);
      const { due_at, now } = await row(job);
      assert.equal(due_at, nextSlot(yearly, now));
    });

    test('registering does not touch the lease of a run', async () => {
      const ended = Promise.withResolvers<void>();
      const job = await addJob('held', yearly, () => ended.promise);
      await makeDue(job);
      const run = runJob(replicas[0]!, job, forever);
      await until('it runs', () => job.runs === 1);
      await registerJob(replicas[1]!, { ...job, schedule: everySecond });
      const { due_at, now } = await row(job);
      assert.ok(due_at > now + 5000);
      ended.resolve();
      await run;
    });

    test("slots are computed from the database's time, whatever the process's clock says", async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2001-01-01T00:00:00Z') });
      const job = await addJob('clock', '17 */6 * * *');
      const { due_at, now } = await row(job);
      assert.ok(now > Date.parse('2020-01-01T00:00:00Z'));
      assert.equal(due_at, nextSlot('17 */6 * * *', now));
      await makeDue(job);
      assert.equal(await tick(job), 1);
      assert.equal((await row(job)).due_at, due_at);
    });

    test('two replicas with real schedules: the tick is for each, a slot is for one, and stop ends what runs', async () => {
      let ticks = 0;
      const runs: number[] = [];
      const waiting = { task: 'waiting', schedule: yearly, runs: 0, ended: 0 };
      const wait: Job = {
        ...waiting,
        run: async (signal) => {
          waiting.runs++;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          waiting.ended++;
        },
      };
      const counted: Job = {
        ...{ task: 'counted', schedule: everySecond },
        run: async () => void runs.push(Math.floor((await row(counted)).now / 1000)),
      };
      const settings = {
        tickSchedule: everySecond,
        tick: () => void ticks++,
        jobs: [counted, { ...wait, schedule: everySecond }],
      };
      const crons = await Promise.all(replicas.slice(1).map((replica) => startCron({ ...replica, ...settings })));
      await until('three slots have come', () => runs.length >= 3 && waiting.runs === 1);
      await Promise.all(crons.map((cron) => cron.stop()));
      assert.equal(new Set(runs).size, runs.length, `runs in the seconds ${runs}`);
      assert.ok(ticks > runs.length, `${ticks} ticks`);
      assert.deepEqual([waiting.runs, waiting.ended], [1, 1]);
    });
  });
}

test('slots are in Asia/Shanghai', () => {
  const at = (text: string) => Date.parse(text);
  assert.equal(nextSlot('43 4 * * *', at('2026-03-01T20:42:59Z')), at('2026-03-01T20:43:00Z'));
  assert.equal(nextSlot('43 4 * * *', at('2026-03-01T20:43:00Z')), at('2026-03-02T20:43:00Z'));
  assert.equal(nextSlot('17 */6 * * *', at('2026-03-01T00:00:00Z')), at('2026-03-01T04:17:00Z'));
  assert.equal(nextSlot('0 0 1 1 *', at('2026-06-01T00:00:00Z')), at('2026-12-31T16:00:00Z'));
  assert.equal(nextSlot('*/5 * * * * *', at('2026-03-01T00:00:01.234Z')), at('2026-03-01T00:00:05Z'));
});
