/** Scheduled jobs under kills and skew: no run is early, none overlaps another, no slot is finished twice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createRandom } from '../support/random.ts';
import { onMariadb } from './field.ts';
import type { PartResult } from './report.ts';

const leaseMs = 3000;

interface Run {
  replica: string;
  started_at: number;
  finished_at: number | null;
}

/** Three replicas with a job each second; one of them is killed each second, the first has another clock. */
export async function runCronSkew(
  seed: number,
  offsetSeconds: number,
  faketime: (offsetSeconds: number) => Record<string, string>,
  mutant?: string,
): Promise<PartResult> {
  const random = createRandom(seed);
  const seconds = Number(process.env.CHAOS_SECONDS ?? 40);
  const ground = await onMariadb(random);
  const database = openDatabase({ url: ground.urls[0]!, poolSize: 2, queryTimeoutMs: 20_000 });
  const children = new Map<string, ReturnType<typeof spawn>>();
  let isOver = false;
  const start = (index: number) => {
    const name = `replica-${index}`;
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cron-process.ts')], {
      env: {
        PATH: process.env.PATH,
        TZ: 'UTC',
        DATABASE_URL: ground.urls[0]!,
        LEASE_MS: String(leaseMs),
        REPLICA: name,
        ...(mutant !== undefined && { MUTANT: mutant }),
        ...(index === 0 && faketime(offsetSeconds)),
      },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    children.set(name, child);
    child.once('exit', () => isOver || start(index));
  };
  try {
    await migrate(database, { signal: AbortSignal.timeout(60_000), leaseMs: 10_000 });
    await database.run(
      'create table probe_run (id varchar(40) primary key, replica varchar(20), started_at bigint, finished_at bigint)',
    );
    for (let index = 0; index < 3; index++) start(index);
    const runs = () => database.all<Run>('select replica, started_at, finished_at from probe_run order by started_at');
    while ((await runs()).length === 0) await sleep(100);
    const kills: { name: string; atMs: number }[] = [];
    for (let second = 0; second < seconds; second++) {
      await sleep(1000);
      const name = `replica-${random.below(3)}`;
      const [row] = await database.all<{ now: number }>(`select ${database.dialect.now} now`);
      kills.push({ name, atMs: Number(row!.now) });
      children.get(name)!.kill('SIGKILL');
    }
    await sleep(2 * leaseMs);
    const all = await runs();
    const figures = judge(all, kills);
    const { early, overlapping, twice, twiceAfterKill, finished } = figures;
    const title = `cron with replica-0 off by ${offsetSeconds} s${mutant === undefined ? '' : `, mutant ${mutant}`}`;
    const notes = [
      `${seconds} kills, one each second`,
      `${all.length} runs, ${finished} finished`,
      `early ${early}, overlapping ${overlapping}, slots finished twice ${twice} (and ${twiceAfterKill} after a kill before the release)`,
    ];
    const broken = [
      ...(early > 0 ? [`${early} runs were early`] : []),
      ...(overlapping > 0 ? [`${overlapping} runs overlap`] : []),
      ...(twice > 0 ? [`${twice} slots were finished twice`] : []),
      ...(finished === 0 ? ['no run was finished'] : []),
    ];
    return { title: `${title} on MariaDB, 3 replicas`, seed, notes, broken };
  } finally {
    isOver = true;
    for (const child of children.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await database.close();
    await ground.close();
  }
}

/** A slot is a second by the database's clock. */
function judge(runs: readonly Run[], kills: readonly { name: string; atMs: number }[]) {
  const figures = { early: 0, overlapping: 0, twice: 0, twiceAfterKill: 0, finished: 0 };
  let last: Run | undefined;
  for (const run of runs) {
    if (run.finished_at !== null) figures.finished++;
    if (last !== undefined) {
      const { replica, started_at: from, finished_at: to } = last;
      const wasKilled = kills.some(({ name, atMs }) => name === replica && atMs >= from && atMs <= run.started_at);
      const nextSlot = Math.floor((to ?? from) / 1000) * 1000 + 1000;
      if (to !== null && run.started_at < to) figures.overlapping++;
      // A run that was cut off is due again after its lease; one that has ended, well or not, in the next second.
      if (to === null && run.started_at < (wasKilled ? from + leaseMs - 50 : nextSlot)) figures.early++;
      if (to !== null && run.started_at < nextSlot) {
        if (wasKilled) figures.twiceAfterKill++;
        else figures.twice++;
      }
    }
    last = run;
  }
  return figures;
}
