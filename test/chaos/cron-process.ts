/** A replica that runs one scheduled job, each second, and writes down by the database's clock when it ran. */
import { randomUUID } from 'node:crypto';
import { registerHooks } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { mutate } from '../support/mutants.ts';

if (process.env.MUTANT) mutate(process.env.MUTANT);
else registerHooks({}); // the same way of loading
const { startCron } = await import('../../src/cron/start-cron.ts');
const { openDatabase } = await import('../../src/db/database.ts');
const { createLogger } = await import('../../src/logger.ts');

const database = openDatabase({ url: process.env.DATABASE_URL!, poolSize: 4, queryTimeoutMs: 1500 });
const { now } = database.dialect;
await startCron({
  database,
  logger: createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
  leaseMs: Number(process.env.LEASE_MS),
  tickSchedule: '* * * * * *',
  tick: () => {},
  jobs: [
    {
      task: 'probe',
      schedule: '* * * * * *',
      async run(signal) {
        const id = randomUUID();
        await database.run(`insert into probe_run (id, replica, started_at) values (?, ?, ${now})`, [
          id,
          process.env.REPLICA!,
        ]);
        await sleep(400, undefined, { signal });
        await database.run(`update probe_run set finished_at = ${now} where id = ?`, [id]);
      },
    },
  ],
});
process.stdout.write('ready\n');
process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL')).resume();
