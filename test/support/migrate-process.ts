/** Migrates a database, prints the steps that it ran, and dies by SIGKILL right after the effect of step KILL_IN. */
import { openDatabase } from '../../src/db/database.ts';
import { type Migration, migrate } from '../../src/db/migrate.ts';
import { createTable } from '../../src/db/schema.ts';

const { DATABASE_URL: url = '', KILL_IN: killIn, STEPS: which } = process.env;

const steps: Migration[] = ['1-first', '2-second', '3-third'].map((name) => ({
  name,
  async run(session) {
    await createTable(session, { name: name.slice(2), columns: ['id int not null'], primaryKey: ['id'] });
    if (name === killIn) process.kill(process.pid, 'SIGKILL');
  },
}));

const database = openDatabase({ url, poolSize: 2, queryTimeoutMs: 10_000 });
const signal = AbortSignal.timeout(60_000);
// The killed one's lease is waited for; the real schema is long, and a busy machine stalls.
const ran = await migrate(database, { signal, ...(which === 'test' ? { leaseMs: 1500, steps } : { leaseMs: 15_000 }) });
await database.close();
for (const name of ran) process.stdout.write(`${name}\n`);
