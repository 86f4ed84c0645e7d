/**
 * Two nodes of a cluster change the same row at the same instant, again and again. Each of them sees its own copy, and
 * locks are its own: it is only at the commit that one of the two wins.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import { claimDue, type Lease, lockLease } from '../../src/db/lease.ts';
import { migrateSchema } from '../../src/db/migrate-schema.ts';
import { beginHead, findHead } from '../../src/dispatch/begin.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { releaseLane } from '../../src/dispatch/settle.ts';
import type { Random } from '../support/random.ts';
import { until } from '../support/until.ts';

/** A database of the service on each node. */
export interface Nodes {
  databases: readonly Database[];
  urls: readonly string[];
  random: Random;
}

/** What a race has shown: figures, and what may not be. */
export interface Raced {
  notes: string[];
  broken: string[];
}

const leaseMs = 60_000;
const lanes = { table: 'lane', key: 'lane_id' } as const;

/** Starters on all nodes at once bring the schema up to date, each step once, and all tables have a primary key. */
export async function raceToMigrate({ databases, urls }: Nodes): Promise<Raced> {
  const signal = AbortSignal.timeout(120_000);
  const ran = await Promise.all(
    databases.map((database, index) => migrateSchema(database, urls[index]!, { signal, leaseMs })),
  );
  const steps = ran.flat();
  const doubled = steps.filter((step, index) => steps.indexOf(step) !== index);
  const keyless = await databases[0]!.all<{ name: string }>(
    `select t.table_name name from information_schema.tables t where t.table_schema = database() and not exists
      (select 1 from information_schema.table_constraints c where c.table_schema = t.table_schema
        and c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY')`,
  );
  return {
    notes: [`${steps.length} migrations by three starters`],
    broken: [
      ...doubled.map((step) => `migration ${step} ran twice`),
      ...keyless.map(({ name }) => `table ${name} has no primary key`),
    ],
  };
}

/** All nodes claim the same due lane and begin its head. Exactly one of them does. */
export async function raceToClaim(nodes: Nodes, rounds: number): Promise<Raced> {
  const { databases, random } = nodes;
  const begun = [0, 0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const laneId = `claim-${round}`;
    await databases[round % 3]!.tx((tx) => enqueue(tx, dispatchOn(laneId)));
    await seenByAll(nodes, laneId);
    const acted = await Promise.all(
      databases.map(async (database) => {
        await sleep(random.below(3));
        const [lease] = await claimLane(database, laneId);
        if (lease === undefined) return false;
        const head = (await findHead(database, laneId))!;
        return (await database.tx((tx) => beginHead(tx, lease, head))) === 'begun';
      }),
    );
    begun[acted.filter(Boolean).length]!++;
  }
  const [none, one, two, three] = begun as [number, number, number, number];
  const broken = [
    ...(two + three > 0 ? [`${two + three} lanes were begun by two nodes`] : []),
    ...(none > 0 ? [`${none} due lanes were begun by nobody`] : []),
  ];
  return { notes: [`${one} of ${rounds} lanes begun by exactly one of three nodes`], broken };
}

/**
 * One whose lease is over writes, fenced by its token, while another node claims. What it has written is there before
 * the claim, or not at all.
 */
export async function raceTheFence(nodes: Nodes, rounds: number): Promise<Raced> {
  const [first, second] = nodes.databases as [Database, Database];
  const { random } = nodes;
  let late = 0;
  let early = 0;
  for (let round = 0; round < rounds; round++) {
    const laneId = `fence-${round}`;
    const lease: Lease = { ...lanes, id: laneId, token: 'former', leaseMs, trustedUntilMs: Infinity };
    await first.run('insert into lane (lane_id, lease_token, due_at) values (?, ?, 0)', [laneId, lease.token]);
    await seenByAll(nodes, laneId);
    const isWritten = async (database: Database) =>
      (await database.all('select 1 from token_use where appid = ?', [laneId])).length === 1;
    const [wrote, seen] = await Promise.all([
      sleep(random.below(4)).then(() =>
        first.tx(async (tx) => {
          if (!(await lockLease(tx, lease))) return false;
          await tx.run('insert into token_use (appid, day) values (?, 0)', [laneId]);
          return true;
        }),
      ),
      sleep(random.below(4)).then(async () => {
        const claimed = await claimLane(second, laneId);
        // What was committed before its own commit is there.
        return claimed.length === 1 && (await isWritten(second));
      }),
    ]);
    if (wrote && seen) early++;
    if (wrote && !seen) late++;
  }
  return {
    notes: [`${early} of ${rounds} fenced writes came before the other node's claim, none after`],
    broken: late > 0 ? [`${late} of ${rounds} fenced writes took effect after another node had claimed`] : [],
  };
}

/** The holder releases a lane that is empty while another node enqueues. It is due then: nothing is forgotten. */
export async function raceToRelease(nodes: Nodes, rounds: number): Promise<Raced> {
  const [first, second, third] = nodes.databases as [Database, Database, Database];
  const { random } = nodes;
  for (let round = 0; round < rounds; round++) {
    const laneId = `release-${round}`;
    const lease: Lease = { ...lanes, id: laneId, token: 'holder', leaseMs, trustedUntilMs: Infinity };
    await first.run('insert into lane (lane_id, lease_token, due_at) values (?, ?, ?)', [
      laneId,
      lease.token,
      Date.now() + leaseMs,
    ]);
    await seenByAll(nodes, laneId);
    await Promise.all([
      sleep(random.below(4)).then(() => first.tx((tx) => releaseLane(tx, lease))),
      // Twice, as whoever asks again does: it is one dispatch.
      ...[second, third].map((database) =>
        sleep(random.below(4)).then(() => database.tx((tx) => enqueue(tx, dispatchOn(laneId)))),
      ),
    ]);
  }
  const count = async (sql: string) => Number((await first.all<{ n: number }>(sql))[0]!.n);
  await until(
    'all is there',
    async () => (await count("select count(*) n from lane where lane_id like 'release-%'")) === rounds,
  );
  const forgotten = await count(
    "select count(*) n from lane where lane_id like 'release-%' and (due_at is null or lease_token is not null)",
  );
  const enqueued = await count("select count(*) n from dispatch where lane_id like 'release-%'");
  return {
    notes: [`${enqueued} dispatches of ${rounds} enqueued on two nodes at once while a third released the lane`],
    broken: [
      ...(forgotten > 0 ? [`${forgotten} lanes with a dispatch are not due`] : []),
      ...(enqueued === rounds ? [] : [`${enqueued} dispatches instead of ${rounds}`]),
    ],
  };
}

function claimLane(database: Database, laneId: string): Promise<Lease[]> {
  return claimDue(database, lanes, { limit: 1, leaseMs, where: { sql: 'lane_id = ?', bindings: [laneId] } });
}

function dispatchOn(laneId: string) {
  return { laneId, dedupeKey: laneId, kind: 'test', appid: 'wx', payload: '{}', windowMs: 600_000 };
}

async function seenByAll({ databases }: Nodes, laneId: string): Promise<void> {
  for (const database of databases) {
    await until('it is replicated', async () => {
      return (await database.all('select 1 from lane where lane_id = ?', [laneId])).length === 1;
    });
  }
}
