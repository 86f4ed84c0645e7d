/**
 * The part `galera`: three replicas on a cluster of three database nodes. First nodes race for the same rows, then comes
 * the storm, once with a node for each replica and once with one endpoint for all, and nodes are killed in it as well.
 */
import { openDatabase } from '../../src/db/database.ts';
import { type GaleraCluster, startGaleraCluster } from '../support/galera-cluster.ts';
import { createRandom } from '../support/random.ts';
import { onGalera } from './galera-ground.ts';
import { type Raced, raceTheFence, raceToClaim, raceToMigrate, raceToRelease } from './galera-races.ts';
import type { PartResult } from './report.ts';
import { runStorm, stormSize } from './storm.ts';

const rounds = Number(process.env.CHAOS_RACES ?? 300);

/** Runs the part. Where no cluster can be had it says so, and breaks nothing but in CI. */
export async function* galera(seed: number): AsyncGenerator<PartResult> {
  const cluster = await startGaleraCluster((line) => process.stderr.write(`${line}\n`));
  if (cluster === undefined) {
    const words = 'NOT RUN: no Galera here, and none can be installed (root on Debian could)';
    yield { title: 'galera', seed, notes: [words], broken: process.env.CI ? [words] : [] };
    return;
  }
  try {
    yield await races(cluster, seed);
    yield await stormOn(cluster, seed, 'own');
    yield await stormOn(cluster, seed, 'one');
  } finally {
    await cluster.stop();
  }
}

async function races(cluster: GaleraCluster, seed: number): Promise<PartResult> {
  const random = createRandom(seed);
  const ground = await onGalera(cluster, { database: 'races', endpoint: 'own', random });
  const databases = ground.urls.map((url) => openDatabase({ url, poolSize: 4, queryTimeoutMs: 20_000 }));
  const nodes = { databases, urls: ground.urls, random };
  const raced: Raced[] = [
    await raceToMigrate(nodes),
    await raceToClaim(nodes, rounds),
    await raceTheFence(nodes, rounds),
    await raceToRelease(nodes, rounds),
  ];
  for (const database of databases) await database.close();
  const { certificationFailures, aborts } = await ground.conflicts();
  const differing = await ground.differences();
  return {
    title: 'races between nodes of Galera',
    seed,
    notes: [
      ...raced.flatMap(({ notes }) => notes),
      `${certificationFailures} certification failures and ${aborts} aborts, all tried again`,
    ],
    broken: [...raced.flatMap(({ broken }) => broken), ...differing.map((table) => `nodes differ in ${table}`)],
  };
}

async function stormOn(cluster: GaleraCluster, seed: number, endpoint: 'own' | 'one'): Promise<PartResult> {
  const random = createRandom(seed);
  const ground = await onGalera(cluster, { database: `storm_${endpoint}`, endpoint, random });
  const result = await runStorm({
    seed,
    ground,
    ...stormSize,
    databaseKills: Math.min(stormSize.databaseKills, cluster.nodes.length),
    title: endpoint === 'own' ? 'with a node for each' : 'with one endpoint for all',
  });
  const { certificationFailures, aborts } = await ground.conflicts();
  const differing = await ground.differences();
  result.notes.push(`${certificationFailures} certification failures and ${aborts} aborts, all tried again`);
  // A replica that is started again while its own node is away gives up after a while, and is started again.
  const isVain = (words: string) => endpoint === 'own' && / ended by itself: 1$/.test(words);
  const inVain = result.broken.filter(isVain).length;
  result.broken = result.broken.filter((words) => !isVain(words));
  if (inVain > 0) result.notes.push(`${inVain} starts in vain, the node being away`);
  result.broken.push(...differing.map((table) => `nodes differ in ${table}`));
  return result;
}
