/**
 * Chance plays workers that deliver from the real tables: they claim, begin, send and settle, die or are paused between
 * any two steps, and lose their leases. A model of what a receiver may see says whether that was right.
 */
import { describe, test } from 'node:test';
import { eachDatabase } from '../support/databases.ts';
import { emptied } from '../support/dispatching.ts';
import { createRandom } from '../support/random.ts';
import { simulate } from './simulate.ts';

eachDatabase((dialect, create) => {
  const open = emptied(create);
  const schedules = Number(process.env.SIMULATIONS ?? (dialect === 'sqlite' ? 60 : 15));
  describe(`a simulation on ${dialect}`, () => {
    test(`of ${schedules} schedules of deaths, pauses and lost leases: nothing lost, in order, repeats only after one of them`, async (t) => {
      const database = await open();
      const seed = createRandom().seed;
      const total = { enqueued: 0, distinct: 0, arrivals: 0, cutOff: 0, dead: 0 };
      for (let schedule = 0; schedule < schedules; schedule++) {
        const random = createRandom(seed + schedule);
        for (const table of ['lane', 'dispatch']) await database.run(`delete from ${table}`);
        const told = await simulate(database, random).catch((error) => {
          t.diagnostic(`SIMULATIONS=1 TEST_SEED=${random.seed}`);
          throw error;
        });
        for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += told[key];
      }
      t.diagnostic(`TEST_SEED=${seed} ${JSON.stringify(total)}`);
    });
  });
});
