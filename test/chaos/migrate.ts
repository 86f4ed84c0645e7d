/** Ten processes start at once and find every step of the schema not yet run, while a replica accepts and answers. */
import { createRandom } from '../support/random.ts';
import { superviseReplica } from '../support/replica.ts';
import { testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';
import { type Ground, grounds, openField, quickEnv } from './field.ts';
import { reckon, startLoad } from './load.ts';
import type { PartResult } from './report.ts';
import { brokenPromises } from './tally.ts';

const starters = 10;

/** The part `migrate`: on MariaDB and on SQLite. There is no release before whose schema could be there. */
export async function* migrate(seed: number): AsyncGenerator<PartResult> {
  for await (const ground of grounds(createRandom(seed))) yield await runMigrate(seed, ground);
}

async function runMigrate(seed: number, ground: Ground): Promise<PartResult> {
  const random = createRandom(seed);
  const field = await openField({ random, ground, replicas: 1, env: { DATABASE_POOL_SIZE: '5' } });
  const { receiver, database } = field;
  try {
    const load = startLoad({ field, random, conversations: 10, urls: () => [field.replicas[0]!.url!] });
    await until('it is under load', () => receiver.arrivals.length > 30, 120_000);
    const [had] = await database.all<{ n: number }>('select count(*) n from schema_migration');
    const askedBefore = load.asked.length;
    // But for the step that makes all indexes anew: until they are, nothing is found.
    await database.run("delete from schema_migration where name not like '%shared-rows%'");
    const [left] = await database.all<{ n: number }>('select count(*) n from schema_migration');
    const env = { ...testEnv(ground.urls[0]!, receiver.url), ...quickEnv, DATABASE_POOL_SIZE: '5' };
    for (let index = 0; index < starters; index++) {
      field.replicas.push(superviseReplica(`starter-${index}`, env, (line) => field.stalls.read('starter', line)));
    }
    await Promise.all(field.replicas.map((replica) => replica.serves()));
    const meanwhile = load.asked.length - askedBefore;
    await until('all of them work', () => new Set(receiver.arrivals.map(({ sender }) => sender)).size > 3, 120_000);
    await load.stop();
    const { tally, broken } = await reckon(field, load.asked);
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const [has] = await database.all<{ n: number }>('select count(*) n from schema_migration');
    if (Number(has!.n) !== Number(had!.n)) broken.push(`${has!.n} steps are recorded, not ${had!.n}`);
    if (meanwhile === 0) broken.push('nothing was accepted while they started');
    const notes = [
      `${Number(had!.n) - Number(left!.n)} steps run again by ${starters} starters at once`,
      `${meanwhile} accepted meanwhile`,
    ];
    return { title: `migrate under load on ${ground.name}`, seed, tally, notes, broken };
  } finally {
    await field.close();
  }
}
